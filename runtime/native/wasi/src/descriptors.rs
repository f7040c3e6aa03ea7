//! A Faaslet's descriptors. Numbers are given from the lowest free one, as programs expect.

use crate::abi::types::{Errno, Fdflags, Rights};
use crate::failure::Result;
use crate::files::{Inode, ROOT};

/// What an open descriptor leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Stdin,
    Stdout,
    Stderr,
    File(Inode),
    Directory(Inode),
}

#[derive(Debug, Clone)]
pub struct Descriptor {
    pub target: Target,
    pub offset: u64,
    pub flags: Fdflags,
    pub rights: Rights,
    pub inheriting: Rights,
    /// A directory that was there before the program began.
    pub is_preopen: bool,
}

#[derive(Debug, Clone)]
pub struct Descriptors {
    table: Vec<Option<Descriptor>>,
}

impl Descriptors {
    /// The standard streams, and the root directory as descriptor 3 when the guest has a file system.
    pub fn new(has_root: bool) -> Self {
        let stream = |target, rights| Descriptor {
            target,
            offset: 0,
            flags: Fdflags::empty(),
            rights: rights | Rights::FD_FILESTAT_GET | Rights::POLL_FD_READWRITE,
            inheriting: Rights::empty(),
            is_preopen: false,
        };
        let mut table = vec![
            Some(stream(Target::Stdin, Rights::FD_READ)),
            Some(stream(Target::Stdout, Rights::FD_WRITE)),
            Some(stream(Target::Stderr, Rights::FD_WRITE)),
        ];
        if has_root {
            table.push(Some(Descriptor {
                target: Target::Directory(ROOT),
                offset: 0,
                flags: Fdflags::empty(),
                rights: directory_rights(),
                inheriting: directory_rights() | file_rights(),
                is_preopen: true,
            }));
        }
        Self { table }
    }

    pub fn get(&self, fd: u32) -> Result<&Descriptor> {
        Ok(self.table.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)?)
    }

    pub fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        Ok(self.table.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)?)
    }

    /// Fails when no number below `max` is free.
    pub fn check_room(&self, max: usize) -> Result<()> {
        if self.lowest_free() < max { Ok(()) } else { Err(Errno::Mfile.into()) }
    }

    fn lowest_free(&self) -> usize {
        self.table.iter().position(Option::is_none).unwrap_or(self.table.len())
    }

    /// Gives the lowest free number.
    pub fn open(&mut self, descriptor: Descriptor, max: usize) -> Result<u32> {
        self.check_room(max)?;
        let free = self.lowest_free();
        if free == self.table.len() {
            self.table.push(None);
        }
        self.table[free] = Some(descriptor);
        Ok(u32::try_from(free).map_err(|_| Errno::Mfile)?)
    }

    pub fn close(&mut self, fd: u32) -> Result<Descriptor> {
        Ok(self.table.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::Badf)?)
    }

    /// Moves a descriptor to another open number; gives what was there.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<Option<Descriptor>> {
        self.get(to)?;
        if from == to {
            self.get(from)?;
            return Ok(None);
        }
        let moved = self.close(from)?;
        let replaced = self.close(to)?;
        self.table[to as usize] = Some(moved);
        Ok(Some(replaced))
    }

    /// True when a descriptor leads to the node.
    pub fn hold(&self, inode: Inode) -> bool {
        self.table.iter().flatten().any(|d| matches!(d.target, Target::File(i) | Target::Directory(i) if i == inode))
    }
}

/// All that can be done with a directory.
pub fn directory_rights() -> Rights {
    Rights::PATH_CREATE_DIRECTORY
        | Rights::PATH_CREATE_FILE
        | Rights::PATH_LINK_SOURCE
        | Rights::PATH_LINK_TARGET
        | Rights::PATH_OPEN
        | Rights::FD_READDIR
        | Rights::PATH_READLINK
        | Rights::PATH_RENAME_SOURCE
        | Rights::PATH_RENAME_TARGET
        | Rights::PATH_FILESTAT_GET
        | Rights::PATH_FILESTAT_SET_SIZE
        | Rights::PATH_FILESTAT_SET_TIMES
        | Rights::FD_FILESTAT_GET
        | Rights::FD_FILESTAT_SET_TIMES
        | Rights::PATH_SYMLINK
        | Rights::PATH_REMOVE_DIRECTORY
        | Rights::PATH_UNLINK_FILE
        | Rights::FD_SYNC
        | Rights::FD_DATASYNC
        | Rights::FD_FDSTAT_SET_FLAGS
}

/// All that can be done with a file.
pub fn file_rights() -> Rights {
    Rights::FD_DATASYNC
        | Rights::FD_READ
        | Rights::FD_SEEK
        | Rights::FD_FDSTAT_SET_FLAGS
        | Rights::FD_SYNC
        | Rights::FD_TELL
        | Rights::FD_WRITE
        | Rights::FD_ADVISE
        | Rights::FD_ALLOCATE
        | Rights::FD_FILESTAT_GET
        | Rights::FD_FILESTAT_SET_SIZE
        | Rights::FD_FILESTAT_SET_TIMES
        | Rights::POLL_FD_READWRITE
}
