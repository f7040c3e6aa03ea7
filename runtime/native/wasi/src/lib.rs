//! WASI preview 1 for Faaslets: standard streams that belong to a call, and a virtual file system that never reaches a path
//! of the machine. Everything can be snapshotted in constant time and reset in constant time.
//!
//! The interface is generated from WASI's own witx files; what a function means stands in `calls`, what files are in
//! `files`. Guest memory is only ever copied: other Faaslets may write to parts of it at the same time.

mod abi;
mod calls;
mod clock;
mod control;
mod descriptors;
mod failure;
mod files;
mod http;
mod linker;
mod network;
mod numbered;
mod random;
mod settings;
mod shared;
mod stdio;
mod stored;
mod wasi;

pub use abi::types::Errno;
pub use calls::fresh_bits;
pub use control::{CallControl, Ended, Interrupt, Waits};
pub use failure::{Failure, Misuse};
pub use files::{BadPath, Change, GlobalFiles, SharedBytes};
pub use http::{NoAddress, Outside, Request, trust};
pub use linker::{MemoryView, SIGNATURES, Signature, ValueType, WasiHost, add_to_linker};
pub use network::{Allowed, BadRule, Family, Kind, Name, Shut, SocketOption};
pub use rustls::ClientConfig;
pub use settings::{FileQuotas, HttpLimits, WasiSettings};
pub use shared::{NotFound, SharedFiles};
pub use stdio::{Sink, SinkBuffer, Stdin, WhenFull};
pub use stored::{CannotStore, StoredWasi};
pub use wasi::{SnapshotRefused, Wasi, WasiSnapshot};
