//! The Proto-Faaslet: what a Faaslet starts from and is reset to.

mod stored;

use std::collections::HashMap;
use std::sync::Arc;

use faaslet_wasi::WasiSnapshot;
use serde::{Deserialize, Serialize};
use wasmtime::{Ref, Val};

use crate::faaslet::Faaslet;
use crate::fault::Fault;
use crate::function::Function;
use crate::linking::{self, LinkingSnapshot};
use crate::memory::{Blocks, Image};

pub use stored::{Export, export, import};

/// Memory, globals, table differences, files and descriptors after the initialiser.
pub struct Proto {
    pub image: Arc<Image>,
    pub globals: Vec<Val>,
    pub tables: Vec<TableDifference>,
    pub wasi: WasiSnapshot,
    pub blocks: Arc<Blocks>,
    pub linking: LinkingSnapshot,
    /// What the initialiser saw that may be another at another time: then the snapshot is this host's alone.
    pub saw_outside: Option<&'static str>,
}

/// What the initialiser changed in a table: only modules with table-writing instructions have any.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableDifference {
    pub table: usize,
    /// Entries that it was grown by.
    pub grown_by: u64,
    /// Entry and the escaping function that it refers to, or null.
    pub entries: Vec<(u64, Option<u32>)>,
}

impl Proto {
    /// The snapshot of a Faaslet whose initialiser has run. The Faaslet is to be dropped after it.
    pub fn of(function: &Function, faaslet: &mut Faaslet) -> Result<Self, Fault> {
        let wasi =
            faaslet.store.data().wasi.snapshot().map_err(|e| Fault::new("ERR_SNAPSHOT_HANDLE", e.to_string()))?;
        let globals = faaslet.globals.clone().iter().map(|global| global.get(&mut faaslet.store)).collect();
        // Described when code writes to them; a module may do that without any reference to a function.
        let tables = if function.meta.tables.is_empty() { Vec::new() } else { table_differences(function, faaslet)? };
        let image = match &faaslet.store.data().shape {
            Some(shape) if function.runs_before_snapshot() => {
                let (base, bytes) = (shape.base().as_ptr(), shape.bytes());
                if shape.has_shared(0, bytes) {
                    return Err(Fault::bug("a snapshot of what others write to"));
                }
                // SAFETY: the memory is readable up to its length and private to the Faaslet, which is not running: we hold it
                // exclusively.
                Arc::new(unsafe { Image::of_memory(base, bytes, &function.initial) }?)
            }
            _ => function.initial.clone(),
        };
        let linking = linking::snapshot(&mut faaslet.store)?;
        let state = faaslet.store.data();
        let saw_outside = match () {
            () if state.has_used_state => Some("the initialiser used state"),
            () if state.wasi.has_used_network() => Some("the initialiser used the network"),
            () => None,
        };
        Ok(Self { image, globals, tables, wasi, blocks: state.blocks.clone(), linking, saw_outside })
    }
}

/// There is no equality of functions in Wasmtime's interface; their raw pointers are stable within a store.
fn table_differences(function: &Function, faaslet: &mut Faaslet) -> Result<Vec<TableDifference>, Fault> {
    let mut numbers = HashMap::new();
    for &number in &function.meta.escaping {
        let name = faaslet_module::function_export(number);
        let escaping = faaslet.instance.get_func(&mut faaslet.store, &name).ok_or_else(|| Fault::bug(&name))?;
        numbers.insert(escaping.to_raw(&mut faaslet.store) as usize, number);
    }
    let mut differences = Vec::new();
    for (index, initial) in function.meta.initial_tables.iter().enumerate() {
        let name = faaslet_module::table_export(index);
        let table = faaslet.instance.get_table(&mut faaslet.store, &name).ok_or_else(|| Fault::bug(&name))?;
        let size = table.size(&faaslet.store);
        let minimum = function.meta.tables.get(index).map_or(0, |table| u64::from(table.minimum));
        // What libraries added is theirs to bring back.
        let owned = if index == 0 { faaslet.store.data().linking.owned(size) } else { Vec::new() };
        let mut entries = Vec::new();
        for entry in 0..size {
            if usize::try_from(entry).ok().and_then(|at| owned.get(at)).copied().unwrap_or(false) {
                continue;
            }
            let now = match table.get(&mut faaslet.store, entry) {
                Some(Ref::Func(Some(target))) => {
                    let raw = target.to_raw(&mut faaslet.store) as usize;
                    // Nothing of the program's own that could stand there is unknown: a library put it there, or it was
                    // taken from what a library added.
                    let foreign = "a table of the program's own refers to a function of a library";
                    Some(*numbers.get(&raw).ok_or_else(|| Fault::new("ERR_SNAPSHOT_HANDLE", foreign))?)
                }
                _ => None,
            };
            let before = usize::try_from(entry).ok().and_then(|at| initial.get(at)).copied().flatten();
            if now != before {
                entries.push((entry, now));
            }
        }
        differences.push(TableDifference { table: index, grown_by: size.saturating_sub(minimum), entries });
    }
    Ok(differences)
}
