//! Our own host functions, and the linker that all functions share.

mod answer_head;
mod chaining;
mod errno;
mod files;
mod guest_memory;
mod http;
mod input_output;
mod linking;
mod memory;
mod names;
mod network;
mod outside;
mod state;
mod system;
#[rustfmt::skip]
mod _table;

use std::sync::OnceLock;

use wasmtime::Linker;

use crate::engine::engine;
use crate::fault::Fault;
use crate::state::State;

pub use _table::{HOST_FUNCTIONS, ValueType};
pub use answer_head::AnswerHead;
pub use guest_memory::copy_out;
pub use memory::take_pages;

static LINKER: OnceLock<Result<Linker<State>, Fault>> = OnceLock::new();

/// The linker with WASI preview 1 and every function of `hostif/table.ts`.
pub fn linker() -> Result<&'static Linker<State>, Fault> {
    LINKER.get_or_init(|| build().map_err(Fault::bug)).as_ref().map_err(Fault::clone)
}

fn build() -> wasmtime::Result<Linker<State>> {
    let engine = engine().map_err(wasmtime::Error::new)?;
    let mut linker = Linker::new(engine);
    faaslet_wasi::add_to_linker(&mut linker)?;
    input_output::add_to_linker(&mut linker)?;
    answer_head::add_to_linker(&mut linker)?;
    chaining::add_to_linker(&mut linker)?;
    errno::add_to_linker(&mut linker)?;
    files::add_to_linker(&mut linker)?;
    memory::add_to_linker(&mut linker)?;
    linking::add_to_linker(&mut linker)?;
    system::add_to_linker(&mut linker)?;
    network::add_to_linker(&mut linker)?;
    state::add_to_linker(&mut linker)?;
    names::add_to_linker(&mut linker)?;
    http::add_to_linker(&mut linker)?;
    Ok(linker)
}
