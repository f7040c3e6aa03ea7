//! `dup` and FAASM's name for it; all other functions of files are WASI's.

use faaslet_wasi::{Errno, WasiHost};
use wasmtime::{Caller, Error, Linker, Result};

use super::errno::fail;
use super::guest_memory::copy_out;
use crate::state::State;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "dup", |mut caller: Caller<'_, State>, fd: u32| {
        caller.data_mut().go_on()?;
        Ok::<_, Error>(match caller.data_mut().wasi.duplicate(fd) {
            Ok(duplicate) => duplicate.cast_signed(),
            Err(errno) => fail(&mut caller, errno),
        })
    })?;
    linker.func_wrap("env", "__wasi_fd_dup", |mut caller: Caller<'_, State>, fd: u32, result: u32| {
        caller.data_mut().go_on()?;
        Ok::<_, Error>(i32::from(duplicate_to(caller.data_mut(), fd, result) as u16))
    })?;
    Ok(())
}

fn duplicate_to(state: &mut State, fd: u32, result: u32) -> Errno {
    // A place that cannot be written to is found before anything is opened.
    if copy_out(state, result, &[0; 4]).is_err() {
        return Errno::Fault;
    }
    match state.wasi.duplicate(fd) {
        Ok(duplicate) => copy_out(state, result, &duplicate.to_le_bytes()).map_or(Errno::Fault, |()| Errno::Success),
        Err(errno) => errno,
    }
}
