//! Client sockets: TCP and UDP over IPv4 and IPv6, to where the function's settings allow. The decision is made on the address
//! itself, at the moment it is used; every wait ends with the call.

mod allow;
mod socket;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::abi::types::{Errno, Fdflags, Rights};
use crate::descriptors::{Opened, Target};
use crate::failure::Result;
use crate::wasi::Wasi;

pub use allow::{Allowed, BadRule};
pub use socket::{Family, Kind, Name, Shut, Socket, SocketOption};

impl Wasi {
    /// Opens a socket. A function that may reach nothing gets none.
    pub fn socket(&mut self, family: Family, kind: Kind, is_nonblocking: bool) -> Result<u32> {
        self.used_network = true;
        if self.settings.network.is_empty() {
            return Err(Errno::Acces.into());
        }
        let max = self.settings.quotas.descriptors;
        self.descriptors().check_room(max)?;
        let number = self.sockets.add(Socket::open(family, kind)?)?;
        let flags = if is_nonblocking { Fdflags::NONBLOCK } else { Fdflags::empty() };
        let rights = Rights::FD_READ
            | Rights::FD_WRITE
            | Rights::POLL_FD_READWRITE
            | Rights::SOCK_SHUTDOWN
            | Rights::FD_FILESTAT_GET
            | Rights::FD_FDSTAT_SET_FLAGS;
        let opened = Opened { target: Target::Socket(number), flags, rights, inheriting: Rights::empty() };
        self.descriptors_mut().open(opened, max)
    }

    /// The socket behind a descriptor, and whether it waits.
    pub(crate) fn socket_of(&self, fd: u32) -> Result<(&Socket, bool)> {
        let Target::Socket(number) = self.descriptors().get(fd)?.target else { return Err(Errno::Notsock.into()) };
        let waits = !self.descriptors().open_of(fd)?.flags.contains(Fdflags::NONBLOCK);
        Ok((self.sockets.get(number)?, waits))
    }

    fn socket_of_mut(&mut self, fd: u32) -> Result<&mut Socket> {
        let Target::Socket(number) = self.descriptors().get(fd)?.target else { return Err(Errno::Notsock.into()) };
        self.sockets.get_mut(number)
    }

    pub fn connect(&mut self, fd: u32, to: SocketAddr) -> Result<()> {
        let (socket, waits) = self.socket_of(fd)?;
        self.settings.network.check(to, &self.resolved)?;
        socket.connect(to, waits, &self.control)
    }

    /// Only the place that the system chooses: nobody can reach a guest.
    pub fn bind(&mut self, fd: u32, to: SocketAddr) -> Result<()> {
        let (socket, _) = self.socket_of(fd)?;
        if to.port() != 0 || !to.ip().is_unspecified() {
            return Err(Errno::Perm.into());
        }
        let any = match socket.family() {
            Family::V4 => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            Family::V6 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        socket.bind(any)
    }

    /// Nobody can reach a guest.
    pub fn listen(&self, fd: u32) -> Result<()> {
        self.socket_of(fd)?;
        Err(Errno::Perm.into())
    }

    pub fn send(&self, fd: u32, bytes: &[u8], to: Option<SocketAddr>, waits: bool) -> Result<usize> {
        let (socket, may_wait) = self.socket_of(fd)?;
        if let Some(to) = to {
            self.settings.network.check(to, &self.resolved)?;
        }
        socket.send(bytes, to, waits && may_wait, &self.control)
    }

    /// Bytes, and who sent them. Of datagrams only those from where the function may reach.
    pub fn receive(&self, fd: u32, max: usize, peeks: bool, waits: bool) -> Result<(Vec<u8>, Option<SocketAddr>)> {
        let (socket, may_wait) = self.socket_of(fd)?;
        let is_allowed = |from| self.settings.network.check(from, &self.resolved).is_ok();
        socket.receive(max, peeks, waits && may_wait, is_allowed, &self.control)
    }

    /// What a name was looked up as; the rules about it mean these addresses until the call ends.
    pub(crate) fn note_resolved(&mut self, name: &str, addresses: &[IpAddr]) {
        const KEPT_MAX: usize = 4096;
        let room = KEPT_MAX.saturating_sub(self.resolved.len());
        self.resolved.extend(addresses.iter().take(room).map(|address| (name.to_owned(), *address)));
    }

    pub fn shut_down(&self, fd: u32, how: Shut) -> Result<()> {
        self.socket_of(fd)?.0.shut_down(how)
    }

    pub fn name_of(&self, fd: u32, name: Name) -> Result<SocketAddr> {
        self.socket_of(fd)?.0.name(name)
    }

    pub fn family_of(&self, fd: u32) -> Result<(Family, Kind)> {
        let (socket, _) = self.socket_of(fd)?;
        Ok((socket.family(), socket.kind()))
    }

    pub fn set_option(&mut self, fd: u32, option: SocketOption) -> Result<()> {
        self.socket_of_mut(fd)?.set(option)
    }

    /// The error that a connection attempt or a datagram left; asking takes it.
    pub fn take_error(&self, fd: u32) -> Result<Errno> {
        self.socket_of(fd)?.0.take_error()
    }
}
