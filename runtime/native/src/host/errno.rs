//! How functions with C's names fail: -1, and an error number where C looks for it.

use faaslet_wasi::Errno;
use wasmtime::{Caller, Linker, Result};

use super::guest_memory::copy_out;
use crate::state::State;

/// Notes the error number and gives -1, as C's functions do. A guest that exports its variable `errno` finds the number in
/// it; every guest can ask for it.
pub fn fail(caller: &mut Caller<'_, State>, errno: Errno) -> i32 {
    let state = caller.data_mut();
    state.errno = errno;
    if let Some(place) = state.errno_place {
        // A place outside of memory is the guest's own loss.
        let _ = copy_out(state, place, &i32::from(errno as u16).to_le_bytes());
    }
    -1
}

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faaslet_errno", |caller: Caller<'_, State>| i32::from(caller.data().errno as u16))?;
    Ok(())
}
