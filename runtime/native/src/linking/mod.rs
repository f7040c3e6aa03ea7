//! Libraries that a program opens while it runs: found among the function's files, compiled when it was deployed, joined to
//! the program's memory and table. The conventions are those of `clang -fPIC -shared` (WebAssembly's tool conventions).
//!
//! A library is never taken away again: `dlclose` only ends the use of a handle. A Faaslet that opened one during a call
//! is not used again; what was opened before the snapshot is part of the Proto-Faaslet.

mod open;
mod resolve;
mod snapshot;
mod stored;

use std::collections::HashMap;
use std::sync::Arc;

use faaslet_module::{Dylink, ModuleMeta};
use serde::{Deserialize, Serialize};
use wasmtime::{Error, Global, Instance, Module};

use crate::fault::Fault;

pub use open::{close, open};
pub use resolve::symbol;
pub use snapshot::{LinkingSnapshot, is_unchanged, reset, restore, snapshot};
pub use stored::StoredLinking;

/// A library, compiled; shared by all Faaslets of a function.
pub struct LibraryCode {
    /// The file that it was compiled from. A file that a guest wrote to is another one.
    pub bytes: Arc<[u8]>,
    pub module: Module,
    pub dylink: Dylink,
    pub meta: ModuleMeta,
    /// What `meta.image` refers to.
    pub image: Vec<u8>,
}

/// Whose a symbol is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Owner {
    Program,
    /// By its place among the opened ones.
    Library(usize),
    Host,
    /// It may be missing, and is: a call of it traps.
    Nobody,
}

/// A function by its name: what a snapshot can hold of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Symbol {
    owner: Owner,
    module: String,
    name: String,
}

/// An entry of the table that was made for a symbol.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    index: u32,
    symbol: Symbol,
}

/// A library in a Faaslet.
struct Opened {
    code: Arc<LibraryCode>,
    path: String,
    memory_base: u32,
    table_base: u32,
    /// Those that it needs, by their places.
    needed: Vec<usize>,
    /// Whether libraries that are opened later see its symbols.
    is_global: bool,
    /// Handles in use.
    handles: u32,
    /// What its imported functions are, in their order.
    functions: Vec<Symbol>,
    instance: Instance,
    /// Its global offset table, in the order of its imports.
    cells: Vec<Global>,
    /// Its own mutable globals.
    globals: Vec<Global>,
}

/// A Faaslet's side.
#[derive(Default)]
pub struct Linking {
    /// What the function brought.
    pub code: Arc<[Arc<LibraryCode>]>,
    pub program: Option<Instance>,
    opened: Vec<Opened>,
    entries: Vec<Entry>,
    /// Where functions stand in the table, by their raw pointers; filled when it is needed first.
    indices: Option<HashMap<usize, u32>>,
    /// What `dlerror` will tell.
    pub error: Option<String>,
}

impl Linking {
    pub fn new(code: Arc<[Arc<LibraryCode>]>) -> Self {
        Self { code, ..Self::default() }
    }

    /// Which entries of a table of this size belong to a library, or were made for a symbol.
    pub fn owned(&self, size: u64) -> Vec<bool> {
        let mut owned = vec![false; usize::try_from(size).unwrap_or(0)];
        for library in &self.opened {
            let start = library.table_base as usize;
            let end = start.saturating_add(library.code.dylink.table_elements as usize).min(owned.len());
            owned.get_mut(start..end).unwrap_or_default().fill(true);
        }
        for entry in &self.entries {
            if let Some(is_owned) = owned.get_mut(entry.index as usize) {
                *is_owned = true;
            }
        }
        owned
    }
}

/// Why something could not be done.
pub enum Problem {
    /// The guest gets no handle, and may ask why.
    Told(String),
    /// The call ends.
    Ended(Error),
}

pub type Outcome<T> = Result<T, Problem>;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Ended(error)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Ended(Error::new(fault))
    }
}

fn told<T>(message: impl Into<String>) -> Outcome<T> {
    Err(Problem::Told(message.into()))
}
