//! The read-only layer: what a function brings. Made once, shared by all its Faaslets.

use std::sync::Arc;

use super::node::{Content, Directory, FileBytes, Inode, Node, Nodes, ROOT};
use super::path::NAME_MAX;

/// The files that all Faaslets of a function begin with.
#[derive(Debug)]
pub struct GlobalFiles {
    pub(super) nodes: Nodes,
    pub(super) next: Inode,
}

/// A path that cannot be in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    #[error("the path is not absolute and plain")]
    NotPlain,
    #[error("a file stands where a directory is needed, or the other way round")]
    Taken,
    #[error("a name in it is too long")]
    TooLong,
}

impl Default for GlobalFiles {
    fn default() -> Self {
        let root = Node::new(Content::Directory(Directory::new(ROOT)), 0);
        Self { nodes: Nodes::from([(ROOT, root)]), next: ROOT + 1 }
    }
}

impl GlobalFiles {
    /// Adds a file at an absolute path; directories above it are made.
    pub fn add_file(&mut self, path: &str, bytes: Arc<[u8]>) -> Result<(), BadPath> {
        let (parent, name) = self.parent_of(path)?;
        self.add(parent, name, Content::File(Arc::new(FileBytes::Given(bytes))))
    }

    /// Adds a directory at an absolute path; one that is there already is fine.
    pub fn add_directory(&mut self, path: &str) -> Result<(), BadPath> {
        if path == "/" {
            return Ok(());
        }
        let (parent, name) = self.parent_of(path)?;
        self.enter(parent, name).map(drop)
    }

    /// The bytes of a file that was added at a path.
    pub fn bytes_of(&self, path: &str) -> Option<Arc<[u8]>> {
        let mut here = ROOT;
        for part in path.strip_prefix('/')?.split('/') {
            here = self.nodes.get(&here)?.directory()?.get(part)?;
        }
        match &self.nodes.get(&here)?.content {
            Content::File(bytes) => bytes.given(),
            _ => None,
        }
    }

    fn parent_of<'p>(&mut self, path: &'p str) -> Result<(Inode, &'p str), BadPath> {
        let inner = path.strip_prefix('/').ok_or(BadPath::NotPlain)?;
        let mut here = ROOT;
        let mut parts = inner.split('/').peekable();
        while let Some(part) = parts.next() {
            if matches!(part, "" | "." | "..") || part.contains('\0') {
                return Err(BadPath::NotPlain);
            }
            if part.len() > NAME_MAX {
                return Err(BadPath::TooLong);
            }
            if parts.peek().is_none() {
                return Ok((here, part));
            }
            here = self.enter(here, part)?;
        }
        Err(BadPath::NotPlain)
    }

    fn enter(&mut self, parent: Inode, name: &str) -> Result<Inode, BadPath> {
        let found = self.nodes.get(&parent).and_then(Node::directory).and_then(|directory| directory.get(name));
        if let Some(inode) = found {
            let is_directory = self.nodes.get(&inode).is_some_and(|node| node.directory().is_some());
            return if is_directory { Ok(inode) } else { Err(BadPath::Taken) };
        }
        let inode = self.next;
        self.add(parent, name, Content::Directory(Directory::new(parent)))?;
        Ok(inode)
    }

    fn add(&mut self, parent: Inode, name: &str, content: Content) -> Result<(), BadPath> {
        let inode = self.next;
        let Some(Node { content: Content::Directory(directory), .. }) = self.nodes.get_mut(&parent) else {
            return Err(BadPath::Taken);
        };
        if directory.get(name).is_some() {
            return Err(BadPath::Taken);
        }
        directory.insert(name, inode);
        self.nodes.insert(inode, Node::new(content, 0));
        self.next += 1;
        Ok(())
    }
}
