//! Files, directories and links, by number.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::shared::SharedBytes;

/// A node's number; unique in a Faaslet for its life.
pub type Inode = u64;
/// The root directory of every file system.
pub const ROOT: Inode = 1;

#[derive(Debug, Clone)]
pub struct Node {
    pub content: Content,
    /// Names that lead here; a directory has one.
    pub links: u64,
    /// Nanoseconds since 1970: last read, last write, last change of the node.
    pub accessed: u64,
    pub modified: u64,
    pub changed: u64,
}

#[derive(Debug, Clone)]
pub enum Content {
    /// Shared with the global layer and with snapshots until it is written to.
    File(Arc<FileBytes>),
    Directory(Directory),
    Symlink(Arc<str>),
}

/// A file's bytes: as they were given, or our own.
#[derive(Debug)]
pub enum FileBytes {
    Given(Arc<[u8]>),
    Shared(Arc<SharedBytes>),
    Own(Vec<u8>),
}

impl FileBytes {
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Given(bytes) => bytes,
            Self::Shared(bytes) => bytes.as_slice(),
            Self::Own(bytes) => bytes,
        }
    }

    /// The bytes as they were given, unless somebody has written to them.
    pub fn given(&self) -> Option<Arc<[u8]>> {
        match self {
            Self::Given(bytes) => Some(bytes.clone()),
            Self::Shared(_) | Self::Own(_) => None,
        }
    }

    /// The bytes to write to; copied first when they are somebody else's as well.
    pub fn own(this: &mut Arc<Self>) -> &mut Vec<u8> {
        if !matches!(Arc::get_mut(this), Some(Self::Own(_))) {
            *this = Arc::new(Self::Own(this.as_slice().to_vec()));
        }
        match Arc::get_mut(this) {
            Some(Self::Own(bytes)) => bytes,
            _ => unreachable!("just made, and nobody else has it"),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Directory {
    pub parent: Inode,
    names: BTreeMap<Arc<str>, Entry>,
    /// In the order in which they came. A listing continues at a number, whatever was removed since.
    order: BTreeMap<u64, Arc<str>>,
    next: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    inode: Inode,
    place: u64,
}

/// Places 0 and 1 of a listing are the directory itself and its parent.
const FIRST_PLACE: u64 = 2;

impl Directory {
    pub fn new(parent: Inode) -> Self {
        Self { parent, names: BTreeMap::new(), order: BTreeMap::new(), next: FIRST_PLACE }
    }

    pub fn get(&self, name: &str) -> Option<Inode> {
        self.names.get(name).map(|entry| entry.inode)
    }

    /// Gives a name to a node; what had it before is returned.
    pub fn insert(&mut self, name: &str, inode: Inode) -> Option<Inode> {
        if let Some(entry) = self.names.get_mut(name) {
            return Some(std::mem::replace(&mut entry.inode, inode));
        }
        let name: Arc<str> = name.into();
        let place = self.next;
        self.next += 1;
        self.order.insert(place, name.clone());
        self.names.insert(name, Entry { inode, place });
        None
    }

    pub fn remove(&mut self, name: &str) -> Option<Inode> {
        let entry = self.names.remove(name)?;
        self.order.remove(&entry.place);
        Some(entry.inode)
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Inode)> {
        self.names.iter().map(|(name, entry)| (name, entry.inode))
    }

    /// The place of the name that comes next.
    pub(super) fn next_place(&self) -> u64 {
        self.next
    }

    /// A directory as it was: names with their places, in the order of those. Nothing when a place or a name is wrong.
    pub(super) fn restored(parent: Inode, names: &[(u64, String, Inode)], next: u64) -> Option<Self> {
        let mut directory = Self { next: FIRST_PLACE, ..Self::new(parent) };
        for (place, name, inode) in names {
            directory.next = Some(*place).filter(|place| *place >= directory.next && *place < next)?;
            if directory.insert(name, *inode).is_some() {
                return None;
            }
        }
        directory.next = Some(next).filter(|next| *next >= directory.next)?;
        Some(directory)
    }

    /// Names from a place on, each with its own place.
    pub fn list(&self, from: u64) -> impl Iterator<Item = (u64, &Arc<str>)> {
        self.order.range(from..).map(|(place, name)| (*place, name))
    }
}

impl Node {
    pub fn new(content: Content, now: u64) -> Self {
        Self { content, links: 1, accessed: now, modified: now, changed: now }
    }

    pub fn directory(&self) -> Option<&Directory> {
        match &self.content {
            Content::Directory(directory) => Some(directory),
            _ => None,
        }
    }

    /// Bytes of a file or link that the private layer holds for itself.
    pub fn own_bytes(&self) -> u64 {
        match &self.content {
            Content::File(bytes) if matches!(**bytes, FileBytes::Own(_)) => bytes.as_slice().len() as u64,
            // The read-only layer has none.
            Content::Symlink(target) => target.len() as u64,
            _ => 0,
        }
    }

    pub fn size(&self) -> u64 {
        match &self.content {
            Content::File(bytes) => bytes.as_slice().len() as u64,
            Content::Symlink(target) => target.len() as u64,
            Content::Directory(_) => 0,
        }
    }
}

pub type Nodes = HashMap<Inode, Node>;
