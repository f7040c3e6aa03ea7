//! `getaddrinfo` and `freeaddrinfo`: addresses as they are written, and names that the function's settings name, which are
//! looked up elsewhere. The list is a page of its own in the guest's memory.

use std::net::IpAddr;

use faaslet_wasi::{Errno, NoAddress, WasiHost};
use wasmtime::{Caller, Error, Linker, Result};

use super::guest_memory::{copy_in, copy_out, copy_text};
use super::memory::{release_pages, take_pages};
use super::network::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, socket_address};
use super::outside::Asked;
use crate::fault::Fault;
use crate::memory::WASM_PAGE;
use crate::state::State;

type Host<'a> = Caller<'a, State>;

/// Longer than any name of DNS.
const NAME_BYTES_MAX: u32 = 255;
const SERVICE_BYTES_MAX: u32 = 32;
/// More addresses of one name than anybody tries.
const ADDRESSES_MAX: usize = 32;
/// musl's `struct addrinfo` on 32 bits, and room for an address behind each.
const ADDRINFO: u32 = 32;
const ENTRY: u32 = ADDRINFO + 32;
const AI_NUMERICHOST: u32 = 4;
const EAI_NONAME: i32 = -2;
const EAI_AGAIN: i32 = -3;
const EAI_FAMILY: i32 = -6;
const EAI_SOCKTYPE: i32 = -7;
const EAI_SERVICE: i32 = -8;
const EAI_MEMORY: i32 = -10;
const EAI_SYSTEM: i32 = -11;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap(
        "env",
        "getaddrinfo",
        |mut caller: Host<'_>, name: u32, service: u32, hints: u32, result: u32| {
            caller.data_mut().go_on()?;
            look_up(&mut caller, name, service, hints, result).or_else(|problem| match problem {
                Problem::Code(code) => Ok(code),
                Problem::Ended(error) => Err(error),
            })
        },
    )?;
    linker.func_wrap("env", "freeaddrinfo", |mut caller: Host<'_>, list: u32| -> Result<()> {
        caller.data_mut().go_on()?;
        release_pages(&mut caller, list, 1).map_err(Error::new)
    })?;
    Ok(())
}

enum Problem {
    Code(i32),
    Ended(Error),
}

impl From<Fault> for Problem {
    /// A bad pointer is an error number, as for C's functions.
    fn from(_: Fault) -> Self {
        Self::Code(EAI_SYSTEM)
    }
}

/// What the guest wants to know of a name.
struct Hints {
    is_numeric: bool,
    family: u32,
    kinds: Vec<u32>,
}

fn look_up(
    caller: &mut Host<'_>,
    name: u32,
    service: u32,
    hints: u32,
    result: u32,
) -> std::result::Result<i32, Problem> {
    let hints = read_hints(caller.data(), hints)?;
    copy_in(caller.data(), result, 4)?;
    let port = match service {
        0 => 0,
        _ => {
            let text = copy_text(caller.data(), service, SERVICE_BYTES_MAX)?;
            let known = [("http", 80), ("https", 443), ("domain", 53)];
            let known = known.iter().find(|(name, _)| *name == text).map(|(_, port)| *port);
            known.or_else(|| text.parse().ok()).ok_or(Problem::Code(EAI_SERVICE))?
        }
    };
    if name == 0 {
        return Err(Problem::Code(EAI_NONAME));
    }
    let name = copy_text(caller.data(), name, NAME_BYTES_MAX)?;
    let mut addresses = match name.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) if hints.is_numeric => return Err(Problem::Code(EAI_NONAME)),
        Err(_) => ask(caller, &name)?,
    };
    addresses.retain(|address| hints.family == 0 || (hints.family == AF_INET) == address.is_ipv4());
    addresses.truncate(ADDRESSES_MAX);
    if addresses.is_empty() {
        return Err(Problem::Code(EAI_NONAME));
    }
    write_list(caller, &addresses, port, &hints, result)
}

fn read_hints(state: &State, hints: u32) -> std::result::Result<Hints, Problem> {
    let bytes = if hints == 0 { vec![0; 16] } else { copy_in(state, hints, 16)? };
    let number =
        |at: usize| bytes.get(at..at + 4).map_or(0, |part| u32::from_le_bytes(part.try_into().unwrap_or_default()));
    let family = number(4);
    if ![0, AF_INET, AF_INET6].contains(&family) {
        return Err(Problem::Code(EAI_FAMILY));
    }
    let kinds = match number(8) {
        0 => vec![SOCK_STREAM, SOCK_DGRAM],
        kind @ (SOCK_STREAM | SOCK_DGRAM) => vec![kind],
        _ => return Err(Problem::Code(EAI_SOCKTYPE)),
    };
    Ok(Hints { is_numeric: number(0) & AI_NUMERICHOST != 0, family, kinds })
}

fn ask(caller: &mut Host<'_>, name: &str) -> std::result::Result<Vec<IpAddr>, Problem> {
    let State { wasi, slow, .. } = caller.data_mut();
    wasi.look_up(name, &mut Asked(slow)).map_err(|why| match why {
        NoAddress::NotNamed | NoAddress::Unknown => Problem::Code(EAI_NONAME),
        NoAddress::Broken => Problem::Code(EAI_AGAIN),
        NoAddress::Ended(ended) => Problem::Ended(Error::new(ended)),
    })
}

fn write_list(
    caller: &mut Host<'_>,
    addresses: &[IpAddr],
    port: u16,
    hints: &Hints,
    result: u32,
) -> std::result::Result<i32, Problem> {
    let page = match take_pages(caller, 1).map_err(Problem::Ended)? {
        Some(page) => page,
        None => return Err(Problem::Code(EAI_MEMORY)),
    };
    let start = (u64::from(page) * WASM_PAGE) as u32;
    let all: Vec<_> =
        addresses.iter().flat_map(|address| hints.kinds.iter().map(move |kind| (*address, *kind))).collect();
    let mut bytes = Vec::with_capacity(all.len() * ENTRY as usize);
    for (at, (address, kind)) in (1u32..).zip(&all) {
        let here = start + (at - 1) * ENTRY;
        let address = socket_address((*address, port).into());
        let family = u32::from(u16::from_le_bytes([address[0], address[1]]));
        let protocol = if *kind == SOCK_STREAM { 6 } else { 17 };
        let next = if at as usize == all.len() { 0 } else { here + ENTRY };
        for field in [0, family, *kind, protocol, address.len() as u32, here + ADDRINFO, 0, next] {
            bytes.extend_from_slice(&field.to_le_bytes());
        }
        bytes.extend_from_slice(&address);
        bytes.resize(at as usize * ENTRY as usize, 0);
    }
    copy_out(caller.data(), start, &bytes)?;
    copy_out(caller.data(), result, &start.to_le_bytes())?;
    caller.data_mut().errno = Errno::Success;
    Ok(0)
}
