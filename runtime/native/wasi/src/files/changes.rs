//! What a private layer changed: for whoever writes a directory back to where it came from.

use super::node::{Content, Inode, Node, Nodes, ROOT};
use super::{FileBytes, Files};

/// One difference from the global layer. Paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Comes before whatever takes its name.
    Removed {
        path: String,
    },
    Directory {
        path: String,
    },
    File {
        path: String,
        bytes: Vec<u8>,
    },
    Symlink {
        path: String,
        target: String,
    },
}

/// All differences: removals first, the deepest of them before what they lie in; then the rest from the root down.
pub fn between(global: &Nodes, files: &Files) -> Vec<Change> {
    let mut walk = Walk { global, files, removed: Vec::new(), made: Vec::new() };
    walk.directory("", Some(ROOT), Some(ROOT));
    walk.removed.append(&mut walk.made);
    walk.removed
}

struct Walk<'a> {
    global: &'a Nodes,
    files: &'a Files,
    removed: Vec<Change>,
    made: Vec<Change>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &str, before: Option<Inode>, after: Option<Inode>) {
        let (global, files) = (self.global, self.files);
        let old = before.and_then(|inode| global.get(&inode)).and_then(Node::directory);
        let new = after.and_then(|inode| files.node(inode).ok()).and_then(Node::directory);
        for (name, inode) in old.into_iter().flat_map(|directory| directory.iter()) {
            let inner = format!("{path}/{name}");
            let now = new.and_then(|directory| directory.get(name));
            if now.is_none_or(|now| !self.is_same_kind(inode, now)) {
                self.directory(&inner, Some(inode), None);
                self.removed.push(Change::Removed { path: inner });
            }
        }
        for (name, inode) in new.into_iter().flat_map(|directory| directory.iter()) {
            let inner = format!("{path}/{name}");
            let was = old.and_then(|directory| directory.get(name)).filter(|was| self.is_same_kind(*was, inode));
            self.entry(inner, was, inode);
        }
    }

    fn entry(&mut self, path: String, was: Option<Inode>, is: Inode) {
        let Ok(node) = self.files.node(is) else { return };
        let old = was.and_then(|was| self.global.get(&was));
        match &node.content {
            Content::Directory(_) => {
                if old.is_none() {
                    self.made.push(Change::Directory { path: path.clone() });
                }
                self.directory(&path, was, Some(is));
            }
            Content::File(bytes) => {
                let unchanged =
                    old.is_some_and(|old| matches!(&old.content, Content::File(old) if is_equal(old, bytes)));
                if !unchanged {
                    self.made.push(Change::File { path, bytes: bytes.as_slice().to_vec() });
                }
            }
            Content::Symlink(target) => {
                let unchanged = old.is_some_and(|old| matches!(&old.content, Content::Symlink(old) if old == target));
                if !unchanged {
                    self.made.push(Change::Symlink { path, target: target.to_string() });
                }
            }
        }
    }

    fn is_same_kind(&self, was: Inode, is: Inode) -> bool {
        let (Some(was), Ok(is)) = (self.global.get(&was), self.files.node(is)) else { return false };
        std::mem::discriminant(&was.content) == std::mem::discriminant(&is.content)
    }
}

fn is_equal(old: &std::sync::Arc<FileBytes>, new: &std::sync::Arc<FileBytes>) -> bool {
    std::sync::Arc::ptr_eq(old, new) || old.as_slice() == new.as_slice()
}
