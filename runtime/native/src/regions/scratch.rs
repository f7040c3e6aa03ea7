//! A buffer of one chunk for each thread: what is read is looked at in private memory.

use std::cell::RefCell;

use super::CHUNK;
use crate::fault::Fault;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; CHUNK as usize].into());
}

/// Runs `work` with the buffer, whose bytes are those of whoever had it last.
pub fn with_scratch<T>(work: impl FnOnce(&mut [u8]) -> Result<T, Fault>) -> Result<T, Fault> {
    SCRATCH.with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut scratch) => work(&mut scratch),
        // Somebody further up has it.
        Err(_) => work(&mut vec![0; CHUNK as usize]),
    })
}
