//! The prefix `faasm://`: files that a tenant's functions share. They are fetched when a call opens or looks at one first, and
//! stay as they were then until the call ends.

use std::sync::Arc;

use wiggle::{GuestMemory, GuestPtr};

use crate::abi::types::{Errno, Fd};
use crate::calls::string;
use crate::control::Ended;
use crate::descriptors::Target;
use crate::failure::Result;
use crate::files::{NAME_MAX, ROOT, SharedBytes};
use crate::wasi::Wasi;

/// The directory that the prefix names; some libraries take one of its slashes away.
pub const SHARED_DIRECTORY: &str = "faasm:";

/// Where shared files come from.
pub trait SharedFiles: Send {
    /// A file, and when it was written, nanoseconds since 1970; none when there is none of that path.
    fn find(&mut self, path: &str) -> std::result::Result<Option<(Arc<SharedBytes>, u64)>, NotFound>;
}

/// Why a shared file could not be looked for.
#[derive(Debug)]
pub enum NotFound {
    Ended(Ended),
    /// The store failed.
    Broken,
}

impl Wasi {
    /// Who finds shared files during the call; nobody does in an initialiser.
    pub fn set_shared_files(&mut self, shared: Option<Box<dyn SharedFiles>>) {
        self.shared = shared;
    }

    /// Brings a shared file into the call's own tree, if the path names one that is not there yet.
    pub(crate) fn fetch_shared(&mut self, memory: &GuestMemory<'_>, fd: Fd, path: GuestPtr<str>) -> Result<()> {
        let is_root = matches!(self.descriptors().get(fd.into())?.target, Target::Directory(ROOT));
        // Most paths are short; a look at all of them costs less than a second copy of the long ones.
        if !is_root || self.shared.is_none() || path.len() as usize <= SHARED_DIRECTORY.len() + 1 {
            return Ok(());
        }
        self.fetch_shared_path(&string(memory, path)?)
    }

    /// The same for a path that a host function has copied.
    pub(crate) fn fetch_shared_path(&mut self, path: &str) -> Result<()> {
        let Some(name) = path.strip_prefix(SHARED_DIRECTORY).filter(|rest| rest.starts_with('/')) else {
            return Ok(());
        };
        let name = name.trim_start_matches('/');
        let is_plain = |part: &str| !matches!(part, "" | "." | "..") && part.len() <= NAME_MAX && !part.contains('\0');
        if !name.split('/').all(is_plain) {
            return Ok(());
        }
        if self.files.resolve(ROOT, path, true).is_ok_and(|resolved| resolved.node.is_some()) {
            return Ok(());
        }
        let Some(shared) = &mut self.shared else { return Ok(()) };
        match shared.find(name) {
            Ok(None) => Ok(()),
            Ok(Some((bytes, modified))) => self.files.add_shared(SHARED_DIRECTORY, name, bytes, modified),
            Err(NotFound::Ended(ended)) => Err(ended.into()),
            Err(NotFound::Broken) => Err(Errno::Io.into()),
        }
    }
}
