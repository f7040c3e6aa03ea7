//! Functions that take a path.

use wiggle::{GuestMemory, GuestPtr};

use super::guest::{check, string};
use crate::abi::types::{Errno, Fd, Fdflags, Filestat, Fstflags, Lookupflags, Oflags, Rights};
use crate::descriptors::{Opened, Target, directory_rights, file_rights};
use crate::failure::Result;
use crate::files::{Content, Directory, FileBytes, Inode, Resolved};
use crate::wasi::Wasi;

/// How `path_open` opens.
pub struct Opening {
    pub how: Oflags,
    pub rights: Rights,
    pub flags: Fdflags,
}

/// As Wasmtime, none of them can be asked for.
const SYNC_FLAGS: Fdflags = Fdflags::DSYNC.union(Fdflags::SYNC).union(Fdflags::RSYNC);

/// A directory's descriptor and a path from there.
type At = (Fd, GuestPtr<str>);

impl Wasi {
    /// The directory behind a descriptor, when it has the right.
    fn directory_of(&self, fd: Fd, right: Rights) -> Result<Inode> {
        match self.descriptors().get(fd.into())?.target {
            Target::Directory(inode) => {
                self.need_capability(fd, right)?;
                Ok(inode)
            }
            _ => Err(Errno::Notdir.into()),
        }
    }

    fn at(&self, memory: &GuestMemory<'_>, (fd, path): At, right: Rights, follow: bool) -> Result<Resolved> {
        let start = self.directory_of(fd, right)?;
        self.files.resolve(start, &string(memory, path)?, follow)
    }

    /// As `at`, for what has to be there.
    fn existing(&self, memory: &GuestMemory<'_>, at: At, right: Rights, follow: bool) -> Result<(Resolved, Inode)> {
        let resolved = self.at(memory, at, right, follow)?;
        let inode = resolved.node.ok_or(Errno::Noent)?;
        if resolved.needs_directory && self.files.node(inode)?.directory().is_none() {
            return Err(Errno::Notdir.into());
        }
        Ok((resolved, inode))
    }

    pub(super) fn open(
        &mut self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        lookup: Lookupflags,
        path: GuestPtr<str>,
        opening: Opening,
    ) -> Result<Fd> {
        let Opening { how, rights, flags } = opening;
        let creates = how.contains(Oflags::CREAT);
        let is_exclusive = creates && how.contains(Oflags::EXCL);
        if flags.intersects(SYNC_FLAGS) {
            return Err(Errno::Notsup.into());
        }
        if creates && how.contains(Oflags::DIRECTORY) {
            return Err(Errno::Inval.into());
        }
        if creates {
            self.directory_of(fd, Rights::PATH_CREATE_FILE)?;
        }
        // Before anything is created or truncated for a descriptor that there is no room for.
        let descriptors_max = self.settings.quotas.descriptors;
        self.descriptors().check_room(descriptors_max)?;
        let follow = lookup.contains(Lookupflags::SYMLINK_FOLLOW) && !is_exclusive;
        let resolved = self.at(memory, (fd, path), Rights::PATH_OPEN, follow)?;
        let writes = rights.contains(Rights::FD_WRITE) || how.contains(Oflags::TRUNC);
        let target = match resolved.node {
            None if !creates => return Err(Errno::Noent.into()),
            None if resolved.needs_directory => return Err(Errno::Isdir.into()),
            None => {
                let now = self.now();
                let empty = Content::File(FileBytes::Own(Vec::new()).into());
                Target::File(self.files.create(resolved.parent, &resolved.name, empty, now)?)
            }
            Some(_) if is_exclusive => return Err(Errno::Exist.into()),
            Some(inode) => match &self.files.node(inode)?.content {
                Content::Directory(_) if writes || creates => return Err(Errno::Isdir.into()),
                Content::Directory(_) => Target::Directory(inode),
                Content::Symlink(_) => return Err(Errno::Loop.into()),
                Content::File(_) if resolved.needs_directory || how.contains(Oflags::DIRECTORY) => {
                    return Err(Errno::Notdir.into());
                }
                Content::File(_) => Target::File(inode),
            },
        };
        if let (Target::File(inode), true) = (target, how.contains(Oflags::TRUNC)) {
            self.directory_of(fd, Rights::PATH_FILESTAT_SET_SIZE)?;
            let now = self.now();
            self.files.resize(inode, 0, now)?;
        }
        // As Wasmtime: what is asked for decides whether a file is read or written; everything else is as good as asked for.
        let granted = self.descriptors().get(fd.into())?.inheriting;
        let data = Rights::FD_READ | Rights::FD_WRITE;
        let all = match target {
            Target::Directory(_) => directory_rights(),
            _ => (file_rights() & !data) | (rights & data),
        };
        let opened = Opened { target, flags, rights: all & granted, inheriting: granted };
        Ok(self.descriptors_mut().open(opened, descriptors_max)?.into())
    }

    pub(super) fn create_directory(&mut self, memory: &GuestMemory<'_>, fd: Fd, path: GuestPtr<str>) -> Result<()> {
        let resolved = self.at(memory, (fd, path), Rights::PATH_CREATE_DIRECTORY, false)?;
        if resolved.node.is_some() {
            return Err(Errno::Exist.into());
        }
        let now = self.now();
        let content = Content::Directory(Directory::new(resolved.parent));
        self.files.create(resolved.parent, &resolved.name, content, now).map(drop)
    }

    pub(super) fn path_filestat(
        &self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        flags: Lookupflags,
        path: GuestPtr<str>,
    ) -> Result<Filestat> {
        let follow = flags.contains(Lookupflags::SYMLINK_FOLLOW);
        let (_, inode) = self.existing(memory, (fd, path), Rights::PATH_FILESTAT_GET, follow)?;
        self.filestat_of(inode)
    }

    pub(super) fn path_set_times(
        &mut self,
        memory: &GuestMemory<'_>,
        fd: Fd,
        lookup: Lookupflags,
        path: GuestPtr<str>,
        (accessed, modified, flags): (u64, u64, Fstflags),
    ) -> Result<()> {
        let follow = lookup.contains(Lookupflags::SYMLINK_FOLLOW);
        let (_, inode) = self.existing(memory, (fd, path), Rights::PATH_FILESTAT_SET_TIMES, follow)?;
        self.set_times_of(inode, accessed, modified, flags)
    }

    pub(super) fn link(&mut self, memory: &GuestMemory<'_>, old: At, flags: Lookupflags, new: At) -> Result<()> {
        if flags.contains(Lookupflags::SYMLINK_FOLLOW) {
            return Err(Errno::Inval.into());
        }
        let (_, inode) = self.existing(memory, old, Rights::PATH_LINK_SOURCE, false)?;
        if self.files.node(inode)?.directory().is_some() {
            return Err(Errno::Perm.into());
        }
        let to = self.at(memory, new, Rights::PATH_LINK_TARGET, false)?;
        if to.node.is_some() {
            return Err(Errno::Exist.into());
        }
        if to.needs_directory {
            return Err(Errno::Noent.into());
        }
        let now = self.now();
        self.files.link(inode, to.parent, &to.name, now)
    }

    pub(super) fn symlink(
        &mut self,
        memory: &GuestMemory<'_>,
        target: GuestPtr<str>,
        fd: Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        let target = string(memory, target)?;
        if target.starts_with('/') {
            return Err(Errno::Perm.into());
        }
        if target.is_empty() || target.contains('\0') {
            return Err(if target.is_empty() { Errno::Noent } else { Errno::Inval }.into());
        }
        let resolved = self.at(memory, (fd, path), Rights::PATH_SYMLINK, false)?;
        if let Some(there) = resolved.node {
            let is_directory = self.files.node(there)?.directory().is_some();
            return Err(if resolved.needs_directory && !is_directory { Errno::Notdir } else { Errno::Exist }.into());
        }
        if resolved.needs_directory {
            return Err(Errno::Noent.into());
        }
        let now = self.now();
        self.files.create(resolved.parent, &resolved.name, Content::Symlink(target.into()), now).map(drop)
    }

    pub(super) fn readlink(
        &self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        path: GuestPtr<str>,
        to: GuestPtr<u8>,
        max: u32,
    ) -> Result<u32> {
        let (_, inode) = self.existing(memory, (fd, path), Rights::PATH_READLINK, false)?;
        check(memory, to, max)?;
        let Content::Symlink(target) = &self.files.node(inode)?.content else { return Err(Errno::Inval.into()) };
        let count = u32::try_from(target.len()).unwrap_or(u32::MAX).min(max);
        memory.copy_from_slice(&target.as_bytes()[..count as usize], to.as_array(count))?;
        Ok(count)
    }

    pub(super) fn remove_directory(&mut self, memory: &GuestMemory<'_>, fd: Fd, path: GuestPtr<str>) -> Result<()> {
        let (resolved, inode) = self.existing(memory, (fd, path), Rights::PATH_REMOVE_DIRECTORY, false)?;
        let directory = self.files.directory(inode)?;
        if resolved.name == "." {
            return Err(Errno::Inval.into());
        }
        if !directory.is_empty() {
            return Err(Errno::Notempty.into());
        }
        self.take_name(&resolved, inode)
    }

    pub(super) fn unlink_file(&mut self, memory: &GuestMemory<'_>, fd: Fd, path: GuestPtr<str>) -> Result<()> {
        let (resolved, inode) = self.existing(memory, (fd, path), Rights::PATH_UNLINK_FILE, false)?;
        if self.files.node(inode)?.directory().is_some() {
            return Err(Errno::Isdir.into());
        }
        self.take_name(&resolved, inode)
    }

    fn take_name(&mut self, resolved: &Resolved, inode: Inode) -> Result<()> {
        let now = self.now();
        let is_open = self.descriptors().hold(inode);
        self.files.unlink(resolved.parent, &resolved.name, is_open, now)
    }

    pub(super) fn rename(&mut self, memory: &GuestMemory<'_>, old: At, new: At) -> Result<()> {
        let (from, inode) = self.existing(memory, old, Rights::PATH_RENAME_SOURCE, false)?;
        let to = self.at(memory, new, Rights::PATH_RENAME_TARGET, false)?;
        if from.name == "." || to.name == "." {
            return Err(Errno::Busy.into());
        }
        let is_directory = self.files.node(inode)?.directory().is_some();
        if is_directory && self.files.is_within(to.parent, inode)? {
            return Err(Errno::Inval.into());
        }
        if !is_directory && to.needs_directory {
            return Err(Errno::Notdir.into());
        }
        let mut replaced_is_open = false;
        if let Some(replaced) = to.node {
            if replaced == inode {
                return Ok(());
            }
            match (is_directory, self.files.node(replaced)?.directory()) {
                (true, None) => return Err(Errno::Notdir.into()),
                (true, Some(directory)) if !directory.is_empty() => return Err(Errno::Notempty.into()),
                (false, Some(_)) => return Err(Errno::Isdir.into()),
                _ => {}
            }
            replaced_is_open = self.descriptors().hold(replaced);
        }
        let now = self.now();
        self.files.rename((from.parent, &from.name), (to.parent, &to.name), replaced_is_open, now)
    }
}
