//! Between the tiers: pushes, pulls, what the guest says about them, versions.

use wasmtime::{Error, Linker, Result};

use super::bring::{Part, WHOLE, absent, bring, end_within, region};
use super::{Host, Key, ask, key_at, misuse};
use crate::fault::Fault;
use crate::regions::Here;
use crate::slow::Operation;
use crate::state::State;

/// How a push goes, as TypeScript is told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Push {
    /// What changed.
    Plain = 0,
    /// Then others' changes are taken in.
    Partial = 1,
    /// What a mask names.
    Masked = 2,
    /// If the value is of a version.
    Conditional = 3,
}

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faasm_push_state", |mut caller: Host<'_>, key: u32| {
        let key = key_at(caller.data_mut(), key)?;
        push_flagged(caller.data_mut(), &key, Push::Plain)
    })?;
    linker.func_wrap("env", "__faasm_push_state_partial", |mut caller: Host<'_>, key: u32| {
        let key = key_at(caller.data_mut(), key)?;
        push_flagged(caller.data_mut(), &key, Push::Partial)
    })?;
    linker.func_wrap("env", "__faasm_push_state_partial_mask", |mut caller: Host<'_>, key: u32, mask: u32| {
        let key = key_at(caller.data_mut(), key)?;
        let mask = key_at(caller.data_mut(), mask)?;
        push_masked(caller.data_mut(), &key, &mask)
    })?;
    linker.func_wrap("env", "__faaslet_push_state_if", |mut caller: Host<'_>, key: u32, version: i64| {
        let key = key_at(caller.data_mut(), key)?;
        push(caller.data_mut(), &key, Push::Conditional, version.to_le_bytes().to_vec())
    })?;
    linker.func_wrap("env", "__faaslet_state_version", |mut caller: Host<'_>, key: u32| {
        let key = key_at(caller.data_mut(), key)?;
        version(caller.data_mut(), &key)
    })?;
    linker.func_wrap("env", "__faasm_pull_state", |mut caller: Host<'_>, key: u32, length: u32| {
        let key = key_at(caller.data_mut(), key)?;
        pull(caller.data_mut(), &key, length)
    })?;
    linker.func_wrap("env", "__faasm_flag_state_dirty", |mut caller: Host<'_>, key: u32, total: u32| {
        let key = key_at(caller.data_mut(), key)?;
        flag(caller.data_mut(), &key, Part::first(total.into()));
        Ok(())
    })?;
    linker.func_wrap(
        "env",
        "__faasm_flag_state_offset_dirty",
        |mut caller: Host<'_>, key: u32, total: u32, offset: u32, length: u32| {
            let key = key_at(caller.data_mut(), key)?;
            end_within(offset, length, total)?;
            flag(caller.data_mut(), &key, Part { offset: offset.into(), length: length.into() });
            Ok(())
        },
    )?;
    Ok(())
}

/// A call that said what it changed pushes that; what others changed is theirs to push.
fn push_flagged(state: &mut State, key: &Key, how: Push) -> Result<()> {
    let flags = state.regions.take_flags(key.as_str());
    let bytes = flags.iter().flat_map(|(first, end)| [first.to_le_bytes(), end.to_le_bytes()]).flatten().collect();
    push(state, key, how, bytes).map(drop)
}

/// 0: it was pushed; 1: the value is of another version.
fn push(state: &mut State, key: &Key, how: Push, bytes: Vec<u8>) -> Result<i32> {
    let pin = region(state, key.as_str())?;
    if pin.look(0, 0) == Here::Unknown {
        return if how == Push::Conditional { Err(absent(key.as_str())) } else { Ok(0) };
    }
    let answer = ask(state, Operation::StatePush, [how as u64, 0, 0, 0], key.as_str(), bytes)?;
    Ok(answer.value as i32)
}

fn push_masked(state: &mut State, key: &Key, mask: &Key) -> Result<()> {
    if key.as_str() == mask.as_str() {
        return Err(misuse("a value is no mask of itself"));
    }
    // Both stay here until the push has ended.
    let whole = Part::first(WHOLE);
    let masked = bring(state, mask.as_str(), whole)?.ok_or_else(|| absent(mask.as_str()))?;
    let value = bring(state, key.as_str(), whole)?.ok_or_else(|| absent(key.as_str()))?;
    if masked.bytes != value.bytes {
        let (mask, value) = (masked.bytes, value.bytes);
        return Err(misuse(format!("the mask has {mask} bytes, but the value has {value}")));
    }
    push(state, key, Push::Masked, mask.as_str().as_bytes().to_vec()).map(drop)
}

fn pull(state: &mut State, key: &Key, length: u32) -> Result<()> {
    let part = Part::first(if length == 0 { WHOLE } else { length.into() });
    let _pin = region(state, key.as_str())?;
    let [first, count] = part.chunks();
    ask(state, Operation::StatePull, [first, count, 1, 0], key.as_str(), Vec::new()).map(drop)
}

fn version(state: &mut State, key: &Key) -> Result<i64> {
    let _pin = region(state, key.as_str())?;
    let answer = ask(state, Operation::StateVersion, [0; 4], key.as_str(), Vec::new())?;
    let bytes: [u8; 8] = answer.bytes.try_into().map_err(|_| Error::new(Fault::bug("a version is eight bytes")))?;
    Ok(i64::from_le_bytes(bytes))
}

fn flag(state: &mut State, key: &Key, part: Part) {
    let [first, count] = part.chunks();
    // Values have fewer than 2^16 chunks.
    state.regions.flag(key.as_str(), first as u32, (first + count) as u32);
}
