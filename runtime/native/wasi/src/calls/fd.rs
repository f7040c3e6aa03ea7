//! Descriptors and what they lead to, other than reading and writing.

use wiggle::{GuestMemory, GuestPtr};

use crate::abi::types::{
    Errno, Fd, Fdflags, Fdstat, Filestat, Filetype, Fstflags, Prestat, PrestatDir, Rights, Whence,
};
use crate::descriptors::{Descriptor, Target};
use crate::failure::Result;
use crate::files::{Content, Inode};
use crate::network::Kind;
use crate::stdio::{Sink, Stdin, borrow};
use crate::wasi::Wasi;

/// What the one preopened directory is called.
const ROOT_NAME: &[u8] = b"/";

impl Wasi {
    /// The file behind a descriptor. Streams cannot be positioned, directories are not data.
    pub(super) fn file_of(&self, fd: Fd) -> Result<Inode> {
        match self.descriptors().get(fd.into())?.target {
            Target::File(inode) => Ok(inode),
            Target::Directory(_) => Err(Errno::Badf.into()),
            _ => Err(Errno::Spipe.into()),
        }
    }

    /// Fails as POSIX does when the descriptor was not opened for it.
    pub(super) fn need(&self, fd: Fd, right: Rights) -> Result<()> {
        if self.descriptors().get(fd.into())?.rights.contains(right) { Ok(()) } else { Err(Errno::Badf.into()) }
    }

    /// Fails as WASI does when the right was given up.
    pub(super) fn need_capability(&self, fd: Fd, right: Rights) -> Result<()> {
        if self.descriptors().get(fd.into())?.rights.contains(right) { Ok(()) } else { Err(Errno::Notcapable.into()) }
    }

    pub(super) fn close(&mut self, fd: Fd) -> Result<()> {
        let closed = self.descriptors_mut().close(fd.into())?;
        self.let_go(&closed);
        Ok(())
    }

    pub(super) fn renumber(&mut self, from: Fd, to: Fd) -> Result<()> {
        if let Some(replaced) = self.descriptors_mut().renumber(from.into(), to.into())? {
            self.let_go(&replaced);
        }
        Ok(())
    }

    /// A node without a name goes with its last descriptor.
    fn let_go(&mut self, closed: &Descriptor) {
        if let Target::File(inode) | Target::Directory(inode) = closed.target
            && !self.descriptors().hold(inode)
        {
            self.files.release(inode);
        }
        if !self.descriptors().hold_target(closed.target) {
            match closed.target {
                Target::Socket(number) => self.sockets.close(number),
                Target::Answer(number) => self.answers.close(number),
                _ => {}
            }
        }
    }

    pub(super) fn fdstat(&self, fd: Fd) -> Result<Fdstat> {
        let descriptor = self.descriptors().get(fd.into())?;
        Ok(Fdstat {
            fs_filetype: self.filetype(descriptor.target)?,
            fs_flags: self.descriptors().open_of(fd.into())?.flags,
            fs_rights_base: descriptor.rights,
            fs_rights_inheriting: descriptor.inheriting,
        })
    }

    pub(super) fn set_flags(&mut self, fd: Fd, flags: Fdflags) -> Result<()> {
        if matches!(self.descriptors().get(fd.into())?.target, Target::Directory(_)) {
            return Err(Errno::Badf.into());
        }
        if flags.intersects(Fdflags::DSYNC | Fdflags::SYNC | Fdflags::RSYNC) {
            return Err(Errno::Inval.into());
        }
        self.descriptors_mut().open_of_mut(fd.into())?.flags = flags;
        Ok(())
    }

    /// Rights can be given up, never taken.
    pub(super) fn set_rights(&mut self, fd: Fd, base: Rights, inheriting: Rights) -> Result<()> {
        let descriptor = self.descriptors().get(fd.into())?;
        if !descriptor.rights.contains(base) || !descriptor.inheriting.contains(inheriting) {
            return Err(Errno::Notcapable.into());
        }
        let descriptor = self.descriptors_mut().get_mut(fd.into())?;
        descriptor.rights = base;
        descriptor.inheriting = inheriting;
        Ok(())
    }

    pub(super) fn filestat(&self, fd: Fd) -> Result<Filestat> {
        match self.descriptors().get(fd.into())?.target {
            Target::File(inode) | Target::Directory(inode) => self.filestat_of(inode),
            stream => Ok(Filestat {
                dev: 0,
                ino: 0,
                filetype: self.filetype(stream)?,
                nlink: 1,
                size: 0,
                atim: 0,
                mtim: 0,
                ctim: 0,
            }),
        }
    }

    pub(super) fn filestat_of(&self, inode: Inode) -> Result<Filestat> {
        let node = self.files.node(inode)?;
        let filetype = match node.content {
            Content::File(_) => Filetype::RegularFile,
            Content::Directory(_) => Filetype::Directory,
            Content::Symlink(_) => Filetype::SymbolicLink,
        };
        Ok(Filestat {
            dev: 1,
            ino: inode,
            filetype,
            nlink: node.links,
            size: node.size(),
            atim: node.accessed,
            mtim: node.modified,
            ctim: node.changed,
        })
    }

    pub(super) fn set_size(&mut self, fd: Fd, size: u64) -> Result<()> {
        let inode = self.file_of(fd).map_err(|_| Errno::Badf)?;
        self.need(fd, Rights::FD_WRITE).map_err(|_| Errno::Inval)?;
        self.need_capability(fd, Rights::FD_FILESTAT_SET_SIZE)?;
        let now = self.now();
        self.files.resize(inode, size, now)
    }

    pub(super) fn allocate(&mut self, fd: Fd, offset: u64, length: u64) -> Result<()> {
        let inode = self.file_of(fd)?;
        self.need(fd, Rights::FD_WRITE)?;
        self.need_capability(fd, Rights::FD_ALLOCATE)?;
        if length == 0 {
            return Err(Errno::Inval.into());
        }
        let end = offset.checked_add(length).ok_or(Errno::Fbig)?;
        if end > self.files.node(inode)?.size() {
            let now = self.now();
            self.files.resize(inode, end, now)?;
        }
        Ok(())
    }

    pub(super) fn set_times(&mut self, fd: Fd, accessed: u64, modified: u64, flags: Fstflags) -> Result<()> {
        match self.descriptors().get(fd.into())?.target {
            Target::File(inode) | Target::Directory(inode) => {
                self.need_capability(fd, Rights::FD_FILESTAT_SET_TIMES)?;
                self.set_times_of(inode, accessed, modified, flags)
            }
            _ => Err(Errno::Badf.into()),
        }
    }

    pub(super) fn set_times_of(&mut self, inode: Inode, accessed: u64, modified: u64, flags: Fstflags) -> Result<()> {
        let now = self.now();
        let choose =
            |given: Fstflags, current: Fstflags, value: u64| match (flags.contains(given), flags.contains(current)) {
                (true, true) => Err(Errno::Inval),
                (true, false) => Ok(Some(value)),
                (false, true) => Ok(Some(now)),
                (false, false) => Ok(None),
            };
        let accessed = choose(Fstflags::ATIM, Fstflags::ATIM_NOW, accessed)?;
        let modified = choose(Fstflags::MTIM, Fstflags::MTIM_NOW, modified)?;
        self.files.set_times(inode, accessed, modified, now)
    }

    pub(super) fn seek(&mut self, fd: Fd, offset: i64, whence: Whence) -> Result<u64> {
        let inode = self.file_of(fd)?;
        let right = if offset == 0 && whence == Whence::Cur { Rights::FD_TELL } else { Rights::FD_SEEK };
        self.need_capability(fd, right)?;
        let base = match whence {
            Whence::Set => 0,
            Whence::Cur => self.descriptors().open_of(fd.into())?.offset,
            Whence::End => self.files.node(inode)?.size(),
        };
        let place =
            base.checked_add_signed(offset).filter(|place| i64::try_from(*place).is_ok()).ok_or(Errno::Inval)?;
        if place != self.descriptors().open_of(fd.into())?.offset {
            self.descriptors_mut().open_of_mut(fd.into())?.offset = place;
        }
        Ok(place)
    }

    pub(super) fn prestat(&self, fd: Fd) -> Result<Prestat> {
        if !self.descriptors().get(fd.into())?.is_preopen {
            return Err(Errno::Badf.into());
        }
        Ok(Prestat::Dir(PrestatDir { pr_name_len: ROOT_NAME.len() as u32 }))
    }

    pub(super) fn prestat_name(
        &self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<u8>,
        max: u32,
    ) -> Result<()> {
        self.prestat(fd)?;
        let length = ROOT_NAME.len() as u32;
        if max < length {
            return Err(Errno::Nametoolong.into());
        }
        Ok(memory.copy_from_slice(ROOT_NAME, path.as_array(length))?)
    }

    /// A stream is a character device only when it is a terminal: the guest's library then flushes each line.
    fn filetype(&self, target: Target) -> Result<Filetype> {
        let fd = match (target, &self.stdin, &self.stdout, &self.stderr) {
            (Target::File(inode) | Target::Directory(inode), ..) => return Ok(self.filestat_of(inode)?.filetype),
            (Target::Socket(number), ..) => {
                return Ok(match self.sockets.get(number)?.kind() {
                    Kind::Stream => Filetype::SocketStream,
                    Kind::Datagram => Filetype::SocketDgram,
                });
            }
            (Target::Stdin, Stdin::Descriptor(fd), ..)
            | (Target::Stdout, _, Sink::Descriptor(fd), _)
            | (Target::Stderr, _, _, Sink::Descriptor(fd)) => *fd,
            _ => return Ok(Filetype::Unknown),
        };
        Ok(if rustix::termios::isatty(borrow(fd)) { Filetype::CharacterDevice } else { Filetype::Unknown })
    }
}
