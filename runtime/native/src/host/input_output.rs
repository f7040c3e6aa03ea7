//! `__faasm_read_input`, `__faasm_write_output` and the two functions of FAASM's own tests.

use faaslet_wasi::WasiHost;
use wasmtime::{Caller, Error, Linker, Result};

use super::guest_memory::{copy_in, copy_out};
use crate::fault::Fault;
use crate::state::State;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faasm_read_input", |mut caller: Caller<'_, State>, buffer: u32, length: u32| {
        caller.data_mut().go_on()?;
        read_input(caller.data(), buffer, length).map_err(Error::new)
    })?;
    linker.func_wrap("env", "__faasm_write_output", |mut caller: Caller<'_, State>, pointer: u32, length: u32| {
        caller.data_mut().go_on()?;
        write_output(caller.data_mut(), pointer, length).map_err(Error::new)
    })?;
    linker.func_wrap("env", "__faasm_memory_layout_protection", || {})?;
    linker.func_wrap("env", "__faasm_host_interface_test", host_interface_test)?;
    Ok(())
}

fn read_input(state: &State, buffer: u32, length: u32) -> Result<u32, Fault> {
    let input = &state.io.input;
    let count = if length == 0 { 0 } else { input.len().min(length as usize) };
    copy_out(state, buffer, &input[..count])?;
    let answer = if length == 0 { input.len() } else { count };
    u32::try_from(answer).map_err(Fault::bug)
}

fn write_output(state: &mut State, pointer: u32, length: u32) -> Result<(), Fault> {
    if length as usize > state.io.output_max {
        let max = state.io.output_max;
        return Err(Fault::new("ERR_OUTPUT_LIMIT", format!("an output of {length} bytes is over the limit of {max}")));
    }
    state.io.output = Some(copy_in(state, pointer, length)?);
    Ok(())
}

/// A host fault on purpose: shows that a panic in trusted code ends one call and nothing else.
#[allow(clippy::panic, reason = "what it is for")]
fn host_interface_test(number: u32) {
    panic!("asked for by __faasm_host_interface_test({number})");
}
