//! From a path to a node. Nothing leads above the directory that a path starts from, and nothing to the machine's files.

use super::Files;
use super::node::{Content, Inode};
use crate::abi::types::Errno;
use crate::failure::Result;

/// Longest path and longest name in it, bytes.
pub const PATH_MAX: usize = 4096;
pub const NAME_MAX: usize = 255;
/// Links that one path may lead through.
const LINKS_MAX: usize = 40;

/// Where a path leads.
#[derive(Debug)]
pub struct Resolved {
    pub parent: Inode,
    /// The last name in the parent; `.` when the path is the starting directory itself.
    pub name: String,
    /// What is there.
    pub node: Option<Inode>,
    /// The path ends in a slash: it has to be a directory.
    pub needs_directory: bool,
}

/// Resolves `path` from a directory. With `follow`, a link at its end is followed too.
pub fn resolve(files: &Files, start: Inode, path: &str, follow: bool) -> Result<Resolved> {
    check(path)?;
    let mut walk = Walk { files, above: Vec::new(), here: start, links: 0 };
    walk.to(path, follow)
}

fn check(path: &str) -> Result<()> {
    match path {
        "" => Err(Errno::Noent.into()),
        _ if path.len() > PATH_MAX => Err(Errno::Nametoolong.into()),
        _ if path.contains('\0') => Err(Errno::Inval.into()),
        // Absolute: it would start above every directory that the guest holds.
        _ if path.starts_with('/') => Err(Errno::Perm.into()),
        _ => Ok(()),
    }
}

struct Walk<'a> {
    files: &'a Files,
    /// Directories between the start and here.
    above: Vec<Inode>,
    here: Inode,
    links: usize,
}

impl Walk<'_> {
    fn to(&mut self, path: &str, follow: bool) -> Result<Resolved> {
        let ends_in_slash = path.ends_with('/');
        let ends_in_dot = path.trim_end_matches('/').ends_with("/.");
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let Some((last, inner)) = parts.split_last() else {
            return Ok(self.at_directory());
        };
        for part in inner {
            self.enter(part)?;
        }
        if *last == ".." || ends_in_dot {
            self.enter(last)?;
            return Ok(self.at_directory());
        }
        if last.len() > NAME_MAX {
            return Err(Errno::Nametoolong.into());
        }
        let node = self.files.directory(self.here)?.get(last);
        if let Some(inode) = node
            && (follow || ends_in_slash)
            && let Content::Symlink(target) = &self.files.node(inode)?.content
        {
            let target = self.follow(target)?;
            let mut resolved = self.to(&target, true)?;
            resolved.needs_directory |= ends_in_slash;
            return Ok(resolved);
        }
        Ok(Resolved { parent: self.here, name: (*last).to_owned(), node, needs_directory: ends_in_slash })
    }

    /// The directory where the walk stands, as the end of a path.
    fn at_directory(&self) -> Resolved {
        Resolved { parent: self.here, name: ".".into(), node: Some(self.here), needs_directory: true }
    }

    fn enter(&mut self, name: &str) -> Result<()> {
        if name == ".." {
            return self.up();
        }
        if name.len() > NAME_MAX {
            return Err(Errno::Nametoolong.into());
        }
        let inode = self.files.directory(self.here)?.get(name).ok_or(Errno::Noent)?;
        match &self.files.node(inode)?.content {
            Content::Directory(_) => {
                self.above.push(self.here);
                self.here = inode;
                Ok(())
            }
            Content::Symlink(target) => {
                let target = self.follow(target)?;
                for part in target.split('/').filter(|part| !part.is_empty() && *part != ".") {
                    self.enter(part)?;
                }
                Ok(())
            }
            Content::File(_) => Err(Errno::Notdir.into()),
        }
    }

    fn up(&mut self) -> Result<()> {
        self.here = self.above.pop().ok_or(Errno::Perm)?;
        Ok(())
    }

    /// A link's target, once more.
    fn follow(&mut self, target: &str) -> Result<String> {
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Errno::Loop.into());
        }
        check(target)?;
        Ok(target.to_owned())
    }
}
