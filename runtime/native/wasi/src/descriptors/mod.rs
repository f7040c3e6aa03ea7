//! A Faaslet's descriptors. Numbers are given from the lowest free one, as programs expect.

mod stored;

use crate::abi::types::{Errno, Fdflags, Rights};
use crate::failure::Result;
use crate::files::{Inode, ROOT};

pub use stored::StoredDescriptors;

/// What an open descriptor leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Stdin,
    Stdout,
    Stderr,
    File(Inode),
    Directory(Inode),
    /// By its number among the Faaslet's sockets.
    Socket(u32),
    /// An answer to an HTTP request, by its number among the Faaslet's answers.
    Answer(u32),
}

/// A number's own side; what it shares with its duplicates is in [`Open`].
#[derive(Debug, Clone)]
pub struct Descriptor {
    pub target: Target,
    pub rights: Rights,
    pub inheriting: Rights,
    /// A directory that was there before the program began.
    pub is_preopen: bool,
    open: usize,
}

/// What one opening made: duplicates of a descriptor move one offset.
#[derive(Debug, Clone)]
pub struct Open {
    pub offset: u64,
    pub flags: Fdflags,
    holders: usize,
}

#[derive(Debug, Clone)]
pub struct Descriptors {
    table: Vec<Option<Descriptor>>,
    opens: Vec<Option<Open>>,
}

impl Descriptors {
    /// The standard streams, and the root directory as descriptor 3 when the guest has a file system.
    pub fn new(has_root: bool) -> Self {
        let mut descriptors = Self { table: Vec::new(), opens: Vec::new() };
        let more = Rights::FD_FILESTAT_GET | Rights::POLL_FD_READWRITE;
        descriptors.preset(Target::Stdin, Rights::FD_READ | more, Rights::empty());
        descriptors.preset(Target::Stdout, Rights::FD_WRITE | more, Rights::empty());
        descriptors.preset(Target::Stderr, Rights::FD_WRITE | more, Rights::empty());
        if has_root {
            descriptors.preset(Target::Directory(ROOT), directory_rights(), directory_rights() | file_rights());
        }
        descriptors
    }

    fn preset(&mut self, target: Target, rights: Rights, inheriting: Rights) {
        let is_preopen = matches!(target, Target::Directory(_));
        let open = self.add_open(Fdflags::empty());
        self.table.push(Some(Descriptor { target, rights, inheriting, is_preopen, open }));
    }

    pub fn get(&self, fd: u32) -> Result<&Descriptor> {
        Ok(self.table.get(fd as usize).and_then(Option::as_ref).ok_or(Errno::Badf)?)
    }

    pub fn get_mut(&mut self, fd: u32) -> Result<&mut Descriptor> {
        Ok(self.table.get_mut(fd as usize).and_then(Option::as_mut).ok_or(Errno::Badf)?)
    }

    pub fn open_of(&self, fd: u32) -> Result<&Open> {
        let open = self.get(fd)?.open;
        Ok(self.opens.get(open).and_then(Option::as_ref).ok_or(Errno::Badf)?)
    }

    pub fn open_of_mut(&mut self, fd: u32) -> Result<&mut Open> {
        let open = self.get(fd)?.open;
        Ok(self.opens.get_mut(open).and_then(Option::as_mut).ok_or(Errno::Badf)?)
    }

    /// Fails when no number below `max` is free.
    pub fn check_room(&self, max: usize) -> Result<()> {
        if self.lowest_free() < max { Ok(()) } else { Err(Errno::Mfile.into()) }
    }

    fn lowest_free(&self) -> usize {
        self.table.iter().position(Option::is_none).unwrap_or(self.table.len())
    }

    /// Opens at the lowest free number.
    pub fn open(&mut self, opening: Opened, max: usize) -> Result<u32> {
        self.check_room(max)?;
        let Opened { target, flags, rights, inheriting } = opening;
        let open = self.add_open(flags);
        self.place(Descriptor { target, rights, inheriting, is_preopen: false, open })
    }

    /// A second number for what a first one leads to.
    pub fn duplicate(&mut self, fd: u32, max: usize) -> Result<u32> {
        let descriptor = Descriptor { is_preopen: false, ..self.get(fd)?.clone() };
        self.check_room(max)?;
        self.open_of_mut(fd)?.holders += 1;
        self.place(descriptor)
    }

    fn place(&mut self, descriptor: Descriptor) -> Result<u32> {
        let free = self.lowest_free();
        if free == self.table.len() {
            self.table.push(None);
        }
        self.table[free] = Some(descriptor);
        Ok(u32::try_from(free).map_err(|_| Errno::Mfile)?)
    }

    fn add_open(&mut self, flags: Fdflags) -> usize {
        let place = self.opens.iter().position(Option::is_none).unwrap_or(self.opens.len());
        if place == self.opens.len() {
            self.opens.push(None);
        }
        self.opens[place] = Some(Open { offset: 0, flags, holders: 1 });
        place
    }

    pub fn close(&mut self, fd: u32) -> Result<Descriptor> {
        let closed = self.table.get_mut(fd as usize).and_then(Option::take).ok_or(Errno::Badf)?;
        if let Some(place) = self.opens.get_mut(closed.open)
            && let Some(open) = place
        {
            open.holders -= 1;
            if open.holders == 0 {
                *place = None;
            }
        }
        Ok(closed)
    }

    /// Moves a descriptor to another open number; gives what was there.
    pub fn renumber(&mut self, from: u32, to: u32) -> Result<Option<Descriptor>> {
        self.get(to)?;
        self.get(from)?;
        if from == to {
            return Ok(None);
        }
        let replaced = self.close(to)?;
        self.table[to as usize] = self.table[from as usize].take();
        Ok(Some(replaced))
    }

    /// Whether a descriptor leads to the network.
    pub fn has_connections(&self) -> bool {
        let is_one = |descriptor: &Descriptor| matches!(descriptor.target, Target::Socket(_) | Target::Answer(_));
        self.table.iter().flatten().any(is_one)
    }

    /// True when a descriptor leads there.
    pub fn hold_target(&self, target: Target) -> bool {
        self.table.iter().flatten().any(|descriptor| descriptor.target == target)
    }

    /// True when a descriptor leads to the node.
    pub fn hold(&self, inode: Inode) -> bool {
        self.table.iter().flatten().any(|d| matches!(d.target, Target::File(i) | Target::Directory(i) if i == inode))
    }
}

/// What a new descriptor is to be.
pub struct Opened {
    pub target: Target,
    pub flags: Fdflags,
    pub rights: Rights,
    pub inheriting: Rights,
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
