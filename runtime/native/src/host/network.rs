//! Client sockets under their BSD names, with musl's structures and numbers; what they do is in the crate of WASI.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use faaslet_wasi::{Errno, Failure, Family, Kind, Name, Shut, SocketOption, WasiHost};
use wasmtime::{Caller, Error, Linker, Result};

use super::errno::fail;
use super::guest_memory::{copy_in, copy_out};
use crate::fault::Fault;
use crate::state::State;

type Host<'a> = Caller<'a, State>;
type Outcome<T> = std::result::Result<T, Failure>;

/// musl's numbers, which are Linux's.
const AF_UNIX: u32 = 1;
pub const AF_INET: u32 = 2;
pub const AF_INET6: u32 = 10;
pub const SOCK_STREAM: u32 = 1;
pub const SOCK_DGRAM: u32 = 2;
const SOCK_NONBLOCK: u32 = 0o4000;
const SOCK_CLOEXEC: u32 = 0o2_000_000;
const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;
const MSG_PEEK: u32 = 2;
const MSG_DONTWAIT: u32 = 0x40;
const MSG_NOSIGNAL: u32 = 0x4000;
const SOL_SOCKET: u32 = 1;
const SO_REUSEADDR: u32 = 2;
const SO_TYPE: u32 = 3;
const SO_ERROR: u32 = 4;
const SO_BROADCAST: u32 = 6;
const SO_SNDBUF: u32 = 7;
const SO_RCVBUF: u32 = 8;
const SO_KEEPALIVE: u32 = 9;
const TCP_NODELAY: u32 = 1;
const SOCKADDR_IN: u32 = 16;
const SOCKADDR_IN6: u32 = 28;
/// Moved by one call at most; more is a short send or receive.
const BYTES_MAX: u32 = 256 << 10;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "socket", |mut c: Host<'_>, family: u32, kind: u32, protocol: u32| {
        call(&mut c, |state| socket(state, family, kind, protocol))
    })?;
    linker.func_wrap("env", "connect", |mut c: Host<'_>, fd: u32, address: u32, length: u32| {
        call(&mut c, |state| {
            let to = address_in(state, address, length)?;
            state.wasi.connect(fd, to).map(|()| 0)
        })
    })?;
    linker.func_wrap("env", "bind", |mut c: Host<'_>, fd: u32, address: u32, length: u32| {
        call(&mut c, |state| {
            let to = address_in(state, address, length)?;
            state.wasi.bind(fd, to).map(|()| 0)
        })
    })?;
    linker.func_wrap("env", "listen", |mut c: Host<'_>, fd: u32, _backlog: u32| {
        call(&mut c, |state| state.wasi.listen(fd).map(|()| 0))
    })?;
    linker.func_wrap("env", "accept", |mut c: Host<'_>, fd: u32, _address: u32, _length: u32| {
        call(&mut c, |state| state.wasi.listen(fd).map(|()| 0))
    })?;
    linker.func_wrap("env", "send", |mut c: Host<'_>, fd: u32, bytes: u32, length: u32, flags: u32| {
        call(&mut c, |state| send(state, fd, (bytes, length), flags, (0, 0)))
    })?;
    linker.func_wrap(
        "env",
        "sendto",
        |mut c: Host<'_>, fd: u32, bytes: u32, length: u32, flags: u32, to: u32, to_length: u32| {
            call(&mut c, |state| send(state, fd, (bytes, length), flags, (to, to_length)))
        },
    )?;
    linker.func_wrap("env", "recv", |mut c: Host<'_>, fd: u32, buffer: u32, length: u32, flags: u32| {
        call(&mut c, |state| receive(state, fd, (buffer, length), flags, (0, 0)))
    })?;
    linker.func_wrap(
        "env",
        "recvfrom",
        |mut c: Host<'_>, fd: u32, buffer: u32, length: u32, flags: u32, from: u32, from_length: u32| {
            call(&mut c, |state| receive(state, fd, (buffer, length), flags, (from, from_length)))
        },
    )?;
    for (function, name) in [("getsockname", Name::Own), ("getpeername", Name::Peer)] {
        linker.func_wrap("env", function, move |mut c: Host<'_>, fd: u32, address: u32, length: u32| {
            call(&mut c, |state| {
                let found = state.wasi.name_of(fd, name)?;
                address_out(state, found, address, length).map(|()| 0)
            })
        })?;
    }
    linker.func_wrap("env", "shutdown", |mut c: Host<'_>, fd: u32, how: u32| {
        call(&mut c, |state| {
            let how = match how {
                0 => Shut::Read,
                1 => Shut::Write,
                2 => Shut::Both,
                _ => return Err(Errno::Inval.into()),
            };
            state.wasi.shut_down(fd, how).map(|()| 0)
        })
    })?;
    linker.func_wrap(
        "env",
        "setsockopt",
        |mut c: Host<'_>, fd: u32, level: u32, name: u32, value: u32, length: u32| {
            call(&mut c, |state| set_option(state, fd, (level, name), value, length))
        },
    )?;
    linker.func_wrap(
        "env",
        "getsockopt",
        |mut c: Host<'_>, fd: u32, level: u32, name: u32, value: u32, length: u32| {
            call(&mut c, |state| get_option(state, fd, (level, name), value, length))
        },
    )?;
    Ok(())
}

fn call(caller: &mut Host<'_>, action: impl FnOnce(&mut State) -> Outcome<u32>) -> Result<i32> {
    caller.data_mut().go_on()?;
    match action(caller.data_mut()) {
        Ok(value) => Ok(value.cast_signed()),
        Err(Failure::Errno(errno)) => Ok(fail(caller, errno)),
        Err(Failure::End(ended)) => Err(Error::new(ended)),
    }
}

fn socket(state: &mut State, family: u32, kind: u32, protocol: u32) -> Outcome<u32> {
    let is_nonblocking = kind & SOCK_NONBLOCK != 0;
    let kind = match kind & !(SOCK_NONBLOCK | SOCK_CLOEXEC) {
        SOCK_STREAM => Kind::Stream,
        SOCK_DGRAM => Kind::Datagram,
        // Raw sockets and the like see more than their own traffic.
        _ => return Err(Errno::Perm.into()),
    };
    let family = match family {
        AF_INET => Family::V4,
        AF_INET6 => Family::V6,
        AF_UNIX => return Err(Errno::Acces.into()),
        _ => return Err(Errno::Afnosupport.into()),
    };
    match (protocol, kind) {
        (0, _) | (IPPROTO_TCP, Kind::Stream) | (IPPROTO_UDP, Kind::Datagram) => {}
        _ => return Err(Errno::Protonosupport.into()),
    }
    state.wasi.socket(family, kind, is_nonblocking)
}

fn send(state: &State, fd: u32, (bytes, length): (u32, u32), flags: u32, to: (u32, u32)) -> Outcome<u32> {
    if flags & !(MSG_NOSIGNAL | MSG_DONTWAIT) != 0 {
        return Err(Errno::Notsup.into());
    }
    let (_, kind) = state.wasi.family_of(fd)?;
    let to = if to.0 == 0 { None } else { Some(address_in(state, to.0, to.1)?) };
    // Part of a stream can be sent; part of a datagram would be another one.
    let length = if kind == Kind::Stream { length.min(BYTES_MAX) } else { length };
    if length > BYTES_MAX {
        return Err(Errno::Msgsize.into());
    }
    let bytes = copy_in(state, bytes, length).map_err(fault)?;
    let sent = state.wasi.send(fd, &bytes, to, flags & MSG_DONTWAIT == 0)?;
    u32::try_from(sent).map_err(|_| Errno::Overflow.into())
}

fn receive(state: &State, fd: u32, (buffer, length): (u32, u32), flags: u32, from: (u32, u32)) -> Outcome<u32> {
    if flags & !(MSG_PEEK | MSG_DONTWAIT) != 0 {
        return Err(Errno::Notsup.into());
    }
    state.wasi.family_of(fd)?;
    // A bad buffer is found before anything is taken from the socket.
    let length = length.min(BYTES_MAX);
    copy_in(state, buffer, length).map_err(fault)?;
    if from.0 != 0 {
        copy_in(state, from.1, 4).map_err(fault)?;
    }
    let (bytes, sender) = state.wasi.receive(fd, length as usize, flags & MSG_PEEK != 0, flags & MSG_DONTWAIT == 0)?;
    copy_out(state, buffer, &bytes).map_err(fault)?;
    if from.0 != 0 {
        match sender {
            Some(sender) => address_out(state, sender, from.0, from.1)?,
            None => copy_out(state, from.1, &[0; 4]).map_err(fault)?,
        }
    }
    u32::try_from(bytes.len()).map_err(|_| Errno::Overflow.into())
}

fn set_option(state: &mut State, fd: u32, (level, name): (u32, u32), value: u32, length: u32) -> Outcome<u32> {
    let bytes = copy_in(state, value, length.min(16)).map_err(fault)?;
    state.wasi.family_of(fd)?;
    let number = || match bytes.first_chunk::<4>() {
        Some(bytes) => Ok(u32::from_le_bytes(*bytes)),
        None => Err(Failure::from(Errno::Inval)),
    };
    let option = match (level, name) {
        (SOL_SOCKET, SO_REUSEADDR) => return Ok(0),
        (SOL_SOCKET, SO_BROADCAST) => return Err(Errno::Perm.into()),
        (SOL_SOCKET, SO_KEEPALIVE) => SocketOption::KeepAlive(number()? != 0),
        (SOL_SOCKET, SO_SNDBUF) => SocketOption::SendBuffer(number()?),
        (SOL_SOCKET, SO_RCVBUF) => SocketOption::ReceiveBuffer(number()?),
        // Two numbers each: those of before and after times had 64 bits.
        (SOL_SOCKET, 20 | 66) => SocketOption::ReceiveTimeout(time_of(&bytes)?),
        (SOL_SOCKET, 21 | 67) => SocketOption::SendTimeout(time_of(&bytes)?),
        (IPPROTO_TCP, TCP_NODELAY) => SocketOption::NoDelay(number()? != 0),
        _ => return Err(Errno::Noprotoopt.into()),
    };
    state.wasi.set_option(fd, option).map(|()| 0)
}

/// musl's `struct timeval`: seconds and microseconds of 64 bits.
fn time_of(bytes: &[u8]) -> Outcome<Duration> {
    let inval = || Failure::from(Errno::Inval);
    let number = |at: usize| bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map(u64::from_le_bytes);
    let (seconds, micros) = number(0).zip(number(8)).ok_or_else(inval)?;
    if micros >= 1_000_000 { Err(inval()) } else { Ok(Duration::new(seconds, micros as u32 * 1000)) }
}

fn get_option(state: &State, fd: u32, option: (u32, u32), value: u32, length: u32) -> Outcome<u32> {
    let room = copy_in(state, length, 4).map_err(fault)?;
    let (_, kind) = state.wasi.family_of(fd)?;
    if u32::from_le_bytes(room.try_into().unwrap_or_default()) < 4 {
        return Err(Errno::Inval.into());
    }
    copy_in(state, value, 4).map_err(fault)?;
    let answer = match option {
        (SOL_SOCKET, SO_TYPE) => {
            u32::from(kind == Kind::Stream) * SOCK_STREAM + u32::from(kind == Kind::Datagram) * SOCK_DGRAM
        }
        (SOL_SOCKET, SO_ERROR) => u32::from(state.wasi.take_error(fd)? as u16),
        _ => return Err(Errno::Noprotoopt.into()),
    };
    copy_out(state, value, &answer.to_le_bytes()).map_err(fault)?;
    copy_out(state, length, &4u32.to_le_bytes()).map(|()| 0).map_err(fault)
}

/// A `struct sockaddr_in` or `sockaddr_in6`, copied once.
fn address_in(state: &State, address: u32, length: u32) -> Outcome<SocketAddr> {
    let bytes = copy_in(state, address, length.min(SOCKADDR_IN6)).map_err(fault)?;
    let part = |at: usize, count: usize| bytes.get(at..at + count).ok_or(Failure::from(Errno::Inval));
    let family = u16::from_le_bytes(part(0, 2)?.try_into().unwrap_or_default());
    let port = || part(2, 2).map(|bytes| u16::from_be_bytes(bytes.try_into().unwrap_or_default()));
    match u32::from(family) {
        AF_INET => {
            let four: [u8; 4] = part(4, 4)?.try_into().unwrap_or_default();
            Ok(SocketAddr::from((Ipv4Addr::from(four), port()?)))
        }
        AF_INET6 => {
            let six: [u8; 16] = part(8, 16)?.try_into().unwrap_or_default();
            let scope = u32::from_le_bytes(part(24, 4)?.try_into().unwrap_or_default());
            Ok(SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(six), port()?, 0, scope)))
        }
        AF_UNIX => Err(Errno::Acces.into()),
        _ => Err(Errno::Afnosupport.into()),
    }
}

/// musl's structure of an address.
pub fn socket_address(found: SocketAddr) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SOCKADDR_IN6 as usize);
    match found {
        SocketAddr::V4(four) => {
            bytes.extend_from_slice(&(AF_INET as u16).to_le_bytes());
            bytes.extend_from_slice(&four.port().to_be_bytes());
            bytes.extend_from_slice(&four.ip().octets());
            bytes.resize(SOCKADDR_IN as usize, 0);
        }
        SocketAddr::V6(six) => {
            bytes.extend_from_slice(&(AF_INET6 as u16).to_le_bytes());
            bytes.extend_from_slice(&six.port().to_be_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&six.ip().octets());
            bytes.extend_from_slice(&six.scope_id().to_le_bytes());
        }
    }
    bytes
}

/// Writes as much as there is room for, and how much there would be.
fn address_out(state: &State, found: SocketAddr, address: u32, length: u32) -> Outcome<()> {
    let room = copy_in(state, length, 4).map_err(fault)?;
    let room = u32::from_le_bytes(room.try_into().unwrap_or_default());
    let bytes = socket_address(found);
    let written = bytes.len().min(room as usize);
    copy_out(state, address, &bytes[..written]).map_err(fault)?;
    copy_out(state, length, &(bytes.len() as u32).to_le_bytes()).map_err(fault)
}

/// As C's functions: a bad pointer is an error number.
fn fault(_: Fault) -> Failure {
    Failure::from(Errno::Fault)
}
