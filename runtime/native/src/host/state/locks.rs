//! Locks. Local ones are on this host, among the calls of its worker group; global ones are asked for. A call gives all of them
//! back when it ends, in whatever way.

use wasmtime::{Linker, Result};

use super::bring::region;
use super::{Host, Key, ask, key_at, misuse};
use crate::regions::Attempt;
use crate::regions::{HeldLock, Mode};
use crate::slow::Operation;
use crate::state::State;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    local(linker, "read", Mode::Read)?;
    local(linker, "write", Mode::Write)?;
    for (suffix, mode) in [("_read", Mode::Read), ("_write", Mode::Write), ("", Mode::Write)] {
        global(linker, suffix, mode)?;
    }
    Ok(())
}

fn local(linker: &mut Linker<State>, word: &str, mode: Mode) -> Result<()> {
    linker.func_wrap("env", &format!("__faasm_lock_state_{word}"), move |mut caller: Host<'_>, key: u32| {
        let key = key_at(caller.data_mut(), key)?;
        lock(caller.data_mut(), &key, mode)
    })?;
    linker.func_wrap("env", &format!("__faasm_unlock_state_{word}"), move |mut caller: Host<'_>, key: u32| {
        let key = key_at(caller.data_mut(), key)?;
        unlock(caller.data_mut(), &key, mode)
    })?;
    Ok(())
}

fn global(linker: &mut Linker<State>, suffix: &str, mode: Mode) -> Result<()> {
    linker.func_wrap("env", &format!("__faasm_lock_state_global{suffix}"), move |mut caller: Host<'_>, key: u32| {
        let key = key_at(caller.data_mut(), key)?;
        lock_globally(caller.data_mut(), &key, mode)
    })?;
    linker.func_wrap(
        "env",
        &format!("__faasm_unlock_state_global{suffix}"),
        move |mut caller: Host<'_>, key: u32| {
            let key = key_at(caller.data_mut(), key)?;
            unlock_globally(caller.data_mut(), &key, mode)
        },
    )?;
    Ok(())
}

fn lock(state: &mut State, key: &Key, mode: Mode) -> Result<()> {
    let key = key.as_str();
    if state.regions.held.iter().any(|held| &*held.region.key == key) {
        return Err(misuse("the call holds this lock already, and would wait for itself"));
    }
    loop {
        let region = match state.regions.known(key) {
            Some(region) => region,
            // In the table at least until the lock is tried; if it went since, it is looked up again.
            None => region(state, key)?.clone(),
        };
        let attempt = match region.lock.try_take(mode) {
            Attempt::Busy => region.lock.wait(mode, &state.control).map_err(faaslet_wasi::Ended::Interrupted)?,
            attempt => attempt,
        };
        if attempt == Attempt::Taken {
            state.regions.held.push(HeldLock { region, mode });
            return Ok(());
        }
        state.regions.forget(key);
    }
}

fn unlock(state: &mut State, key: &Key, mode: Mode) -> Result<()> {
    let held = &mut state.regions.held;
    match held.iter().position(|held| held.mode == mode && &*held.region.key == key.as_str()) {
        // Released as it goes.
        Some(place) => drop(held.swap_remove(place)),
        None => return Err(misuse("the call does not hold this lock")),
    }
    Ok(())
}

fn lock_globally(state: &mut State, key: &Key, mode: Mode) -> Result<()> {
    if state.regions.held_globally.iter().any(|(held, _)| &**held == key.as_str()) {
        return Err(misuse("the call holds this global lock already, and would wait for itself"));
    }
    ask(state, Operation::StateLock, [mode as u64, 0, 0, 0], key.as_str(), Vec::new())?;
    state.regions.held_globally.push((key.as_str().into(), mode));
    Ok(())
}

fn unlock_globally(state: &mut State, key: &Key, mode: Mode) -> Result<()> {
    let held = &mut state.regions.held_globally;
    let place = held.iter().position(|(held, by)| *by == mode && &**held == key.as_str());
    let place = place.ok_or_else(|| misuse("the call does not hold this global lock"))?;
    held.swap_remove(place);
    ask(state, Operation::StateUnlock, [mode as u64, 0, 0, 0], key.as_str(), Vec::new()).map(drop)
}
