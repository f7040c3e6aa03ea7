//! What a Proto-Faaslet holds of opened libraries as plain values, to be written down and read back.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::snapshot::{Library, LinkingSnapshot};
use super::{Entry, LibraryCode, Owner, Symbol};
use crate::fault::Fault;
use crate::values::StoredValue;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredLinking {
    libraries: Vec<StoredLibrary>,
    entries: Vec<Entry>,
    table_size: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredLibrary {
    /// Its place among the function's libraries.
    code: usize,
    path: String,
    memory_base: u32,
    table_base: u32,
    needed: Vec<usize>,
    is_global: bool,
    handles: u32,
    functions: Vec<Symbol>,
    cells: Vec<StoredValue>,
    globals: Vec<StoredValue>,
}

impl LinkingSnapshot {
    /// The snapshot as values; `all` are the function's libraries.
    pub fn store(&self, all: &[Arc<LibraryCode>]) -> Result<StoredLinking, Fault> {
        let libraries = self.libraries.iter().map(|library| {
            let code = all.iter().position(|code| Arc::ptr_eq(code, &library.code));
            Ok(StoredLibrary {
                code: code.ok_or_else(|| Fault::bug("a library that is not the function's"))?,
                path: library.path.clone(),
                memory_base: library.memory_base,
                table_base: library.table_base,
                needed: library.needed.clone(),
                is_global: library.is_global,
                handles: library.handles,
                functions: library.functions.clone(),
                cells: library.cells.iter().map(StoredValue::of).collect::<Result<_, Fault>>()?,
                globals: library.globals.iter().map(StoredValue::of).collect::<Result<_, Fault>>()?,
            })
        });
        let libraries = libraries.collect::<Result<_, Fault>>()?;
        Ok(StoredLinking { libraries, entries: self.entries.clone(), table_size: self.table_size })
    }
}

impl StoredLinking {
    /// Nothing when it refers to libraries that there are not. What else is wrong shows when it is restored.
    pub fn load(self, all: &[Arc<LibraryCode>]) -> Option<LinkingSnapshot> {
        let count = self.libraries.len();
        let is_known = |symbol: &Symbol| !matches!(symbol.owner, Owner::Library(place) if place >= count);
        let has_more = count > 0 || !self.entries.is_empty();
        if has_more != (self.table_size > 0) || !self.entries.iter().all(|entry| is_known(&entry.symbol)) {
            return None;
        }
        let libraries = self.libraries.into_iter().enumerate().map(|(place, library)| {
            let is_whole =
                library.functions.iter().all(is_known) && library.needed.iter().all(|needed| *needed < place);
            Some(Library {
                code: all.get(library.code).filter(|_| is_whole)?.clone(),
                path: library.path,
                memory_base: library.memory_base,
                table_base: library.table_base,
                needed: library.needed,
                is_global: library.is_global,
                handles: library.handles,
                functions: library.functions,
                cells: library.cells.iter().map(StoredValue::load).collect(),
                globals: library.globals.iter().map(StoredValue::load).collect(),
            })
        });
        Some(LinkingSnapshot {
            libraries: libraries.collect::<Option<_>>()?,
            entries: self.entries,
            table_size: self.table_size,
        })
    }
}
