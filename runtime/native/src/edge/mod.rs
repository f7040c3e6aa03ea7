//! What JavaScript sees. Every entry catches panics, takes plain values and gives plain values.
//!
//! Nothing here is static: a group belongs to the isolate that opened it, and ends with it at the latest.

mod convert;
mod drain;
mod group;
mod module;
mod process;
mod tree;
