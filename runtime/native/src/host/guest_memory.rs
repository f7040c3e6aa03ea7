//! Copies between the host and a guest's linear memory. The only place where our own host functions touch it.

use crate::fault::Fault;
use crate::state::State;

/// The checked start of `[pointer, pointer + length)`.
fn range(state: &State, pointer: u32, length: u32) -> Result<*mut u8, Fault> {
    let end = u64::from(pointer) + u64::from(length);
    match &state.shape {
        // SAFETY: `pointer <= end <= bytes`, so the result lies in the memory or one past its end.
        Some(shape) if end <= shape.bytes() as u64 => Ok(unsafe { shape.base().as_ptr().add(pointer as usize) }),
        _ => {
            Err(Fault::new("ERR_GUEST_POINTER", format!("{length} bytes at {pointer:#x} are not inside linear memory")))
        }
    }
}

/// A copy of guest bytes. The caller has compared `length` with its limit.
pub fn copy_in(state: &State, pointer: u32, length: u32) -> Result<Vec<u8>, Fault> {
    let from = range(state, pointer, length)?;
    let mut copy = Vec::with_capacity(length as usize);
    // SAFETY: the source range was checked; the destination was just allocated with that capacity. Other Faaslets may write
    // to shared pages meanwhile: the bytes are then any mix, which is what the guest asked for, and nothing is re-read.
    unsafe {
        std::ptr::copy_nonoverlapping(from, copy.as_mut_ptr(), length as usize);
        copy.set_len(length as usize);
    }
    Ok(copy)
}

/// A NUL-terminated UTF-8 string of at most `max` bytes.
pub fn copy_text(state: &State, pointer: u32, max: u32) -> Result<String, Fault> {
    let room = state.shape.as_ref().map_or(0, |shape| shape.bytes() as u64).saturating_sub(u64::from(pointer));
    let length = u32::try_from(room).unwrap_or(u32::MAX).min(max.saturating_add(1));
    // One copy, and the end is looked for in it: another Faaslet may change a shared page meanwhile.
    let mut bytes = copy_in(state, pointer, length)?;
    let end = bytes.iter().position(|byte| *byte == 0);
    let end = end.ok_or_else(|| match length > max {
        true => Fault::new("ERR_GUEST_MISUSE", format!("a string at {pointer:#x} is longer than {max} bytes")),
        false => Fault::new("ERR_GUEST_POINTER", format!("a string at {pointer:#x} does not end in linear memory")),
    })?;
    bytes.truncate(end);
    String::from_utf8(bytes)
        .map_err(|_| Fault::new("ERR_GUEST_MISUSE", format!("a string at {pointer:#x} is not UTF-8")))
}

/// Writes host bytes into guest memory, all or nothing.
pub fn copy_out(state: &State, pointer: u32, bytes: &[u8]) -> Result<(), Fault> {
    let length = u32::try_from(bytes.len()).map_err(Fault::bug)?;
    let to = range(state, pointer, length)?;
    // SAFETY: the destination range was checked; host memory and guest memory never overlap.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    Ok(())
}
