//! The virtual file system: a read-only layer that a function's Faaslets share, and above it a private one that a reset
//! throws away. A write copies the node up first. Snapshots share the private layer until somebody writes.

mod changes;
mod global;
mod node;
mod path;
mod shared;
mod stored;

use std::sync::Arc;

use crate::abi::types::Errno;
use crate::failure::Result;
use crate::settings::FileQuotas;

pub use changes::Change;
pub use global::{BadPath, GlobalFiles};
pub use node::{Content, Directory, FileBytes, Inode, Node, ROOT};
pub use path::{NAME_MAX, PATH_MAX, Resolved};
pub use shared::SharedBytes;
pub use stored::StoredLayer;

use node::Nodes;

/// A Faaslet's file system.
#[derive(Debug, Clone)]
pub struct Files {
    global: Arc<GlobalFiles>,
    local: Arc<Local>,
    quotas: FileQuotas,
}

/// The private layer: nodes that were written or made.
#[derive(Debug, Clone)]
pub struct Local {
    nodes: Nodes,
    next: Inode,
    /// Of the files and links in it that are its own.
    bytes: u64,
    /// Names beyond one for each node: hard links, which cost a name and no node.
    more_names: usize,
}

impl Files {
    pub fn new(global: Arc<GlobalFiles>, quotas: FileQuotas) -> Self {
        let local = Arc::new(Local { nodes: Nodes::new(), next: global.next, bytes: 0, more_names: 0 });
        Self { global, local, quotas }
    }

    /// The private layer as it is; taking and restoring it costs nothing.
    pub fn layer(&self) -> Arc<Local> {
        self.local.clone()
    }

    pub fn restore(&mut self, layer: &Arc<Local>) {
        if !Arc::ptr_eq(&self.local, layer) {
            self.local = layer.clone();
        }
    }

    /// What the private layer changed of the global one.
    pub fn changes(&self) -> Vec<Change> {
        changes::between(&self.global.nodes, self)
    }

    pub fn node(&self, inode: Inode) -> Result<&Node> {
        let node = self.local.nodes.get(&inode).or_else(|| self.global.nodes.get(&inode));
        Ok(node.ok_or(Errno::Badf)?)
    }

    pub fn directory(&self, inode: Inode) -> Result<&Directory> {
        Ok(self.node(inode)?.directory().ok_or(Errno::Notdir)?)
    }

    pub fn resolve(&self, start: Inode, path: &str, follow: bool) -> Result<Resolved> {
        path::resolve(self, start, path, follow)
    }

    /// Bytes of a file from an offset, at most `length`; empty at its end.
    pub fn read(&self, inode: Inode, offset: u64, length: usize) -> Result<&[u8]> {
        let Content::File(bytes) = &self.node(inode)?.content else { return Err(Errno::Badf.into()) };
        let bytes = bytes.as_slice();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let end = start.saturating_add(length).min(bytes.len());
        Ok(&bytes[start..end])
    }

    /// Writes at an offset; a gap before it is zero.
    pub fn write(&mut self, inode: Inode, offset: u64, new: &[u8], now: u64) -> Result<()> {
        let end = offset.checked_add(new.len() as u64).ok_or(Errno::Fbig)?;
        let size = self.node(inode)?.size().max(end);
        self.resize(inode, size, now)?;
        let Content::File(bytes) = &mut self.touch(inode)?.content else { return Err(Errno::Badf.into()) };
        let bytes = FileBytes::own(bytes);
        let (start, end) =
            (usize::try_from(offset).map_err(|_| Errno::Fbig)?, usize::try_from(end).map_err(|_| Errno::Fbig)?);
        bytes.get_mut(start..end).ok_or(Errno::Fbig)?.copy_from_slice(new);
        Ok(())
    }

    /// Makes a file so long; what is new is zero. The quota is asked before anything is allocated.
    pub fn resize(&mut self, inode: Inode, size: u64, now: u64) -> Result<()> {
        if !matches!(self.node(inode)?.content, Content::File(_)) {
            return Err(Errno::Badf.into());
        }
        let total = self.local.bytes - self.local.nodes.get(&inode).map_or(0, Node::own_bytes);
        if total.checked_add(size).is_none_or(|total| total > self.quotas.bytes) {
            return Err(Errno::Dquot.into());
        }
        let node = self.touch(inode)?;
        node.modified = now;
        node.changed = now;
        if let Content::File(bytes) = &mut node.content {
            if size == 0 {
                *bytes = Arc::new(FileBytes::Own(Vec::new()));
            }
            lengthen(FileBytes::own(bytes), usize::try_from(size).map_err(|_| Errno::Fbig)?);
        }
        self.local_mut().bytes = total + size;
        Ok(())
    }

    /// Makes a node of a name that is free.
    pub fn create(&mut self, parent: Inode, name: &str, content: Content, now: u64) -> Result<Inode> {
        self.check_parent(parent, 1)?;
        self.touch_directory(parent, now)?;
        self.check_room()?;
        let node = Node::new(content, now);
        let bytes = self.local.bytes.saturating_add(node.own_bytes());
        if bytes > self.quotas.bytes {
            return Err(Errno::Dquot.into());
        }
        let local = self.local_mut();
        let inode = local.next;
        local.next += 1;
        local.bytes = bytes;
        local.nodes.insert(inode, node);
        self.touch_directory(parent, now)?.insert(name, inode);
        Ok(inode)
    }

    /// Adds a file that is shared with others, and the directories above it. Its bytes are not the private layer's own.
    pub fn add_shared(&mut self, top: &str, path: &str, bytes: Arc<SharedBytes>, modified: u64) -> Result<()> {
        let mut here = ROOT;
        let mut parts = std::iter::once(top).chain(path.split('/')).peekable();
        while let Some(part) = parts.next() {
            let content = match parts.peek() {
                Some(_) => Content::Directory(Directory::new(here)),
                None => Content::File(Arc::new(FileBytes::Shared(bytes.clone()))),
            };
            here = match self.directory(here)?.get(part) {
                Some(inode) => inode,
                None => self.create(here, part, content, modified)?,
            };
        }
        Ok(())
    }

    /// Gives a node another name, which is free.
    pub fn link(&mut self, inode: Inode, parent: Inode, name: &str, now: u64) -> Result<()> {
        self.check_parent(parent, 1)?;
        self.touch_directory(parent, now)?;
        self.touch(inode)?;
        self.check_room()?;
        self.local_mut().more_names += 1;
        let node = self.touch(inode)?;
        node.links += 1;
        node.changed = now;
        self.touch_directory(parent, now)?.insert(name, inode);
        Ok(())
    }

    /// Takes a name away. The node goes with its last name, unless `is_open`: then with its last descriptor.
    pub fn unlink(&mut self, parent: Inode, name: &str, is_open: bool, now: u64) -> Result<()> {
        let inode = self.directory(parent)?.get(name).ok_or(Errno::Noent)?;
        self.touch(inode)?;
        self.touch_directory(parent, now)?.remove(name);
        self.drop_name(inode, is_open, now)
    }

    /// Moves a name to another place; what had that name loses it (`replaced_is_open` as in `unlink`).
    pub fn rename(&mut self, from: (Inode, &str), to: (Inode, &str), replaced_is_open: bool, now: u64) -> Result<()> {
        let inode = self.directory(from.0)?.get(from.1).ok_or(Errno::Noent)?;
        self.check_parent(to.0, self.height(inode)?)?;
        // Everything that can fail comes first: a rename is whole or not at all.
        self.touch(inode)?;
        if let Some(replaced) = self.directory(to.0)?.get(to.1) {
            self.touch(replaced)?;
        }
        self.touch_directory(from.0, now)?;
        self.touch_directory(to.0, now)?;
        self.touch_directory(from.0, now)?.remove(from.1);
        let replaced = self.touch_directory(to.0, now)?.insert(to.1, inode);
        if let Content::Directory(directory) = &mut self.touch(inode)?.content {
            directory.parent = to.0;
        }
        match replaced {
            Some(replaced) => self.drop_name(replaced, replaced_is_open, now),
            None => Ok(()),
        }
    }

    pub fn set_times(&mut self, inode: Inode, accessed: Option<u64>, modified: Option<u64>, now: u64) -> Result<()> {
        let node = self.touch(inode)?;
        node.accessed = accessed.unwrap_or(node.accessed);
        node.modified = modified.unwrap_or(node.modified);
        node.changed = now;
        Ok(())
    }

    /// Frees a node that nothing refers to any more; the caller knows that no descriptor does.
    pub fn release(&mut self, inode: Inode) {
        if self.local.nodes.get(&inode).is_some_and(|node| node.links == 0) {
            let local = self.local_mut();
            if let Some(node) = local.nodes.remove(&inode) {
                local.bytes -= node.own_bytes();
            }
        }
    }

    /// True when `inode` lies in the directory `above`, at any depth, or is it.
    pub fn is_within(&self, inode: Inode, above: Inode) -> Result<bool> {
        let mut here = inode;
        loop {
            if here == above {
                return Ok(true);
            }
            if here == ROOT {
                return Ok(false);
            }
            here = self.directory(here)?.parent;
        }
    }

    /// A directory that takes something `height` levels high: it must still have a name, and not lie too deep.
    fn check_parent(&self, directory: Inode, height: usize) -> Result<()> {
        if self.node(directory)?.links == 0 {
            return Err(Errno::Noent.into());
        }
        let mut here = directory;
        let mut depth = height;
        while here != ROOT {
            here = self.directory(here)?.parent;
            depth += 1;
        }
        if depth > self.quotas.depth { Err(Errno::Nametoolong.into()) } else { Ok(()) }
    }

    /// Levels of a tree: 1 for a file. Deep trees cannot be made, so the recursion is bounded.
    fn height(&self, inode: Inode) -> Result<usize> {
        let Some(directory) = self.node(inode)?.directory() else { return Ok(1) };
        let mut highest = 0;
        for (_, inner) in directory.iter() {
            highest = highest.max(self.height(inner)?);
        }
        Ok(highest + 1)
    }

    fn drop_name(&mut self, inode: Inode, is_open: bool, now: u64) -> Result<()> {
        let node = self.touch(inode)?;
        node.links -= 1;
        node.changed = now;
        match node.links {
            0 if is_open => {}
            0 => self.release(inode),
            _ => self.local_mut().more_names -= 1,
        }
        Ok(())
    }

    fn touch_directory(&mut self, inode: Inode, now: u64) -> Result<&mut Directory> {
        let node = self.touch(inode)?;
        node.modified = now;
        node.changed = now;
        match &mut node.content {
            Content::Directory(directory) => Ok(directory),
            _ => Err(Errno::Notdir.into()),
        }
    }

    /// The node, in the private layer. The bytes of a file that was given stay shared until somebody writes to them.
    fn touch(&mut self, inode: Inode) -> Result<&mut Node> {
        if !self.local.nodes.contains_key(&inode) {
            self.check_room()?;
            let node = self.node(inode)?.clone();
            self.local_mut().nodes.insert(inode, node);
        }
        Ok(self.local_mut().nodes.get_mut(&inode).ok_or(Errno::Badf)?)
    }

    /// Room for one more node or name.
    fn check_room(&self) -> Result<()> {
        if self.local.nodes.len() + self.local.more_names >= self.quotas.files {
            Err(Errno::Dquot.into())
        } else {
            Ok(())
        }
    }

    fn local_mut(&mut self) -> &mut Local {
        Arc::make_mut(&mut self.local)
    }
}

/// Makes bytes so many. What is new comes as zero pages from the system: a large hole costs nothing before it is written to.
fn lengthen(bytes: &mut Vec<u8>, size: usize) {
    if size > bytes.capacity() {
        let mut longer = vec![0; size.max(bytes.len().saturating_mul(2))];
        longer[..bytes.len()].copy_from_slice(bytes);
        *bytes = longer;
        bytes.truncate(size);
    } else {
        bytes.resize(size, 0);
    }
}
