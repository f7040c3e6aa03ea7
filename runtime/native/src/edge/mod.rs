//! What JavaScript sees. Every entry catches panics, takes plain values and gives plain values.
//!
//! Nothing here is static: a group belongs to the isolate that opened it, and ends with it at the latest.

mod convert;
mod drain;
mod group;
mod module;
mod process;
mod region;
mod snapshot;
mod tree;

/// When the library is loaded: every entry may panic, not only those of a group.
#[cfg(not(test))]
#[napi_derive::module_init]
fn loaded() {
    crate::panics::keep_quiet();
}
