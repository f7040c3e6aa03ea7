//! Standard streams: a call's own bytes, or the process's descriptors for `faaslet run`.

use std::os::fd::{BorrowedFd, RawFd};
use std::sync::Arc;

use rustix::event::PollFlags;
use rustix::io::Errno as HostErrno;

use crate::abi::types::Errno;
use crate::control::{CallControl, Ended};
use crate::failure::Result;

/// Where standard input comes from.
#[derive(Debug, Clone)]
pub enum Stdin {
    Empty,
    /// The bytes, and how many of them were read.
    Bytes(Arc<[u8]>, usize),
    /// Open for as long as the process lives.
    Descriptor(RawFd),
}

/// Where standard output or error goes.
#[derive(Debug)]
pub enum Sink {
    Buffer(SinkBuffer),
    /// Open for as long as the process lives.
    Descriptor(RawFd),
}

/// What happens to a write beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// The call ends: half an answer is none.
    EndCall,
    /// It is counted and dropped: a log is worth less than the call.
    Truncate,
}

#[derive(Debug)]
pub struct SinkBuffer {
    pub bytes: Vec<u8>,
    /// Bytes that were written in all.
    pub total: u64,
    limit: usize,
    when_full: WhenFull,
}

impl SinkBuffer {
    pub fn new(limit: usize, when_full: WhenFull) -> Self {
        Self { bytes: Vec::new(), total: 0, limit, when_full }
    }

    /// Takes `length` bytes of which `copy` makes as many as fit.
    pub fn write(&mut self, length: usize, copy: impl FnOnce(usize) -> Result<Vec<u8>>) -> Result<usize> {
        let room = self.limit - self.bytes.len();
        if length > room && self.when_full == WhenFull::EndCall {
            return Err(Ended::OutputLimit.into());
        }
        if room > 0 {
            self.bytes.extend_from_slice(&copy(length.min(room))?);
        }
        self.total += length as u64;
        Ok(length)
    }
}

/// One of the process's standard streams, or a socket that its Faaslet keeps open meanwhile.
pub fn borrow(fd: RawFd) -> BorrowedFd<'static> {
    // SAFETY: 0, 1 and 2 are closed by nothing in this process; a socket is borrowed only while its guest waits in a host
    // function, and nobody else can close it.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// What a pipe that is ready takes without making its writer wait (PIPE_BUF).
const READY_BYTES: usize = 4096;

/// Writes to a descriptor, piece by piece as it is ready: a write that waits in the kernel for a reader could not be
/// interrupted. Gives how much was written when it fails later on.
pub fn write_descriptor(fd: RawFd, bytes: &[u8], control: &CallControl) -> Result<usize> {
    let mut done = 0;
    while done < bytes.len() {
        control.wait_fds(&[(borrow(fd), PollFlags::OUT)], None)?;
        let piece = &bytes[done..bytes.len().min(done + READY_BYTES)];
        match rustix::io::write(borrow(fd), piece) {
            Ok(count) => done += count,
            Err(HostErrno::INTR | HostErrno::AGAIN) => {}
            Err(_) if done > 0 => return Ok(done),
            Err(error) => return Err(errno(error).into()),
        }
    }
    Ok(done)
}

/// Reads from a descriptor; waits until there is something or the end.
pub fn read_descriptor(fd: RawFd, bytes: &mut [u8], control: &CallControl) -> Result<usize> {
    loop {
        // Ready first: a read that blocks could not be interrupted.
        control.wait_fds(&[(borrow(fd), PollFlags::IN)], None)?;
        match rustix::io::read(borrow(fd), &mut *bytes) {
            Ok(count) => return Ok(count),
            Err(HostErrno::INTR | HostErrno::AGAIN) => {}
            Err(error) => return Err(errno(error).into()),
        }
    }
}

fn errno(error: HostErrno) -> Errno {
    match error {
        HostErrno::PIPE => Errno::Pipe,
        HostErrno::NOSPC => Errno::Nospc,
        HostErrno::BADF => Errno::Badf,
        HostErrno::ISDIR => Errno::Isdir,
        HostErrno::INVAL => Errno::Inval,
        _ => Errno::Io,
    }
}
