//! Calls that a call makes: asked for here, decided and run elsewhere, awaited here.

use wasmtime::{Caller, Error, Linker, Result};

use super::guest_memory::{copy_in, copy_out, copy_text};
use crate::fault::Fault;
use crate::slow::{Answer, NUMBERS, Operation, SlowCalls};
use crate::state::State;

/// Longer than any name can be.
const NAME_BYTES_MAX: u32 = 255;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    let by_name = |mut caller: Caller<'_, State>, name: u32, input: u32, length: u32| {
        chain_name(caller.data_mut(), name, input, length).map_err(Error::new)
    };
    linker.func_wrap("env", "__faasm_chain_name", by_name)?;
    linker.func_wrap("env", "__faasm_chain_function", by_name)?;
    let by_entry = |mut caller: Caller<'_, State>, entry: u32, input: u32, length: u32| {
        chain(caller.data_mut(), Operation::ChainEntry, entry, Vec::new(), input, length).map_err(Error::new)
    };
    linker.func_wrap("env", "__faasm_chain_ptr", by_entry)?;
    let by_index = |mut caller: Caller<'_, State>, index: u32, input: u32, length: u32| {
        chain(caller.data_mut(), Operation::Chain, index, Vec::new(), input, length).map_err(Error::new)
    };
    linker.func_wrap("env", "__faasm_chain_this", by_index)?;
    linker.func_wrap("env", "__faasm_get_idx", |caller: Caller<'_, State>| caller.data().chains.index)?;
    linker.func_wrap("env", "__faasm_await_call", |mut caller: Caller<'_, State>, handle: u32| {
        await_call(caller.data_mut(), handle).map(|answer| answer.value as i32)
    })?;
    linker.func_wrap(
        "env",
        "__faasm_await_call_output",
        |mut caller: Caller<'_, State>, handle: u32, pointer: u32, length: u32| {
            await_call_output(&mut caller, handle, pointer, length)
        },
    )?;
    Ok(())
}

fn chain_name(state: &mut State, name: u32, input: u32, length: u32) -> Result<u32, Fault> {
    let name = copy_text(state, name, NAME_BYTES_MAX)?;
    if name.is_empty() {
        return Err(Fault::new("ERR_GUEST_MISUSE", "a chained call needs the name of a function"));
    }
    chain(state, Operation::Chain, 0, name.into_bytes(), input, length)
}

/// The grant is looked at before the input is copied.
fn chain(
    state: &mut State,
    operation: Operation,
    number: u32,
    text: Vec<u8>,
    input: u32,
    length: u32,
) -> Result<u32, Fault> {
    let left = state.chains.left;
    slow_calls(&mut state.slow)?;
    let over = |what: &str| Fault::new("ERR_CHAIN_BUDGET", format!("the call may make no more calls: {what}"));
    let calls = left.calls.checked_sub(1).ok_or_else(|| over("their number is used up"))?;
    let bytes = left.bytes.checked_sub(length as usize).ok_or_else(|| over("the bytes of their inputs are used up"))?;
    let input = copy_in(state, input, length)?;
    let mut numbers = [0; NUMBERS];
    numbers[0] = u64::from(number);
    let ticket = slow_calls(&mut state.slow)?.ask(operation, numbers, text, input)?;
    state.chains.left.calls = calls;
    state.chains.left.bytes = bytes;
    state.chains.tickets.push(ticket);
    u32::try_from(state.chains.tickets.len()).map_err(Fault::bug)
}

/// The answer behind a handle, which is of no use after it.
fn await_call(state: &mut State, handle: u32) -> Result<Answer> {
    let unknown = || Fault::new("ERR_GUEST_MISUSE", format!("the call holds no handle {handle} of a chained call"));
    let place = (handle as usize).checked_sub(1).and_then(|at| state.chains.tickets.get_mut(at));
    let ticket = place.map_or(0, std::mem::take);
    if ticket == 0 {
        return Err(Error::new(unknown()));
    }
    slow_calls(&mut state.slow).map_err(Error::new)?.answer(ticket, Some(Operation::Await))
}

/// The output goes into memory that the guest's own allocator gives.
fn await_call_output(caller: &mut Caller<'_, State>, handle: u32, pointer: u32, length: u32) -> Result<i32> {
    // Before the wait: a bad pointer ends the call at once, and a wait for nothing helps nobody.
    copy_in(caller.data(), pointer, 4).and_then(|_| copy_in(caller.data(), length, 4)).map_err(Error::new)?;
    let Answer { value, bytes, .. } = await_call(caller.data_mut(), handle)?;
    let size = u32::try_from(bytes.len()).map_err(|e| Error::new(Fault::bug(e)))?;
    let at = if size == 0 { 0 } else { allocate(caller, size)? };
    let state = caller.data();
    copy_out(state, at, &bytes)
        .and_then(|()| copy_out(state, pointer, &at.to_le_bytes()))
        .and_then(|()| copy_out(state, length, &size.to_le_bytes()))
        .map_err(Error::new)?;
    Ok(value as i32)
}

/// Memory of the guest's own.
fn allocate(caller: &mut Caller<'_, State>, size: u32) -> Result<u32> {
    let missing = || {
        let what = "await_call_output needs the guest's allocator: link with -Wl,--export=malloc";
        Error::new(Fault::new("ERR_GUEST_MISUSE", what))
    };
    let malloc = caller.get_export("malloc").and_then(wasmtime::Extern::into_func).ok_or_else(missing)?;
    let malloc = malloc.typed::<u32, u32>(&*caller).map_err(|_| missing())?;
    match malloc.call(&mut *caller, size)? {
        0 => {
            Err(Error::new(Fault::new("ERR_GUEST_MISUSE", format!("the guest's malloc has no room for {size} bytes"))))
        }
        at => Ok(at),
    }
}

fn slow_calls(slow: &mut Option<SlowCalls>) -> Result<&mut SlowCalls, Fault> {
    slow.as_mut().ok_or_else(|| Fault::new("ERR_GUEST_MISUSE", "an initialiser cannot chain: nobody would await it"))
}
