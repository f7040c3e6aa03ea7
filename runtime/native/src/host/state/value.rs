//! Values as bytes: copies into and out of the local tier.

use wasmtime::{Error, Linker, Result};

use super::bring::{
    Brought, Part, absent, bring, bring_or_make, check_within, end_within, over_limit, region, with_room,
};
use super::{Host, Key, key_at, misuse};
use crate::host::guest_memory::{check_range, copy_into, copy_out, copy_text};
use crate::state::State;

/// Longer than any path can be.
const PATH_BYTES_MAX: u32 = 4096;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faasm_read_state", |mut caller: Host<'_>, key: u32, buffer: u32, length: u32| {
        let key = key_at(caller.data_mut(), key)?;
        read(caller.data_mut(), &key, buffer, length)
    })?;
    linker.func_wrap(
        "env",
        "__faasm_read_state_offset",
        |mut caller: Host<'_>, key: u32, total: u32, offset: u32, buffer: u32, length: u32| {
            let key = key_at(caller.data_mut(), key)?;
            read_part(caller.data_mut(), &key, [total, offset, length], buffer)
        },
    )?;
    linker.func_wrap("env", "__faasm_write_state", |mut caller: Host<'_>, key: u32, pointer: u32, length: u32| {
        let key = key_at(caller.data_mut(), key)?;
        write(caller.data_mut(), &key, pointer, length)
    })?;
    linker.func_wrap(
        "env",
        "__faasm_write_state_offset",
        |mut caller: Host<'_>, key: u32, total: u32, offset: u32, pointer: u32, length: u32| {
            let key = key_at(caller.data_mut(), key)?;
            write_part(caller.data_mut(), &key, [total, offset, length], pointer)
        },
    )?;
    linker.func_wrap("env", "__faasm_write_state_from_file", |mut caller: Host<'_>, key: u32, path: u32| {
        let key = key_at(caller.data_mut(), key)?;
        write_from_file(caller.data_mut(), &key, path)
    })?;
    Ok(())
}

fn read(state: &mut State, key: &Key, buffer: u32, length: u32) -> Result<u32> {
    let part = if length == 0 { Part::SIZE } else { Part::first(length.into()) };
    let Some(Brought { pin, bytes }) = bring(state, key.as_str(), part)? else { return Ok(0) };
    let size = u32::try_from(bytes).map_err(|e| misuse(e.to_string()))?;
    copy_to_guest(state, &pin, 0, buffer, length.min(size))?;
    Ok(size)
}

fn read_part(state: &mut State, key: &Key, [total, offset, length]: [u32; 3], buffer: u32) -> Result<()> {
    let end = end_within(offset, length, total)?;
    check_range(state, buffer, length).map_err(Error::new)?;
    let part = Part { offset: offset.into(), length: length.into() };
    let Brought { pin, bytes } = bring(state, key.as_str(), part)?.ok_or_else(|| absent(key.as_str()))?;
    check_within(end, bytes)?;
    copy_to_guest(state, &pin, offset, buffer, length)
}

fn copy_to_guest(state: &State, pin: &crate::regions::Pin, offset: u32, buffer: u32, length: u32) -> Result<()> {
    check_range(state, buffer, length).map_err(Error::new)?;
    // No overflow: places are below `length`, and the range was checked.
    pin.read(offset.into(), length.into(), &mut |place, bytes| copy_out(state, buffer + place as u32, bytes))
        .map_err(Error::new)
}

fn write(state: &mut State, key: &Key, pointer: u32, length: u32) -> Result<()> {
    let max = state.regions.regions.limits.value_bytes_max;
    if u64::from(length) > max {
        return Err(over_limit(length.into(), max));
    }
    check_range(state, pointer, length).map_err(Error::new)?;
    let pin = region(state, key.as_str())?;
    with_room(state, length.into(), |state| {
        pin.replace(length.into(), &mut |place, bytes| copy_into(state, pointer + place as u32, bytes))
    })
}

fn write_part(state: &mut State, key: &Key, [total, offset, length]: [u32; 3], pointer: u32) -> Result<()> {
    let end = end_within(offset, length, total)?;
    check_range(state, pointer, length).map_err(Error::new)?;
    let part = Part { offset: offset.into(), length: length.into() };
    let Brought { pin, bytes } = bring_or_make(state, key.as_str(), part, total.into())?;
    check_within(end, bytes)?;
    with_room(state, length.into(), |state| {
        pin.write(offset.into(), length.into(), &mut |place, bytes| copy_into(state, pointer + place as u32, bytes))
    })
}

fn write_from_file(state: &mut State, key: &Key, path: u32) -> Result<u32> {
    let path = copy_text(state, path, PATH_BYTES_MAX).map_err(Error::new)?;
    let content = state.wasi.read_path(&path)?;
    let bytes = content.map_err(|errno| misuse(format!("cannot read the file {path:?}: {errno:?}")))?;
    let max = state.regions.regions.limits.value_bytes_max;
    if bytes.len() as u64 > max {
        return Err(over_limit(bytes.len() as u64, max));
    }
    let pin = region(state, key.as_str())?;
    with_room(state, bytes.len() as u64, |_| {
        pin.replace(bytes.len() as u64, &mut |place, to| {
            let from = bytes.get(place as usize..).and_then(|rest| rest.get(..to.len()));
            to.copy_from_slice(from.ok_or_else(|| crate::fault::Fault::bug("a file became shorter"))?);
            Ok(())
        })
    })?;
    u32::try_from(bytes.len()).map_err(|e| misuse(e.to_string()))
}
