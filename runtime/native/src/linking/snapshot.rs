//! What a Proto-Faaslet holds of the libraries that were opened before it: their places and values. Their memory is part of
//! the program's, and their code is made an instance of again.

use std::sync::Arc;

use wasmtime::{Instance, Ref, Store, Val};

use super::open::{externs, own_globals};
use super::resolve::{function_of, table};
use super::{Entry, LibraryCode, Opened, Problem, Symbol};
use crate::fault::Fault;
use crate::state::State;

/// The libraries of a Faaslet, and what was added to its table for them.
#[derive(Default)]
pub struct LinkingSnapshot {
    pub(super) libraries: Vec<Library>,
    pub(super) entries: Vec<Entry>,
    pub(super) table_size: u64,
}

pub(super) struct Library {
    pub code: Arc<LibraryCode>,
    pub path: String,
    pub memory_base: u32,
    pub table_base: u32,
    pub needed: Vec<usize>,
    pub is_global: bool,
    pub handles: u32,
    pub functions: Vec<Symbol>,
    pub cells: Vec<Val>,
    pub globals: Vec<Val>,
}

/// Takes it; costs nothing when nothing was opened.
pub fn snapshot(store: &mut Store<State>) -> Result<LinkingSnapshot, Fault> {
    let opened = std::mem::take(&mut store.data_mut().linking.opened);
    let mut libraries = Vec::with_capacity(opened.len());
    for library in &opened {
        libraries.push(Library {
            code: library.code.clone(),
            path: library.path.clone(),
            memory_base: library.memory_base,
            table_base: library.table_base,
            needed: library.needed.clone(),
            is_global: library.is_global,
            handles: library.handles,
            functions: library.functions.clone(),
            cells: library.cells.iter().map(|cell| cell.get(&mut *store)).collect(),
            globals: library.globals.iter().map(|global| global.get(&mut *store)).collect(),
        });
    }
    let linking = &mut store.data_mut().linking;
    linking.opened = opened;
    let entries = linking.entries.clone();
    let has_more = !libraries.is_empty() || !entries.is_empty();
    let table_size = if has_more { table(store).map_err(fault)?.size(&*store) } else { 0 };
    Ok(LinkingSnapshot { libraries, entries, table_size })
}

/// Opens in a fresh Faaslet what was open in the snapshot, without running anything of it.
pub fn restore(store: &mut Store<State>, snapshot: &LinkingSnapshot) -> Result<(), Fault> {
    if snapshot.table_size == 0 {
        return Ok(());
    }
    let table = table(store).map_err(fault)?;
    let missing = snapshot.table_size.saturating_sub(table.size(&*store));
    if missing > 0 {
        table.grow(&mut *store, missing, Ref::Func(None)).map_err(Fault::bug)?;
    }
    for library in &snapshot.libraries {
        let opened = library.restore(store).map_err(fault)?;
        store.data_mut().linking.opened.push(opened);
    }
    for entry in &snapshot.entries {
        let kind = wasmtime::FuncType::new(store.engine(), [], []);
        let function = function_of(store, &entry.symbol, &kind).map_err(fault)?;
        table.set(&mut *store, entry.index.into(), Ref::Func(Some(function))).map_err(Fault::bug)?;
    }
    store.data_mut().linking.entries = snapshot.entries.clone();
    Ok(())
}

impl Library {
    fn restore(&self, store: &mut Store<State>) -> Result<Opened, Problem> {
        let mut cells = Vec::new();
        let externs = externs(store, &self.code, &self.functions, (self.memory_base, self.table_base), &mut cells)?;
        let instance = Instance::new(&mut *store, &self.code.module, &externs)?;
        let globals = own_globals(store, &self.code, instance)?;
        if cells.len() != self.cells.len() || globals.len() != self.globals.len() {
            return Err(Fault::bug("a library's globals are not those of its snapshot").into());
        }
        let opened = Opened {
            code: self.code.clone(),
            path: self.path.clone(),
            memory_base: self.memory_base,
            table_base: self.table_base,
            needed: self.needed.clone(),
            is_global: self.is_global,
            handles: self.handles,
            functions: self.functions.clone(),
            instance,
            cells,
            globals,
        };
        self.set(store, &opened)?;
        Ok(opened)
    }

    fn set(&self, store: &mut Store<State>, opened: &Opened) -> Result<(), Problem> {
        let cells = opened.cells.iter().zip(&self.cells);
        for (global, value) in cells.chain(opened.globals.iter().zip(&self.globals)) {
            global.set(&mut *store, *value)?;
        }
        Ok(())
    }
}

/// Whether a Faaslet has no more libraries and entries than its snapshot: what was added cannot be taken away again.
pub fn is_unchanged(state: &State, snapshot: &LinkingSnapshot) -> bool {
    let linking = &state.linking;
    linking.opened.len() == snapshot.libraries.len() && linking.entries.len() == snapshot.entries.len()
}

/// Back to the snapshot, for a Faaslet that is unchanged in that sense.
pub fn reset(store: &mut Store<State>, snapshot: &LinkingSnapshot) -> Result<(), Fault> {
    let mut opened = std::mem::take(&mut store.data_mut().linking.opened);
    for (library, kept) in opened.iter_mut().zip(&snapshot.libraries) {
        library.is_global = kept.is_global;
        library.handles = kept.handles;
        kept.set(store, library).map_err(fault)?;
    }
    let linking = &mut store.data_mut().linking;
    linking.opened = opened;
    linking.error = None;
    Ok(())
}

fn fault(problem: Problem) -> Fault {
    match problem {
        Problem::Told(message) => Fault::bug(message),
        Problem::Ended(error) => Fault::bug(format!("{error:#}")),
    }
}
