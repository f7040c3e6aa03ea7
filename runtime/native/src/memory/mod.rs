//! Linear memory: reservations, sealed images of it, and the `LinearMemory` that Wasmtime sees.
//!
//! A Faaslet's memory starts as a private copy-on-write mapping of an image. A reset writes the image's bytes back over the
//! few private pages of a Faaslet that is soon used again, and drops them otherwise.
//! Everything that touches the process's address space for guests is in this folder.

mod blocks;
mod chunks;
mod copy;
mod free;
mod image;
mod linear;
mod private;
mod ranges;
mod slot;
mod view;
mod written;

#[cfg(test)]
mod tests;

pub use blocks::{Blocks, Break, StoredBlocks, WASM_PAGE};
pub use chunks::CHUNK;
pub use copy::{copy_from_shared, copy_to_shared};
pub use image::{Image, PAGE};
pub use linear::{Creator, Shape, create_with};
pub use slot::{SLOT_GUARD, SLOT_RESERVATION, slots_in_use};
