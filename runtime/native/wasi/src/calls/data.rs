//! Reading and writing: streams, files, listings of directories.

use wiggle::{GuestMemory, GuestPtr};

use super::guest::{self, Piece};
use crate::abi::types::{CiovecArray, Errno, Fd, Fdflags, Filetype, IovecArray, Riflags, Rights, Roflags};
use crate::control::CallControl;
use crate::descriptors::Target;
use crate::failure::Result;
use crate::files::{Content, Inode};
use crate::stdio::{Sink, Stdin, read_descriptor, write_descriptor};
use crate::wasi::Wasi;

/// One datagram, and enough of a stream at once.
const RECEIVED_MAX: usize = 256 << 10;

impl Wasi {
    pub(super) fn read(&mut self, memory: &mut GuestMemory<'_>, fd: Fd, to: IovecArray) -> Result<u32> {
        let descriptor = self.descriptors().get(fd.into())?;
        let (target, offset) = (descriptor.target, self.descriptors().open_of(fd.into())?.offset);
        match target {
            Target::Stdin => {
                let pieces = guest::targets(memory, to)?;
                read_stream(&mut self.stdin, &self.control, memory, &pieces)
            }
            Target::File(inode) => {
                self.need(fd, Rights::FD_READ)?;
                let count = self.read_file(memory, inode, to, offset)?;
                self.descriptors_mut().open_of_mut(fd.into())?.offset += u64::from(count);
                Ok(count)
            }
            Target::Socket(_) => self.receive_into(memory, fd, to, Riflags::empty()).map(|(count, _)| count),
            Target::Answer(number) => {
                let pieces = guest::targets(memory, to)?;
                let wanted: usize = pieces.iter().map(|(_, length)| *length as usize).sum();
                let mut bytes = vec![0; wanted.min(RECEIVED_MAX)];
                let count = self.read_answer(number, &mut bytes)?;
                scatter(memory, &pieces, bytes.get(..count).unwrap_or_default())
            }
            _ => Err(Errno::Badf.into()),
        }
    }

    pub(super) fn read_at(&mut self, memory: &mut GuestMemory<'_>, fd: Fd, to: IovecArray, offset: u64) -> Result<u32> {
        let inode = self.file_of(fd)?;
        self.need(fd, Rights::FD_READ)?;
        self.read_file(memory, inode, to, offset)
    }

    pub(super) fn write(&mut self, memory: &mut GuestMemory<'_>, fd: Fd, from: CiovecArray) -> Result<u32> {
        let target = self.descriptors().get(fd.into())?.target;
        let open = self.descriptors().open_of(fd.into())?;
        let (offset, appends) = (open.offset, open.flags.contains(Fdflags::APPEND));
        let pieces = guest::sources(memory, from)?;
        match target {
            Target::Stdout => write_stream(&mut self.stdout, &self.control, memory, &pieces),
            Target::Stderr => write_stream(&mut self.stderr, &self.control, memory, &pieces),
            Target::File(inode) => {
                self.need(fd, Rights::FD_WRITE)?;
                let offset = if appends { self.files.node(inode)?.size() } else { offset };
                let count = self.write_file(memory, inode, &pieces, offset)?;
                self.descriptors_mut().open_of_mut(fd.into())?.offset = offset + u64::from(count);
                Ok(count)
            }
            Target::Socket(_) => self.send_from(memory, fd, from),
            _ => Err(Errno::Badf.into()),
        }
    }

    /// What a socket has, as much as fits.
    pub(super) fn receive_into(
        &self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        to: IovecArray,
        flags: Riflags,
    ) -> Result<(u32, Roflags)> {
        let pieces = guest::targets(memory, to)?;
        let wanted: usize = pieces.iter().map(|(_, length)| *length as usize).sum();
        let peeks = flags.contains(Riflags::RECV_PEEK);
        let (bytes, _) = self.receive(fd.into(), wanted.min(RECEIVED_MAX), peeks, true)?;
        Ok((scatter(memory, &pieces, &bytes)?, Roflags::empty()))
    }

    pub(super) fn send_from(&self, memory: &GuestMemory<'_>, fd: Fd, from: CiovecArray) -> Result<u32> {
        let bytes = gather(memory, &guest::sources(memory, from)?)?;
        Ok(u32::try_from(self.send(fd.into(), &bytes, None, true)?).map_err(|_| Errno::Overflow)?)
    }

    pub(super) fn write_at(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        from: CiovecArray,
        offset: u64,
    ) -> Result<u32> {
        let inode = self.file_of(fd)?;
        self.need(fd, Rights::FD_WRITE)?;
        let pieces = guest::sources(memory, from)?;
        // As Linux, and so Wasmtime, has it: who opened to append, appends.
        let appends = self.descriptors().open_of(fd.into())?.flags.contains(Fdflags::APPEND);
        let offset = if appends { self.files.node(inode)?.size() } else { offset };
        self.write_file(memory, inode, &pieces, offset)
    }

    fn read_file(&self, memory: &mut GuestMemory<'_>, inode: Inode, to: IovecArray, offset: u64) -> Result<u32> {
        let mut done = 0;
        for (start, length) in guest::targets(memory, to)? {
            let at = offset.checked_add(u64::from(done)).ok_or(Errno::Inval)?;
            let bytes = self.files.read(inode, at, length as usize)?;
            let count = u32::try_from(bytes.len()).map_err(|_| Errno::Overflow)?;
            memory.copy_from_slice(bytes, start.as_array(count))?;
            done += count;
            if count < length {
                break;
            }
        }
        Ok(done)
    }

    /// Writes all pieces or, when there is no room for all, none.
    fn write_file(&mut self, memory: &GuestMemory<'_>, inode: Inode, pieces: &[Piece], offset: u64) -> Result<u32> {
        let bytes = gather(memory, pieces)?;
        if !bytes.is_empty() {
            let now = self.now();
            self.files.write(inode, offset, &bytes, now)?;
        }
        Ok(u32::try_from(bytes.len()).map_err(|_| Errno::Overflow)?)
    }

    /// Entries from a place on, as many as fit; the last one may be cut, which tells the guest to ask again.
    pub(super) fn readdir(
        &self,
        memory: &mut GuestMemory<'_>,
        fd: Fd,
        to: GuestPtr<u8>,
        max: u32,
        from: u64,
    ) -> Result<u32> {
        let Target::Directory(inode) = self.descriptors().get(fd.into())?.target else {
            return Err(Errno::Notdir.into());
        };
        self.need_capability(fd, Rights::FD_READDIR)?;
        guest::check(memory, to, max)?;
        let directory = self.files.directory(inode)?;
        let itself = [(0, ".", inode), (1, "..", directory.parent)];
        let named = directory.list(from).filter_map(|(place, name)| Some((place, &**name, directory.get(name)?)));
        let mut listing = Vec::new();
        for (place, name, inode) in itself.into_iter().filter(|(place, ..)| *place >= from).chain(named) {
            if listing.len() >= max as usize {
                break;
            }
            let kind = match self.files.node(inode)?.content {
                Content::File(_) => Filetype::RegularFile,
                Content::Directory(_) => Filetype::Directory,
                Content::Symlink(_) => Filetype::SymbolicLink,
            };
            let length = u32::try_from(name.len()).map_err(|_| Errno::Overflow)?;
            listing.extend_from_slice(&(place + 1).to_le_bytes());
            listing.extend_from_slice(&inode.to_le_bytes());
            listing.extend_from_slice(&length.to_le_bytes());
            listing.extend_from_slice(&[kind as u8, 0, 0, 0]);
            listing.extend_from_slice(name.as_bytes());
        }
        listing.truncate(max as usize);
        let length = u32::try_from(listing.len()).map_err(|_| Errno::Overflow)?;
        memory.copy_from_slice(&listing, to.as_array(length))?;
        Ok(length)
    }
}

fn gather(memory: &GuestMemory<'_>, pieces: &[Piece]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for (start, length) in pieces {
        bytes.extend_from_slice(&memory.to_vec(start.as_array(*length))?);
    }
    Ok(bytes)
}

fn write_stream(sink: &mut Sink, control: &CallControl, memory: &GuestMemory<'_>, pieces: &[Piece]) -> Result<u32> {
    let mut done = 0;
    match sink {
        Sink::Buffer(buffer) => {
            for (start, length) in pieces {
                let copy = |fits: usize| {
                    let fits = u32::try_from(fits).map_err(|_| Errno::Overflow)?;
                    Ok(memory.to_vec(start.as_array(fits))?)
                };
                done += buffer.write(*length as usize, copy)?;
            }
        }
        Sink::Descriptor(fd) => done = write_descriptor(*fd, &gather(memory, pieces)?, control)?,
    }
    Ok(u32::try_from(done).map_err(|_| Errno::Overflow)?)
}

fn read_stream(
    stdin: &mut Stdin,
    control: &CallControl,
    memory: &mut GuestMemory<'_>,
    pieces: &[Piece],
) -> Result<u32> {
    /// Read from a descriptor at once; more is a short read.
    const CHUNK: usize = 64 << 10;
    match stdin {
        Stdin::Empty => Ok(0),
        Stdin::Bytes(bytes, at) => {
            let count = scatter(memory, pieces, &bytes[*at..])?;
            *at += count as usize;
            Ok(count)
        }
        Stdin::Descriptor(fd) => {
            let wanted: usize = pieces.iter().map(|(_, length)| *length as usize).sum();
            if wanted == 0 {
                return Ok(0);
            }
            let mut chunk = vec![0; wanted.min(CHUNK)];
            let count = read_descriptor(*fd, &mut chunk, control)?;
            scatter(memory, pieces, &chunk[..count])
        }
    }
}

fn scatter(memory: &mut GuestMemory<'_>, pieces: &[Piece], mut bytes: &[u8]) -> Result<u32> {
    let mut done = 0;
    for (start, length) in pieces {
        let count = (*length as usize).min(bytes.len());
        let (now, rest) = bytes.split_at(count);
        let count = u32::try_from(count).map_err(|_| Errno::Overflow)?;
        memory.copy_from_slice(now, start.as_array(count))?;
        bytes = rest;
        done += count;
    }
    Ok(done)
}
