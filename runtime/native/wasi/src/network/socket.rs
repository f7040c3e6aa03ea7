//! One socket. The host's descriptor never blocks: waits are ours, so that the deadline and a cancel end them.

use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, Instant};

use rustix::event::PollFlags;
use rustix::io::Errno as HostErrno;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, sockopt};

use crate::abi::types::Errno;
use crate::control::CallControl;
use crate::failure::Result;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    V4,
    V6,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Stream,
    Datagram,
}

/// Which end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Own,
    Peer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shut {
    Read,
    Write,
    Both,
}

/// What a guest may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketOption {
    NoDelay(bool),
    KeepAlive(bool),
    ReceiveBuffer(u32),
    SendBuffer(u32),
    /// Zero is no limit but the call's own.
    ReceiveTimeout(Duration),
    SendTimeout(Duration),
}

/// The system keeps twice as much for each socket.
const BUFFER_MAX: u32 = 1 << 20;

pub struct Socket {
    fd: OwnedFd,
    family: Family,
    kind: Kind,
    receive_timeout: Option<Duration>,
    send_timeout: Option<Duration>,
}

impl Socket {
    pub fn open(family: Family, kind: Kind) -> Result<Self> {
        let domain = match family {
            Family::V4 => AddressFamily::INET,
            Family::V6 => AddressFamily::INET6,
        };
        let kind_of = match kind {
            Kind::Stream => SocketType::STREAM,
            Kind::Datagram => SocketType::DGRAM,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let fd = net::socket_with(domain, kind_of, flags, None).map_err(errno)?;
        Ok(Self { fd, family, kind, receive_timeout: None, send_timeout: None })
    }

    pub fn family(&self) -> Family {
        self.family
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn raw(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    pub fn connect(&self, to: SocketAddr, waits: bool, control: &CallControl) -> Result<()> {
        self.check_family(to)?;
        match net::connect(&self.fd, &to) {
            Ok(()) => return Ok(()),
            Err(HostErrno::INPROGRESS) if waits => {}
            Err(error) => return Err(errno(error).into()),
        }
        self.wait(PollFlags::OUT, self.send_timeout, control)?;
        match self.take_error()? {
            Errno::Success => Ok(()),
            error => Err(error.into()),
        }
    }

    pub fn bind(&self, to: SocketAddr) -> Result<()> {
        net::bind(&self.fd, &to).map_err(|error| errno(error).into())
    }

    pub fn send(&self, bytes: &[u8], to: Option<SocketAddr>, waits: bool, control: &CallControl) -> Result<usize> {
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        if let Some(to) = to {
            self.check_family(to)?;
        }
        loop {
            let sent = match to {
                Some(to) if self.kind == Kind::Datagram => net::sendto(&self.fd, bytes, flags, &to),
                // As on Linux, a connection knows where it leads.
                _ => net::send(&self.fd, bytes, flags),
            };
            match sent {
                Ok(count) => return Ok(count),
                Err(HostErrno::INTR) => {}
                Err(HostErrno::AGAIN) if waits => self.wait(PollFlags::OUT, self.send_timeout, control)?,
                Err(error) => return Err(errno(error).into()),
            }
            control.go_on()?;
        }
    }

    pub fn receive(
        &self,
        max: usize,
        peeks: bool,
        waits: bool,
        is_allowed: impl Fn(SocketAddr) -> bool,
        control: &CallControl,
    ) -> Result<(Vec<u8>, Option<SocketAddr>)> {
        let flags = RecvFlags::DONTWAIT | if peeks { RecvFlags::PEEK } else { RecvFlags::empty() };
        let mut bytes = vec![0; max];
        loop {
            match net::recvfrom(&self.fd, &mut bytes[..], flags) {
                Ok((count, _, from)) => {
                    let from = from.and_then(|from| SocketAddr::try_from(from).ok());
                    let is_foreign = from.is_some_and(|from| !is_allowed(from));
                    if self.kind == Kind::Datagram && is_foreign {
                        // A look must not leave it in the way of the next one.
                        if peeks {
                            let _ = net::recv(&self.fd, &mut bytes[..], RecvFlags::DONTWAIT);
                        }
                        control.go_on()?;
                        continue;
                    }
                    bytes.truncate(count.min(max));
                    return Ok((bytes, from));
                }
                Err(HostErrno::INTR) => {}
                Err(HostErrno::AGAIN) if waits => self.wait(PollFlags::IN, self.receive_timeout, control)?,
                Err(error) => return Err(errno(error).into()),
            }
            control.go_on()?;
        }
    }

    pub fn shut_down(&self, how: Shut) -> Result<()> {
        let how = match how {
            Shut::Read => Shutdown::Read,
            Shut::Write => Shutdown::Write,
            Shut::Both => Shutdown::Both,
        };
        net::shutdown(&self.fd, how).map_err(|error| errno(error).into())
    }

    pub fn name(&self, name: Name) -> Result<SocketAddr> {
        let found = match name {
            Name::Own => net::getsockname(&self.fd).map(Some),
            Name::Peer => net::getpeername(&self.fd),
        };
        let found = found.map_err(errno)?.ok_or(Errno::Notconn)?;
        Ok(SocketAddr::try_from(found).map_err(|_| Errno::Notconn)?)
    }

    pub fn set(&mut self, option: SocketOption) -> Result<()> {
        let limit = |time: Duration| (!time.is_zero()).then_some(time);
        let size = |bytes: u32| bytes.min(BUFFER_MAX) as usize;
        let set = match option {
            SocketOption::NoDelay(is_on) => sockopt::set_tcp_nodelay(&self.fd, is_on),
            SocketOption::KeepAlive(is_on) => sockopt::set_socket_keepalive(&self.fd, is_on),
            SocketOption::ReceiveBuffer(bytes) => sockopt::set_socket_recv_buffer_size(&self.fd, size(bytes)),
            SocketOption::SendBuffer(bytes) => sockopt::set_socket_send_buffer_size(&self.fd, size(bytes)),
            SocketOption::ReceiveTimeout(time) => {
                self.receive_timeout = limit(time);
                Ok(())
            }
            SocketOption::SendTimeout(time) => {
                self.send_timeout = limit(time);
                Ok(())
            }
        };
        set.map_err(|error| errno(error).into())
    }

    pub fn take_error(&self) -> Result<Errno> {
        Ok(sockopt::socket_error(&self.fd).map_err(errno)?.map_or_else(errno, |()| Errno::Success))
    }

    /// Linux would take IPv4 addresses in disguise on some of its own; a guest gets what its family says.
    fn check_family(&self, to: SocketAddr) -> Result<()> {
        let fits = to.is_ipv4() == (self.family == Family::V4);
        if fits { Ok(()) } else { Err(Errno::Afnosupport.into()) }
    }

    fn wait(&self, what: PollFlags, timeout: Option<Duration>, control: &CallControl) -> Result<()> {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let ready = control.wait_fds(&[(self.fd.as_fd(), what)], until)?;
        if ready.first() == Some(&true) { Ok(()) } else { Err(Errno::Again.into()) }
    }
}

fn errno(error: HostErrno) -> Errno {
    match error {
        HostErrno::AGAIN => Errno::Again,
        HostErrno::ACCESS | HostErrno::PERM => Errno::Acces,
        HostErrno::ADDRINUSE => Errno::Addrinuse,
        HostErrno::ADDRNOTAVAIL => Errno::Addrnotavail,
        HostErrno::AFNOSUPPORT => Errno::Afnosupport,
        HostErrno::ALREADY => Errno::Already,
        HostErrno::CONNABORTED => Errno::Connaborted,
        HostErrno::CONNREFUSED => Errno::Connrefused,
        HostErrno::CONNRESET => Errno::Connreset,
        HostErrno::DESTADDRREQ => Errno::Destaddrreq,
        HostErrno::HOSTUNREACH => Errno::Hostunreach,
        HostErrno::INPROGRESS => Errno::Inprogress,
        HostErrno::INVAL => Errno::Inval,
        HostErrno::ISCONN => Errno::Isconn,
        HostErrno::MFILE | HostErrno::NFILE => Errno::Nfile,
        HostErrno::MSGSIZE => Errno::Msgsize,
        HostErrno::NETDOWN => Errno::Netdown,
        HostErrno::NETUNREACH => Errno::Netunreach,
        HostErrno::NOBUFS | HostErrno::NOMEM => Errno::Nobufs,
        HostErrno::NOTCONN => Errno::Notconn,
        HostErrno::PIPE => Errno::Pipe,
        HostErrno::TIMEDOUT => Errno::Timedout,
        _ => Errno::Io,
    }
}
