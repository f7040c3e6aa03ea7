//! `dlopen`, `dlsym`, `dlclose`, `dlerror`.

use faaslet_wasi::WasiHost;
use wasmtime::{Caller, Error, Linker, Result};

use super::guest_memory::{copy_out, copy_text};
use super::memory::{ERROR_AT, host_text};
use crate::linking::{self, Outcome, Problem};
use crate::state::State;

/// As long as a path may be.
const PATH_BYTES_MAX: u32 = 4096;
/// Names of C++ are long.
const NAME_BYTES_MAX: u32 = 65_535;
/// What `dlerror` tells at most.
const MESSAGE_BYTES_MAX: usize = 4095;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "dlopen", |mut caller: Caller<'_, State>, path: u32, flags: u32| {
        let opened = open(&mut caller, path, flags);
        answer(&mut caller, opened, 0)
    })?;
    linker.func_wrap("env", "dlsym", |mut caller: Caller<'_, State>, handle: u32, name: u32| {
        let found = symbol(&mut caller, handle, name);
        answer(&mut caller, found, 0)
    })?;
    linker.func_wrap("env", "dlclose", |mut caller: Caller<'_, State>, handle: u32| {
        caller.data_mut().go_on()?;
        let closed = linking::close(caller.data_mut(), handle).map(|()| 0);
        answer(&mut caller, closed, -1)
    })?;
    linker.func_wrap("env", "dlerror", |mut caller: Caller<'_, State>| tell(&mut caller))?;
    Ok(())
}

fn open(caller: &mut Caller<'_, State>, path: u32, flags: u32) -> Outcome<u32> {
    caller.data_mut().go_on().map_err(Error::new)?;
    let path = if path == 0 { None } else { Some(copy_text(caller.data(), path, PATH_BYTES_MAX)?) };
    linking::open(caller, path.as_deref(), flags)
}

fn symbol(caller: &mut Caller<'_, State>, handle: u32, name: u32) -> Outcome<u32> {
    caller.data_mut().go_on().map_err(Error::new)?;
    let name = copy_text(caller.data(), name, NAME_BYTES_MAX)?;
    linking::symbol(caller, handle, &name)
}

/// The value; or `failed`, and what `dlerror` will tell.
fn answer(caller: &mut Caller<'_, State>, outcome: Outcome<u32>, failed: i32) -> Result<i32> {
    match outcome {
        Ok(value) => Ok(value.cast_signed()),
        Err(Problem::Ended(error)) => Err(error),
        Err(Problem::Told(message)) => {
            caller.data_mut().linking.error = Some(message);
            Ok(failed)
        }
    }
}

/// The address of what went wrong since the last time; 0 when nothing did.
fn tell(caller: &mut Caller<'_, State>) -> Result<u32> {
    caller.data_mut().go_on()?;
    let Some(message) = caller.data_mut().linking.error.take() else { return Ok(0) };
    let Some(address) = host_text(caller, ERROR_AT)? else { return Ok(0) };
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let text: Vec<u8> = message.as_bytes()[..end].iter().map(|&byte| if byte == 0 { b'?' } else { byte }).collect();
    copy_out(caller.data(), address, &[&text[..], &[0]].concat()).map_err(Error::new)?;
    Ok(address)
}
