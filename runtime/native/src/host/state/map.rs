//! Values as memory: a region's pages in place of private ones of the guest's linear memory, until its call has ended.

use wasmtime::{Error, Extern, Linker, Result};

use super::bring::{Brought, Part, WHOLE, absent, bring, bring_or_make, check_within, end_within, with_room};
use super::{Host, Key, key_at, misuse};
use crate::fault::Fault;
use crate::memory::PAGE;
use crate::regions::MappedRegion;
use crate::state::State;

/// How often a part is brought again that goes before it is mapped.
const ATTEMPTS: u32 = 16;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    linker.func_wrap("env", "__faasm_read_state_ptr", |mut caller: Host<'_>, key: u32, length: u32| {
        let key = key_at(caller.data_mut(), key)?;
        map_first(&mut caller, &key, length)
    })?;
    linker.func_wrap(
        "env",
        "__faasm_read_state_offset_ptr",
        |mut caller: Host<'_>, key: u32, total: u32, offset: u32, length: u32| {
            let key = key_at(caller.data_mut(), key)?;
            let end = end_within(offset, length, total)?;
            if length == 0 {
                return Err(misuse("a pointer to no bytes of a value"));
            }
            let part = Part { offset: offset.into(), length: length.into() };
            let brought = bring_or_make(caller.data_mut(), key.as_str(), part, total.into())?;
            check_within(end, brought.bytes)?;
            map(&mut caller, &key, brought, part)
        },
    )?;
    Ok(())
}

/// The first `length` bytes of a value, or all of it.
fn map_first(caller: &mut Host<'_>, key: &Key, length: u32) -> Result<u32> {
    let state = caller.data_mut();
    let brought = match length {
        0 => bring(state, key.as_str(), Part::first(WHOLE))?.ok_or_else(|| absent(key.as_str()))?,
        _ => bring_or_make(state, key.as_str(), Part::first(length.into()), length.into())?,
    };
    check_within(length.into(), brought.bytes)?;
    let length = if length == 0 { brought.bytes } else { length.into() };
    if length == 0 {
        return Err(misuse("a pointer to an empty value"));
    }
    map(caller, key, brought, Part::first(length))
}

/// Where a part of a value that is here lies in linear memory. What is mapped already is not mapped again.
fn map(caller: &mut Host<'_>, key: &Key, mut brought: Brought, part: Part) -> Result<u32> {
    let page = PAGE as u64;
    let start = part.offset / page * page;
    let length = (part.offset + part.length).next_multiple_of(page) - start;
    let within = (part.offset - start) as u32;
    let is_it = |mapped: &MappedRegion| {
        std::sync::Arc::ptr_eq(&mapped.region, &brought.pin)
            && mapped.offset <= start
            && start + length <= mapped.offset + mapped.length
    };
    if let Some(mapped) = caller.data().regions.mapped.iter().find(|mapped| is_it(mapped)) {
        return Ok(mapped.address + (start - mapped.offset) as u32 + within);
    }
    let limits = caller.data().regions.regions.limits;
    if caller.data().regions.mapped.len() >= limits.faaslet_mappings_max {
        let max = limits.faaslet_mappings_max;
        return Err(Error::new(Fault::new("ERR_QUOTA", format!("a call may have pointers to {max} values or parts"))));
    }
    let address = block(caller, length)?;
    for _ in 0..ATTEMPTS {
        let state = caller.data_mut();
        let prepared = with_room(state, part.length, |_| brought.pin.prepare_mapping(start, length))?;
        if prepared {
            show(state, &brought, start, length, address)?;
            return Ok(address + within);
        }
        brought = bring(state, key.as_str(), part)?.ok_or_else(|| absent(key.as_str()))?;
        check_within(part.offset + part.length, brought.bytes)?;
    }
    Err(Error::new(Fault::capacity("state", "the value goes as fast as it comes")))
}

/// Puts a prepared part of a region in place of the block at `address`.
fn show(state: &mut State, brought: &Brought, start: u64, length: u64, address: u32) -> Result<()> {
    let regions = state.regions.regions.clone();
    // From here on the mapping is counted, and uncounted whatever happens.
    let mapped = MappedRegion::new(&regions, brought.pin.clone(), start, length, address).map_err(Error::new)?;
    let shape = state.shape.clone().ok_or_else(|| misuse("the module has no memory"))?;
    let file = brought.pin.fd().map_err(Error::new)?;
    // SAFETY: a region's file is sealed against shrinking and was grown to whole chunks before the value became so long, and
    // every page of the part has memory since `prepare_mapping`: no access can raise SIGBUS. Host code touches linear memory
    // through `memory/copy.rs` only, and what else changes mappings asks `has_shared` first.
    unsafe { shape.map_shared(address as usize, length as usize, file, start) }.map_err(Error::new)?;
    state.regions.mapped.push(mapped);
    Ok(())
}

/// Whole pages of linear memory that the guest does not use: from its allocator, or fresh ones at the end. A command's own
/// `malloc` is not called: linkers wrap every export of such a module in its constructors and destructors.
fn block(caller: &mut Host<'_>, length: u64) -> Result<u32> {
    let full = || misuse(format!("the guest's memory has no room for {length} bytes of state"));
    let bytes = u32::try_from(length).map_err(|_| full())?;
    let page = PAGE as u32;
    let address = if let Some(allocator) = caller.data().allocator.clone() {
        allocator.call(&mut *caller, (page, bytes))?
    } else if let Some(aligned) = function::<(u32, u32)>(caller, "aligned_alloc") {
        aligned.call(&mut *caller, (page, bytes))?
    } else if let Some(plain) = function::<u32>(caller, "malloc") {
        let room = bytes.checked_add(page).ok_or_else(full)?;
        match plain.call(&mut *caller, room)? {
            0 => 0,
            given => given.checked_next_multiple_of(page).ok_or_else(full)?,
        }
    } else {
        grown(caller, length).ok_or_else(full)?
    };
    if address == 0 {
        return Err(full());
    }
    let end = u64::from(address) + length;
    let shape = caller.data().shape.clone().ok_or_else(full)?;
    let is_inside = address.is_multiple_of(page) && end <= shape.bytes() as u64;
    if !is_inside || shape.has_shared(address as usize, end as usize) {
        return Err(misuse("the guest's allocator gave out memory that is not its own"));
    }
    Ok(address)
}

fn function<P: wasmtime::WasmParams>(caller: &mut Host<'_>, name: &str) -> Option<wasmtime::TypedFunc<P, u32>> {
    if caller.data().has_wrapped_exports {
        return None;
    }
    caller.get_export(name).and_then(Extern::into_func)?.typed::<P, u32>(&*caller).ok()
}

/// Fresh pages at the end of memory.
fn grown(caller: &mut Host<'_>, length: u64) -> Option<u32> {
    let memory = caller.data().memory?;
    let before = memory.grow(&mut *caller, length.div_ceil(crate::memory::WASM_PAGE)).ok()?;
    u32::try_from(before.checked_mul(crate::memory::WASM_PAGE)?).ok()
}
