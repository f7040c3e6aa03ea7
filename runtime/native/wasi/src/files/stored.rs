//! The private layer as plain values, to be written down and read back. What is read back may have been made by anybody: a
//! layer comes of it only if no operation on files can meet anything in it that files could not have made themselves.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::node::{Content, Directory, FileBytes, Inode, Node, Nodes, ROOT};
use super::path::{NAME_MAX, PATH_MAX};
use super::{Files, GlobalFiles, Local};
use crate::settings::FileQuotas;
use crate::stored::CannotStore;

/// A private layer; the bytes of its files lie elsewhere: each file says where.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredLayer {
    /// The number after those of the read-only layer: another one means other files.
    first: Inode,
    next: Inode,
    nodes: Vec<StoredNode>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNode {
    inode: Inode,
    links: u64,
    accessed: u64,
    modified: u64,
    changed: u64,
    content: StoredContent,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
enum StoredContent {
    /// What the read-only layer has under the same number.
    Given,
    Own(Range<usize>),
    /// Names with their places, in the order of those.
    Directory {
        parent: Inode,
        next: u64,
        names: Vec<(u64, String, Inode)>,
    },
    Symlink(String),
}

impl Local {
    /// The layer as values; the bytes of its files are added to `bytes`.
    pub(crate) fn store(&self, global: &GlobalFiles, bytes: &mut Vec<u8>) -> Result<StoredLayer, CannotStore> {
        let mut nodes = Vec::with_capacity(self.nodes.len());
        // In order: the same layer gives the same values.
        let mut inodes: Vec<Inode> = self.nodes.keys().copied().collect();
        inodes.sort_unstable();
        for inode in inodes {
            let Some(node) = self.nodes.get(&inode) else { continue };
            let content = match &node.content {
                Content::File(file) => stored_file(file, global.nodes.get(&inode), bytes)?,
                Content::Directory(directory) => {
                    let entry = |(place, name): (u64, &Arc<str>)| Some((place, name.to_string(), directory.get(name)?));
                    let names = directory.list(0).filter_map(entry).collect();
                    StoredContent::Directory { parent: directory.parent, next: directory.next_place(), names }
                }
                Content::Symlink(target) => StoredContent::Symlink(target.to_string()),
            };
            let Node { links, accessed, modified, changed, .. } = *node;
            nodes.push(StoredNode { inode, links, accessed, modified, changed, content });
        }
        Ok(StoredLayer { first: global.next, next: self.next, nodes })
    }
}

fn stored_file(
    file: &Arc<FileBytes>,
    global: Option<&Node>,
    bytes: &mut Vec<u8>,
) -> Result<StoredContent, CannotStore> {
    if matches!(global.map(|node| &node.content), Some(Content::File(given)) if Arc::ptr_eq(given, file)) {
        return Ok(StoredContent::Given);
    }
    match &**file {
        FileBytes::Own(own) => {
            let start = bytes.len();
            bytes.extend_from_slice(own);
            Ok(StoredContent::Own(start..bytes.len()))
        }
        FileBytes::Given(_) | FileBytes::Shared(_) => Err(CannotStore("a file that others share is among its own")),
    }
}

impl StoredLayer {
    /// The layer over the files that the function brought; nothing when it could not have come about there.
    pub(crate) fn load(&self, global: &Arc<GlobalFiles>, quotas: FileQuotas, bytes: &[u8]) -> Option<Arc<Local>> {
        /// Numbers are given one after another; so many are never reached.
        const INODES_MAX: Inode = 1 << 48;
        if self.first != global.next || !(self.first..INODES_MAX).contains(&self.next) {
            return None;
        }
        let mut nodes = Nodes::with_capacity(self.nodes.len());
        for stored in &self.nodes {
            let given = global.nodes.get(&stored.inode);
            if stored.inode >= self.next || (stored.inode < self.first && given.is_none()) {
                return None;
            }
            let content = stored.content.load(given, bytes)?;
            let StoredNode { inode, links, accessed, modified, changed, .. } = *stored;
            if nodes.insert(inode, Node { content, links, accessed, modified, changed }).is_some() {
                return None;
            }
        }
        let own = nodes.values().map(Node::own_bytes).try_fold(0, u64::checked_add)?;
        let more_names = nodes.values().filter(|node| node.directory().is_none()).map(|node| node.links);
        let more_names: u64 = more_names.map(|links| links.saturating_sub(1)).try_fold(0, u64::checked_add)?;
        let more_names = usize::try_from(more_names).ok()?;
        if own > quotas.bytes || nodes.len().checked_add(more_names)? > quotas.files {
            return None;
        }
        let local = Arc::new(Local { nodes, next: self.next, bytes: own, more_names });
        let files = Files { global: global.clone(), local: local.clone(), quotas };
        is_tree(&files).then_some(local)
    }
}

impl StoredContent {
    fn load(&self, given: Option<&Node>, bytes: &[u8]) -> Option<Content> {
        match self {
            Self::Given => match given.map(|node| &node.content) {
                Some(Content::File(file)) => Some(Content::File(file.clone())),
                _ => None,
            },
            Self::Own(range) => Some(Content::File(Arc::new(FileBytes::Own(bytes.get(range.clone())?.to_vec())))),
            Self::Directory { parent, next, names } => {
                let are_plain = names.iter().all(|(_, name, _)| is_name(name));
                Directory::restored(*parent, names, *next).filter(|_| are_plain).map(Content::Directory)
            }
            Self::Symlink(target) => (target.len() <= PATH_MAX).then(|| Content::Symlink(target.as_str().into())),
        }
    }
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= NAME_MAX && !name.contains(['/', '\0'])
}

/// Whether all directories hang together as one tree from the root down, each file has as many names as it says, and every
/// way up ends.
fn is_tree(files: &Files) -> bool {
    let mut names: HashMap<Inode, u64> = HashMap::new();
    let mut seen = HashSet::from([ROOT]);
    let mut ahead = vec![(ROOT, 0)];
    while let Some((inode, depth)) = ahead.pop() {
        let Ok(directory) = files.directory(inode) else { return false };
        for (_, inner) in directory.iter() {
            let Ok(node) = files.node(inner) else { return false };
            *names.entry(inner).or_default() += 1;
            if let Some(below) = node.directory() {
                if below.parent != inode || depth >= files.quotas.depth || !seen.insert(inner) {
                    return false;
                }
                ahead.push((inner, depth + 1));
            }
        }
    }
    let all = files.local.nodes.iter().chain(files.global.nodes.iter());
    let visible = all.filter(|(inode, node)| files.node(**inode).is_ok_and(|there| std::ptr::eq(there, *node)));
    visible.into_iter().all(|(inode, node)| {
        let named = names.get(inode).copied().unwrap_or(0);
        let is_local = files.local.nodes.contains_key(inode);
        match node.directory() {
            // A node of the read-only layer whose last name went may still be there, and nothing leads to it.
            _ if !is_local => named <= 1,
            Some(_) if seen.contains(inode) => node.links == 1,
            // Removed, and open: it holds nothing, and knows where it was.
            Some(directory) => node.links == 0 && directory.is_empty() && ends_above(files, directory.parent),
            None => node.links == named,
        }
    })
}

/// Whether the way up from a directory ends: at the root, or where a directory is gone.
fn ends_above(files: &Files, mut here: Inode) -> bool {
    let levels = files.local.nodes.len() + files.global.nodes.len();
    for _ in 0..=levels {
        match files.directory(here) {
            Ok(directory) if here != ROOT => here = directory.parent,
            _ => return true,
        }
    }
    false
}
