//! What FAASM's guests ask of the system: fixed values that give nothing of the machine away.

use faaslet_wasi::{Errno, WasiHost};
use wasmtime::{Caller, Error, Linker, Result, WasmBacktrace};

use super::errno::fail;
use super::guest_memory::{copy_out, copy_text};
use super::memory::{PASSWD_AT, host_text};
use crate::ending::frame_lines;
use crate::fault::Fault;
use crate::state::State;

type Host<'a> = Caller<'a, State>;

/// Everybody's number.
const USER: i32 = 1000;
const NAME_BYTES_MAX: u32 = 1024;
/// Frames that a backtrace shows at most.
const FRAMES_MAX: i32 = 32;
/// musl's `struct utsname`: six texts of 65 bytes.
const UTSNAME_FIELD: usize = 65;
const UTSNAME: [&str; 6] = ["Linux", "faaslet", "1.0", "1", "wasm32", ""];

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faasm_conf_flag", |mut caller: Host<'_>, name: u32| {
        caller.data_mut().go_on()?;
        let name = copy_text(caller.data(), name, NAME_BYTES_MAX).map_err(Error::new)?;
        Ok::<_, Error>(i32::from(caller.data().wasi.variable(&name) == Some("on")))
    })?;
    linker.func_wrap("env", "__faasm_backtrace", backtrace)?;
    linker.func_wrap("env", "uname", uname)?;
    linker.func_wrap("env", "getpwuid", passwd)?;
    linker.func_wrap("env", "sysconf", |mut caller: Host<'_>, name: i32| match sysconf(name) {
        Some(value) => value,
        None => fail(&mut caller, Errno::Inval),
    })?;
    for name in ["getuid", "geteuid", "getgid", "getegid"] {
        linker.func_wrap("env", name, || USER)?;
    }
    Ok(())
}

/// The innermost frames go to the guest's standard error.
fn backtrace(mut caller: Host<'_>, depth: i32) -> Result<()> {
    caller.data_mut().go_on()?;
    let trace = WasmBacktrace::force_capture(&caller);
    let count = if depth <= 0 { FRAMES_MAX } else { depth.min(FRAMES_MAX) };
    let text = format!("backtrace:{}\n", frame_lines(trace.frames().iter().take(count as usize)));
    caller.data_mut().wasi.complain(text.as_bytes()).map_err(Error::new)
}

fn uname(mut caller: Host<'_>, buffer: u32) -> Result<i32> {
    caller.data_mut().go_on()?;
    let mut bytes = [0; UTSNAME_FIELD * UTSNAME.len()];
    for (field, text) in bytes.chunks_mut(UTSNAME_FIELD).zip(UTSNAME) {
        field[..text.len()].copy_from_slice(text.as_bytes());
    }
    match copy_out(caller.data(), buffer, &bytes) {
        Ok(()) => Ok(0),
        Err(_) => Ok(fail(&mut caller, Errno::Fault)),
    }
}

/// musl's `struct passwd`, the same for everybody, and its texts behind it.
fn passwd(mut caller: Host<'_>, user: i32) -> Result<u32> {
    caller.data_mut().go_on()?;
    if user != USER {
        return Ok(0);
    }
    let Some(at) = host_text(&mut caller, PASSWD_AT)? else { return Ok(0) };
    const FIELDS: u32 = 7 * 4;
    let mut texts = Vec::new();
    let mut place = |text: &str| {
        let start = at + FIELDS + u32::try_from(texts.len()).unwrap_or_default();
        texts.extend_from_slice(text.as_bytes());
        texts.push(0);
        start
    };
    let (name, password, gecos) = (place("faaslet"), place("x"), place(""));
    let (home, shell) = (place("/"), place("/bin/false"));
    let fields = [name, password, USER.cast_unsigned(), USER.cast_unsigned(), gecos, home, shell];
    let mut bytes: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
    bytes.extend_from_slice(&texts);
    copy_out(caller.data(), at, &bytes).map_err(|e| Error::new(Fault::bug(e)))?;
    Ok(at)
}

/// musl's numbers.
fn sysconf(name: i32) -> Option<i32> {
    match name {
        // ARG_MAX, CLK_TCK, OPEN_MAX, PAGESIZE, IOV_MAX.
        0 => Some(128 << 10),
        2 => Some(100),
        4 => Some(256),
        30 => Some(65_536),
        60 => Some(1024),
        // NPROCESSORS_CONF, NPROCESSORS_ONLN; then PHYS_PAGES and AVPHYS_PAGES, as if memory were all there is.
        83 | 84 => Some(1),
        85 | 86 => Some(65_536),
        _ => None,
    }
}
