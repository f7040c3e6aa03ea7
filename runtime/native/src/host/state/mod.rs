//! State: values by their keys, in memory that Faaslets of this host share, and what goes to and comes from the global tier.
//!
//! What is here already never leaves Rust; for the rest the guest's thread asks TypeScript and waits.

mod appended;
mod bring;
mod locks;
mod map;
mod sync;
mod value;

use faaslet_wasi::WasiHost;
use wasmtime::{Caller, Error, Linker, Result};

use super::guest_memory::Text;
use crate::fault::Fault;
use crate::slow::{Answer, NUMBERS, Operation};
use crate::state::State;

type Host<'a> = Caller<'a, State>;

/// One more than a key may have; `STATE_LIMITS.keyBytesMax`.
const KEY_ROOM: usize = 513;
type Key = Text<KEY_ROOM>;

pub fn add_to_linker(linker: &mut Linker<State>) -> Result<()> {
    value::add_to_linker(linker)?;
    map::add_to_linker(linker)?;
    sync::add_to_linker(linker)?;
    appended::add_to_linker(linker)?;
    locks::add_to_linker(linker)
}

/// The key at a pointer; also notices that the call has to end.
fn key_at(state: &mut State, pointer: u32) -> Result<Key> {
    state.go_on()?;
    state.has_used_state = true;
    Key::copy(state, pointer).map_err(Error::new)
}

/// Asks TypeScript and waits for its answer.
fn ask(state: &mut State, operation: Operation, numbers: [u64; NUMBERS], key: &str, bytes: Vec<u8>) -> Result<Answer> {
    let nobody = || Fault::new("ERR_GUEST_MISUSE", "an initialiser cannot use state that is not on this host");
    let slow = state.slow.as_mut().ok_or_else(nobody).map_err(Error::new)?;
    let ticket = slow.ask(operation, numbers, key.as_bytes().to_vec(), bytes).map_err(Error::new)?;
    slow.answer(ticket, None)
}

fn misuse(what: impl Into<String>) -> Error {
    Error::new(Fault::new("ERR_GUEST_MISUSE", what))
}
