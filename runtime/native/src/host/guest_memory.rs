//! Copies between the host and a guest's linear memory. The only place where our own host functions touch it. Its pages may
//! be shared with other Faaslets that write to them meanwhile.

use std::mem::MaybeUninit;

use crate::fault::Fault;
use crate::memory::{copy_from_shared, copy_to_shared};
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
    // SAFETY: the source range was checked, and the destination was just allocated with that capacity, of which every byte is
    // written. Bytes that others write meanwhile are any mix, which is what the guest asked for; nothing is read twice.
    unsafe {
        copy_from_shared(from, &mut copy.spare_capacity_mut()[..length as usize]);
        copy.set_len(length as usize);
    }
    Ok(copy)
}

/// Copies guest bytes into a buffer.
pub fn copy_into(state: &State, pointer: u32, to: &mut [u8]) -> Result<(), Fault> {
    let length = u32::try_from(to.len()).map_err(Fault::bug)?;
    let from = range(state, pointer, length)?;
    // SAFETY: bytes are a kind of bytes that may not be initialised yet, and nothing uninitialised is written to them.
    let to = unsafe { &mut *(std::ptr::from_mut(to) as *mut [MaybeUninit<u8>]) };
    // SAFETY: the source range was checked.
    unsafe { copy_from_shared(from, to) };
    Ok(())
}

/// Whether `[pointer, pointer + length)` is inside linear memory; for what is copied in pieces, before the first.
pub fn check_range(state: &State, pointer: u32, length: u32) -> Result<(), Fault> {
    range(state, pointer, length).map(drop)
}

/// A short NUL-terminated text, on the host's stack: for what is called often.
pub struct Text<const MAX: usize> {
    bytes: [u8; MAX],
    length: usize,
}

impl<const MAX: usize> Text<MAX> {
    /// Of fewer than `MAX` bytes. Each byte is read once: another Faaslet may change a shared page meanwhile.
    pub fn copy(state: &State, pointer: u32) -> Result<Self, Fault> {
        const STEP: usize = 64;
        let memory = state.shape.as_ref().map_or(0, |shape| shape.bytes());
        let room = memory.saturating_sub(pointer as usize).min(MAX);
        let mut text = Self { bytes: [0; MAX], length: 0 };
        let mut at = 0;
        while at < room {
            let end = (at + STEP).min(room);
            copy_into(state, pointer + at as u32, &mut text.bytes[at..end])?;
            if let Some(length) = text.bytes[at..end].iter().position(|byte| *byte == 0) {
                text.length = at + length;
                return match std::str::from_utf8(&text.bytes[..text.length]) {
                    Ok(_) => Ok(text),
                    Err(_) => Err(Fault::new("ERR_GUEST_MISUSE", format!("a string at {pointer:#x} is not UTF-8"))),
                };
            }
            at = end;
        }
        Err(match room == MAX {
            true => {
                Fault::new("ERR_GUEST_MISUSE", format!("a string at {pointer:#x} is longer than {} bytes", MAX - 1))
            }
            false => Fault::new("ERR_GUEST_POINTER", format!("a string at {pointer:#x} does not end in linear memory")),
        })
    }

    pub fn as_str(&self) -> &str {
        // Checked when it was copied.
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
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
    // SAFETY: the destination range was checked.
    unsafe { copy_to_shared(bytes, to) };
    Ok(())
}
