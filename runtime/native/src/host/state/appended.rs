//! Records that are appended to a key: in the global tier only.

use wasmtime::{Error, Linker, Result};

use super::{Host, ask, key_at, misuse};
use crate::fault::Fault;
use crate::host::guest_memory::{check_range, copy_in, copy_out};
use crate::slow::Operation;
use crate::state::State;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faasm_append_state", |mut caller: Host<'_>, key: u32, pointer: u32, length: u32| {
        let state = caller.data_mut();
        let key = key_at(state, key)?;
        let max = state.regions.regions.limits.record_bytes_max;
        if length > max {
            let what = format!("a record of {length} bytes is over the limit of {max}");
            return Err(Error::new(Fault::new("ERR_STATE_LIMIT", what)));
        }
        let record = copy_in(state, pointer, length).map_err(Error::new)?;
        ask(state, Operation::StateAppend, [0; 4], key.as_str(), record).map(drop)
    })?;
    linker.func_wrap(
        "env",
        "__faasm_read_appended_state",
        |mut caller: Host<'_>, key: u32, buffer: u32, length: u32, count: u32| {
            let state = caller.data_mut();
            let key = key_at(state, key)?;
            check_range(state, buffer, length).map_err(Error::new)?;
            let numbers = [count.into(), length.into(), 0, 0];
            let answer = ask(state, Operation::StateReadAppended, numbers, key.as_str(), Vec::new())?;
            if answer.value < i64::from(count) {
                return Err(misuse(format!("{count} records were asked for, but there are {}", answer.value)));
            }
            if answer.bytes.len() > length as usize {
                return Err(misuse(format!("{count} records do not fit into {length} bytes")));
            }
            copy_out(state, buffer, &answer.bytes).map_err(Error::new)
        },
    )?;
    linker.func_wrap("env", "__faasm_clear_appended_state", |mut caller: Host<'_>, key: u32| {
        let state = caller.data_mut();
        let key = key_at(state, key)?;
        ask(state, Operation::StateClearAppended, [0; 4], key.as_str(), Vec::new()).map(drop)
    })?;
    Ok(())
}
