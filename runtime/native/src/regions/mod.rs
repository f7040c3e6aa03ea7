//! The local tier of state: the regions of a worker group, by their keys.
//!
//! A region is a value of the group's tenant, in shared memory that Faaslets map into their linear memories. What it means, when
//! it moves and which one has to go is decided in TypeScript (`state/residency.ts`); here are bytes, mappings and locks.
//! `file.rs` is the only place that touches their bytes, by copying.

mod budget;
mod chunk;
mod file;
mod lock;
mod push;
mod region;
mod scratch;
mod table;
mod usage;
mod value;

#[cfg(test)]
mod tests;

pub use lock::{Attempt, Mode};
pub use push::{Changes, Selection};
pub use region::{Here, Pin, Region, RegionStat};
pub use table::{RegionLimits, Regions};
pub use usage::{HeldLock, MappedRegion, RegionUse};
pub use value::Head;

/// Regions are moved and compared in chunks of this size.
pub const CHUNK: u64 = 65_536;
/// Of a chunk's hash; what it is of, only TypeScript knows.
pub const HASH_BYTES: usize = 16;

pub type Hash = [u8; HASH_BYTES];
/// Stands for a chunk that is not here, or of which no hash is known. No chunk has it.
pub const NO_HASH: Hash = [0; HASH_BYTES];
