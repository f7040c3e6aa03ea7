//! What each function of WASI preview 1 means. The trait is thin: every group of functions has a file of its own.

mod data;
mod fd;
mod guest;
mod path;
mod poll;
mod process;

pub(crate) use guest::string;
pub use process::fresh_bits;

use wiggle::{GuestMemory, GuestPtr};

use crate::abi::types;
use crate::abi::wasi_snapshot_preview1::WasiSnapshotPreview1;
use crate::failure::Result;
use crate::network::Shut;
use crate::wasi::Wasi;

type Memory<'a> = GuestMemory<'a>;

impl WasiSnapshotPreview1 for Wasi {
    fn args_get(&mut self, memory: &mut Memory<'_>, argv: GuestPtr<GuestPtr<u8>>, text: GuestPtr<u8>) -> Result<()> {
        process::write_strings(memory, self.arguments(), argv, text)
    }

    fn args_sizes_get(&mut self, _: &mut Memory<'_>) -> Result<(types::Size, types::Size)> {
        process::sizes(self.arguments())
    }

    fn environ_get(
        &mut self,
        memory: &mut Memory<'_>,
        environ: GuestPtr<GuestPtr<u8>>,
        text: GuestPtr<u8>,
    ) -> Result<()> {
        process::write_strings(memory, self.variables(), environ, text)
    }

    fn environ_sizes_get(&mut self, _: &mut Memory<'_>) -> Result<(types::Size, types::Size)> {
        process::sizes(self.variables())
    }

    fn clock_res_get(&mut self, _: &mut Memory<'_>, id: types::Clockid) -> Result<types::Timestamp> {
        self.clock_resolution(id)
    }

    fn clock_time_get(
        &mut self,
        _: &mut Memory<'_>,
        id: types::Clockid,
        _: types::Timestamp,
    ) -> Result<types::Timestamp> {
        self.clock_time(id)
    }

    fn fd_advise(&mut self, _: &mut Memory<'_>, fd: types::Fd, _: u64, _: u64, _: types::Advice) -> Result<()> {
        self.file_of(fd).map(drop)
    }

    fn fd_allocate(&mut self, _: &mut Memory<'_>, fd: types::Fd, offset: u64, length: u64) -> Result<()> {
        self.allocate(fd, offset, length)
    }

    fn fd_close(&mut self, _: &mut Memory<'_>, fd: types::Fd) -> Result<()> {
        self.close(fd)
    }

    fn fd_datasync(&mut self, _: &mut Memory<'_>, fd: types::Fd) -> Result<()> {
        self.file_of(fd).map(drop)
    }

    fn fd_fdstat_get(&mut self, _: &mut Memory<'_>, fd: types::Fd) -> Result<types::Fdstat> {
        self.fdstat(fd)
    }

    fn fd_fdstat_set_flags(&mut self, _: &mut Memory<'_>, fd: types::Fd, flags: types::Fdflags) -> Result<()> {
        self.set_flags(fd, flags)
    }

    fn fd_fdstat_set_rights(
        &mut self,
        _: &mut Memory<'_>,
        fd: types::Fd,
        base: types::Rights,
        inheriting: types::Rights,
    ) -> Result<()> {
        self.set_rights(fd, base, inheriting)
    }

    fn fd_filestat_get(&mut self, _: &mut Memory<'_>, fd: types::Fd) -> Result<types::Filestat> {
        self.filestat(fd)
    }

    fn fd_filestat_set_size(&mut self, _: &mut Memory<'_>, fd: types::Fd, size: u64) -> Result<()> {
        self.set_size(fd, size)
    }

    fn fd_filestat_set_times(
        &mut self,
        _: &mut Memory<'_>,
        fd: types::Fd,
        accessed: u64,
        modified: u64,
        flags: types::Fstflags,
    ) -> Result<()> {
        self.set_times(fd, accessed, modified, flags)
    }

    fn fd_pread(&mut self, memory: &mut Memory<'_>, fd: types::Fd, to: types::IovecArray, offset: u64) -> Result<u32> {
        self.read_at(memory, fd, to, offset)
    }

    fn fd_prestat_get(&mut self, _: &mut Memory<'_>, fd: types::Fd) -> Result<types::Prestat> {
        self.prestat(fd)
    }

    fn fd_prestat_dir_name(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        path: GuestPtr<u8>,
        max: u32,
    ) -> Result<()> {
        self.prestat_name(memory, fd, path, max)
    }

    fn fd_pwrite(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        from: types::CiovecArray,
        offset: u64,
    ) -> Result<u32> {
        self.write_at(memory, fd, from, offset)
    }

    fn fd_read(&mut self, memory: &mut Memory<'_>, fd: types::Fd, to: types::IovecArray) -> Result<u32> {
        self.read(memory, fd, to)
    }

    fn fd_readdir(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        to: GuestPtr<u8>,
        max: u32,
        from: u64,
    ) -> Result<u32> {
        self.readdir(memory, fd, to, max, from)
    }

    fn fd_renumber(&mut self, _: &mut Memory<'_>, from: types::Fd, to: types::Fd) -> Result<()> {
        self.renumber(from, to)
    }

    fn fd_seek(&mut self, _: &mut Memory<'_>, fd: types::Fd, offset: i64, whence: types::Whence) -> Result<u64> {
        self.seek(fd, offset, whence)
    }

    fn fd_sync(&mut self, _: &mut Memory<'_>, fd: types::Fd) -> Result<()> {
        self.file_of(fd).map(drop)
    }

    fn fd_tell(&mut self, _: &mut Memory<'_>, fd: types::Fd) -> Result<u64> {
        self.seek(fd, 0, types::Whence::Cur)
    }

    fn fd_write(&mut self, memory: &mut Memory<'_>, fd: types::Fd, from: types::CiovecArray) -> Result<u32> {
        self.write(memory, fd, from)
    }

    fn path_create_directory(&mut self, memory: &mut Memory<'_>, fd: types::Fd, path: GuestPtr<str>) -> Result<()> {
        self.create_directory(memory, fd, path)
    }

    fn path_filestat_get(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        flags: types::Lookupflags,
        path: GuestPtr<str>,
    ) -> Result<types::Filestat> {
        self.fetch_shared(memory, fd, path)?;
        self.path_filestat(memory, fd, flags, path)
    }

    fn path_filestat_set_times(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        lookup: types::Lookupflags,
        path: GuestPtr<str>,
        accessed: u64,
        modified: u64,
        flags: types::Fstflags,
    ) -> Result<()> {
        self.path_set_times(memory, fd, lookup, path, (accessed, modified, flags))
    }

    fn path_link(
        &mut self,
        memory: &mut Memory<'_>,
        old_fd: types::Fd,
        flags: types::Lookupflags,
        old: GuestPtr<str>,
        new_fd: types::Fd,
        new: GuestPtr<str>,
    ) -> Result<()> {
        self.link(memory, (old_fd, old), flags, (new_fd, new))
    }

    fn path_open(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        lookup: types::Lookupflags,
        path: GuestPtr<str>,
        how: types::Oflags,
        rights: types::Rights,
        _: types::Rights,
        flags: types::Fdflags,
    ) -> Result<types::Fd> {
        self.fetch_shared(memory, fd, path)?;
        self.open(memory, fd, lookup, path, path::Opening { how, rights, flags })
    }

    fn path_readlink(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        path: GuestPtr<str>,
        to: GuestPtr<u8>,
        max: u32,
    ) -> Result<u32> {
        self.readlink(memory, fd, path, to, max)
    }

    fn path_remove_directory(&mut self, memory: &mut Memory<'_>, fd: types::Fd, path: GuestPtr<str>) -> Result<()> {
        self.remove_directory(memory, fd, path)
    }

    fn path_rename(
        &mut self,
        memory: &mut Memory<'_>,
        old_fd: types::Fd,
        old: GuestPtr<str>,
        new_fd: types::Fd,
        new: GuestPtr<str>,
    ) -> Result<()> {
        self.rename(memory, (old_fd, old), (new_fd, new))
    }

    fn path_symlink(
        &mut self,
        memory: &mut Memory<'_>,
        target: GuestPtr<str>,
        fd: types::Fd,
        path: GuestPtr<str>,
    ) -> Result<()> {
        self.symlink(memory, target, fd, path)
    }

    fn path_unlink_file(&mut self, memory: &mut Memory<'_>, fd: types::Fd, path: GuestPtr<str>) -> Result<()> {
        self.unlink_file(memory, fd, path)
    }

    fn poll_oneoff(
        &mut self,
        memory: &mut Memory<'_>,
        subscriptions: GuestPtr<types::Subscription>,
        events: GuestPtr<types::Event>,
        count: u32,
    ) -> Result<u32> {
        self.poll(memory, subscriptions, events, count)
    }

    fn proc_exit(&mut self, _: &mut Memory<'_>, value: u32) -> wiggle::error::Error {
        wiggle::error::Error::new(crate::control::Ended::Exit(value.cast_signed()))
    }

    fn proc_raise(&mut self, _: &mut Memory<'_>, _: types::Signal) -> Result<()> {
        Err(types::Errno::Notsup.into())
    }

    fn sched_yield(&mut self, _: &mut Memory<'_>) -> Result<()> {
        std::thread::yield_now();
        Ok(())
    }

    fn random_get(&mut self, memory: &mut Memory<'_>, to: GuestPtr<u8>, length: u32) -> Result<()> {
        self.random(memory, to, length)
    }

    /// Nobody can reach a guest.
    fn sock_accept(&mut self, _: &mut Memory<'_>, fd: types::Fd, _: types::Fdflags) -> Result<types::Fd> {
        self.listen(fd.into()).map(|()| fd)
    }

    fn sock_recv(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        to: types::IovecArray,
        flags: types::Riflags,
    ) -> Result<(u32, types::Roflags)> {
        self.socket_of(fd.into())?;
        self.receive_into(memory, fd, to, flags)
    }

    fn sock_send(
        &mut self,
        memory: &mut Memory<'_>,
        fd: types::Fd,
        from: types::CiovecArray,
        _: types::Siflags,
    ) -> Result<u32> {
        self.socket_of(fd.into())?;
        self.send_from(memory, fd, from)
    }

    fn sock_shutdown(&mut self, _: &mut Memory<'_>, fd: types::Fd, how: types::Sdflags) -> Result<()> {
        let (reads, writes) = (how.contains(types::Sdflags::RD), how.contains(types::Sdflags::WR));
        self.socket_of(fd.into())?;
        match (reads, writes) {
            (true, true) => self.shut_down(fd.into(), Shut::Both),
            (true, false) => self.shut_down(fd.into(), Shut::Read),
            (false, true) => self.shut_down(fd.into(), Shut::Write),
            (false, false) => Err(types::Errno::Inval.into()),
        }
    }
}
