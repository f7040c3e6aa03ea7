//! The host interface in Rust. Without anything but the standard library; for the targets `wasm32-wasip1` and `wasm32-wasi`.

#![allow(clippy::missing_safety_doc)]

use std::ffi::CString;
use std::io::{Error, ErrorKind, Result};

pub mod http;
pub mod imports;
pub mod state;

/// The call's input.
pub fn input() -> Vec<u8> {
    // SAFETY: with length 0 nothing is written; the vector has as much room as the second call is told.
    unsafe {
        let length = imports::__faasm_read_input(0, 0);
        let mut bytes = vec![0u8; length as usize];
        if length > 0 {
            let copied = imports::__faasm_read_input(address(bytes.as_mut_ptr()), length);
            bytes.truncate(copied as usize);
        }
        bytes
    }
}

/// Makes these bytes the call's output; the last one wins.
pub fn set_output(bytes: &[u8]) {
    // SAFETY: the host reads inside the slice.
    unsafe { imports::__faasm_write_output(address(bytes.as_ptr()), bytes.len() as u32) }
}

/// Makes it the status of this call's answer over HTTP.
///
/// # Errors
/// `InvalidInput` when it is none: they go from 200 to 599.
pub fn set_status(status: u16) -> Result<()> {
    // SAFETY: there is nothing to get wrong.
    done(unsafe { imports::__faaslet_set_status(u32::from(status)) })
}

/// Makes it a header of this call's answer over HTTP; the last value of a name counts.
///
/// # Errors
/// `InvalidInput` when name or value cannot stand in a header, `PermissionDenied` when it is not for a function to set.
pub fn set_header(name: &str, value: &str) -> Result<()> {
    let text = |text: &str| CString::new(text).map_err(|error| Error::new(ErrorKind::InvalidInput, error));
    let (name, value) = (text(name)?, text(value)?);
    // SAFETY: the texts end with NUL.
    done(unsafe { imports::__faaslet_set_header(address(name.as_ptr().cast()), address(value.as_ptr().cast())) })
}

fn done(result: u32) -> Result<()> {
    if result == u32::MAX {
        // SAFETY: there is nothing to get wrong.
        return Err(Error::from_raw_os_error(unsafe { imports::__faaslet_errno() } as i32));
    }
    Ok(())
}

/// A call that this call made and has not awaited.
#[derive(Debug)]
#[must_use = "a call that nobody awaits may outlive this one, and nobody learns how it ended"]
pub struct Chained(u32);

/// Starts a call of the function of that name.
///
/// # Panics
/// When the name holds a NUL byte.
pub fn chain(name: &str, input: &[u8]) -> Chained {
    let name = CString::new(name).expect("a name without NUL");
    // SAFETY: the name ends with NUL and the host reads inside the slice; it copies both.
    Chained(unsafe {
        imports::__faasm_chain_name(address(name.as_ptr().cast()), address(input.as_ptr()), input.len() as u32)
    })
}

/// Starts a call of this same program that enters at `entry`, in a Faaslet of its own.
pub fn chain_entry(entry: extern "C" fn() -> i32, input: &[u8]) -> Chained {
    // SAFETY: a function's address is its place in the table; the host copies the slice.
    Chained(unsafe { imports::__faasm_chain_ptr(entry as usize as u32, address(input.as_ptr()), input.len() as u32) })
}

/// Starts a call of this same function, in which [`index`] gives `number`.
pub fn chain_index(number: i32, input: &[u8]) -> Chained {
    // SAFETY: the host copies the slice.
    Chained(unsafe { imports::__faasm_chain_this(number as u32, address(input.as_ptr()), input.len() as u32) })
}

/// What [`chain_index`] was given for this call; 0 for every other one.
pub fn index() -> i32 {
    // SAFETY: there is nothing to get wrong.
    unsafe { imports::__faasm_get_idx() as i32 }
}

impl Chained {
    /// Waits; what the call returned, or 1 when it failed.
    pub fn wait(self) -> i32 {
        // SAFETY: the handle is this call's and was not awaited: waiting takes it.
        unsafe { imports::__faasm_await_call(self.0) as i32 }
    }

    /// Waits; what the call returned, or 1 when it failed, and its output.
    pub fn output(self) -> (i32, Vec<u8>) {
        let (mut at, mut length) = (0u32, 0u32);
        // SAFETY: the handle is this call's and was not awaited. The host stores an address that libc's `malloc` gave for
        // that length, and 0 for an empty output; the standard library frees such memory with libc's `free`.
        unsafe {
            let value = imports::__faasm_await_call_output(
                self.0,
                address(&mut at as *mut u32 as *mut u8),
                address(&mut length as *mut u32 as *mut u8),
            );
            if at == 0 {
                return (value as i32, Vec::new());
            }
            (value as i32, Vec::from_raw_parts(at as usize as *mut u8, length as usize, length as usize))
        }
    }
}

fn address(pointer: *const u8) -> u32 {
    pointer as usize as u32
}
