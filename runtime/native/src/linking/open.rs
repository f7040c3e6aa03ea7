//! `dlopen` and `dlclose`.

use std::collections::HashSet;
use std::sync::Arc;

use faaslet_wasi::{Errno, WasiHost};
use wasmtime::{
    AsContextMut, Caller, Error, Extern, ExternType, Global, GlobalType, Instance, Mutability, Ref, Val, ValType,
};

use super::resolve::{find_data, find_function, function_of, host_function, index_of, scope_of, stack_pointer, table};
use super::{LibraryCode, Opened, Outcome, Owner, Problem, Symbol, told};
use crate::fault::Fault;
use crate::host;
use crate::memory::WASM_PAGE;
use crate::state::State;

/// The handle of the program itself; 0 means it as well where a handle is taken.
pub const PROGRAM: u32 = 1;
/// The handle of the library that was opened first.
pub const FIRST_LIBRARY: u32 = 2;
/// More are no honest program's: each costs an instance in every restored Faaslet.
const LIBRARIES_MAX: usize = 256;
/// Libraries that need libraries.
const DEPTH_MAX: usize = 32;
/// musl's numbers.
const RTLD_NOLOAD: u32 = 4;
const RTLD_GLOBAL: u32 = 256;
/// Where a library is looked for when its name has no slash.
const DIRECTORIES: [&str; 4] = ["", "/lib", "/usr/lib", "/usr/local/lib"];

/// Opens a library, or gives the handle of one that is open; no path is the program itself.
pub fn open(caller: &mut Caller<'_, State>, path: Option<&str>, flags: u32) -> Outcome<u32> {
    let Some(path) = path else { return Ok(PROGRAM) };
    check_program(caller)?;
    let place = match (find(caller.data(), path, None)?, flags & RTLD_NOLOAD) {
        ((_, code), RTLD_NOLOAD) => match place_of(caller.data(), &code) {
            Some(place) => place,
            None => return told(format!("{path}: not open")),
        },
        (found, _) => load(caller, found, &mut Vec::new())?,
    };
    let library = caller.data_mut().linking.opened.get_mut(place).ok_or_else(|| Fault::bug("a library is gone"))?;
    library.handles = library.handles.saturating_add(1);
    if flags & RTLD_GLOBAL != 0 {
        for member in scope_of(&caller.data().linking, place) {
            if let Some(library) = caller.data_mut().linking.opened.get_mut(member) {
                library.is_global = true;
            }
        }
    }
    u32::try_from(place).map(|place| place + FIRST_LIBRARY).map_err(|e| Fault::bug(e).into())
}

/// Ends the use of a handle. The library stays: pointers to it may be anywhere.
pub fn close(state: &mut State, handle: u32) -> Outcome<()> {
    if handle == PROGRAM {
        return Ok(());
    }
    let place = handle.checked_sub(FIRST_LIBRARY).map(|place| place as usize);
    let library = place.and_then(|place| state.linking.opened.get_mut(place)).filter(|library| library.handles > 0);
    match library {
        Some(library) => {
            library.handles -= 1;
            Ok(())
        }
        None => told(format!("{handle} is no handle of a library")),
    }
}

/// A command's exports construct and destruct the program around each call: a library must not come through them.
fn check_program(caller: &mut Caller<'_, State>) -> Outcome<()> {
    let program = super::resolve::program(caller)?;
    let has = |caller: &mut Caller<'_, State>, name: &str| program.get_func(&mut *caller, name).is_some();
    if has(caller, "_start") && !has(caller, "__wasm_call_ctors") {
        return told("the program is a plain command: link it with -Wl,--export=__wasm_call_ctors to open libraries");
    }
    Ok(())
}

type Found = (String, Arc<LibraryCode>);

/// The library of a name, from among the function's files.
fn find(state: &State, name: &str, beside: Option<&str>) -> Outcome<Found> {
    let candidates: Vec<String> = match name.contains('/') {
        true => vec![name.to_owned()],
        false => beside.into_iter().chain(DIRECTORIES).map(|directory| format!("{directory}/{name}")).collect(),
    };
    for path in candidates {
        match state.wasi.brought_file(&path) {
            Ok(bytes) => {
                let code = state.linking.code.iter().find(|code| Arc::ptr_eq(&code.bytes, &bytes));
                return match code {
                    Some(code) => Ok((path, code.clone())),
                    None => told(format!("{path}: not a library")),
                };
            }
            Err(Errno::Noent | Errno::Notdir) => {}
            Err(Errno::Notsup) => return told(format!("{path}: not as it came with the function")),
            Err(errno) => return told(format!("{path}: {errno:?}")),
        }
    }
    told(format!("{name}: no such library among the function's files"))
}

fn place_of(state: &State, code: &Arc<LibraryCode>) -> Option<usize> {
    state.linking.opened.iter().position(|library| Arc::ptr_eq(&library.code, code))
}

/// The place of a library, which is made an instance of unless it is one; those that it needs come first.
fn load(caller: &mut Caller<'_, State>, (path, code): Found, above: &mut Vec<String>) -> Outcome<usize> {
    if let Some(place) = place_of(caller.data(), &code) {
        return Ok(place);
    }
    if above.contains(&path) {
        return told(format!("{path}: it needs itself"));
    }
    if above.len() >= DEPTH_MAX || caller.data().linking.opened.len() >= LIBRARIES_MAX {
        return told(format!("{path}: too many libraries"));
    }
    // One call may open hundreds.
    caller.data_mut().go_on().map_err(Error::new)?;
    above.push(path);
    let mut needed = Vec::new();
    for name in &code.dylink.needed {
        let path = above.last().map_or("", String::as_str);
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let found = find(caller.data(), name, Some(directory))?;
        let place = load(caller, found, above)?;
        if !needed.contains(&place) {
            needed.push(place);
        }
    }
    let path = above.pop().unwrap_or_default();
    join(caller, path, code, needed)
}

/// Makes an instance of a library whose needs are met. Everything that can be missing is looked for before anything is
/// taken from the program.
fn join(caller: &mut Caller<'_, State>, path: String, code: Arc<LibraryCode>, needed: Vec<usize>) -> Outcome<usize> {
    let mut scope: Vec<usize> = needed.iter().flat_map(|place| scope_of(&caller.data().linking, *place)).collect();
    let mut seen = HashSet::new();
    scope.retain(|place| seen.insert(*place));
    let functions = imported_functions(caller, &path, &code, &scope)?;
    let memory_base = take_memory(caller, &path, code.dylink.memory_bytes)?;
    let table_base = take_table(caller, &path, &code)?;
    let mut cells = Vec::new();
    let externs = externs(caller, &code, &functions, (memory_base, table_base), &mut cells)?;
    let instance = match Instance::new(&mut *caller, &code.module, &externs) {
        Ok(instance) => instance,
        Err(error) => return told(format!("{path}: {error:#}")),
    };
    for piece in &code.meta.image {
        let bytes = code.image.get(piece.start..piece.start + piece.length).unwrap_or_default();
        let at = memory_base + u32::try_from(piece.offset).map_err(Fault::bug)?;
        host::copy_out(caller.data(), at, bytes)?;
    }
    let globals = own_globals(caller, &code, instance)?;
    let place = caller.data().linking.opened.len();
    // Here, since the guest's allocator may have opened others meanwhile.
    if place >= LIBRARIES_MAX {
        return told(format!("{path}: too many libraries"));
    }
    caller.data_mut().linking.opened.push(Opened {
        code: code.clone(),
        path,
        memory_base,
        table_base,
        needed,
        is_global: false,
        handles: 0,
        functions,
        instance,
        cells,
        globals,
    });
    // Its own functions are found in the table from now on.
    caller.data_mut().linking.indices = None;
    fill_cells(caller, place)?;
    let start = code.meta.start_export.as_deref();
    for name in start.into_iter().chain(["__wasm_apply_data_relocs", "__wasm_call_ctors"]) {
        if let Ok(function) = instance.get_typed_func::<(), ()>(&mut *caller, name) {
            function.call(&mut *caller, ())?;
        }
    }
    Ok(place)
}

/// What each imported function is.
fn imported_functions(
    caller: &mut Caller<'_, State>,
    path: &str,
    code: &LibraryCode,
    scope: &[usize],
) -> Outcome<Vec<Symbol>> {
    let mut functions = Vec::new();
    let mut missing = Vec::new();
    for import in code.module.imports() {
        let (module, name) = (import.module(), import.name());
        let is_weak = code.dylink.weak.iter().any(|weak| weak == name);
        match import.ty() {
            ExternType::Func(_) => {
                let of_guest = if module == "env" { find_function(caller, name, true, scope)? } else { None };
                let found = match of_guest {
                    Some(found) => Some(found),
                    None => host_function(caller, module, name)?,
                };
                match found {
                    Some((symbol, _)) => functions.push(symbol),
                    None if is_weak => {
                        functions.push(Symbol { owner: Owner::Nobody, module: module.into(), name: name.into() });
                    }
                    None => missing.push(name.to_owned()),
                }
            }
            ExternType::Global(_) if module.starts_with("GOT.") => {
                let is_own = code.module.get_export(name).is_some();
                let is_there = is_own
                    || match module {
                        "GOT.func" => {
                            find_function(caller, name, true, scope)?.is_some()
                                || host_function(caller, "env", name)?.is_some()
                        }
                        _ => find_data(caller, name, true, scope)?.is_some(),
                    };
                if !is_there && !is_weak {
                    missing.push(name.to_owned());
                }
            }
            _ => {}
        }
    }
    if missing.is_empty() {
        return Ok(functions);
    }
    missing.truncate(20);
    told(format!("{path}: undefined symbols: {}; the program has to export them", missing.join(", ")))
}

fn take_memory(caller: &mut Caller<'_, State>, path: &str, bytes: u32) -> Outcome<u32> {
    if bytes == 0 {
        return Ok(0);
    }
    let pages = u64::from(bytes).div_ceil(WASM_PAGE) as u32;
    match host::take_pages(caller, pages)? {
        Some(start) => Ok((u64::from(start) * WASM_PAGE) as u32),
        None => told(format!("{path}: no memory for its data")),
    }
}

fn take_table(caller: &mut Caller<'_, State>, path: &str, code: &LibraryCode) -> Outcome<u32> {
    let table = table(caller)?;
    let size = table.size(&*caller);
    let base = size.next_multiple_of(1 << code.dylink.table_alignment);
    let grown = base - size + u64::from(code.dylink.table_elements);
    if grown > 0 && table.grow(&mut *caller, grown, Ref::Func(None)).is_err() {
        return told(format!("{path}: no room in the table of functions"));
    }
    u32::try_from(base).map_err(|e| Fault::bug(e).into())
}

/// A library's imports, in their order; its global offset table comes as cells that are zero.
pub(super) fn externs(
    store: &mut impl AsContextMut<Data = State>,
    code: &LibraryCode,
    functions: &[Symbol],
    (memory_base, table_base): (u32, u32),
    cells: &mut Vec<Global>,
) -> Outcome<Vec<Extern>> {
    let mut functions = functions.iter();
    let mut externs = Vec::new();
    for import in code.module.imports() {
        externs.push(match (import.ty(), import.name()) {
            (ExternType::Func(kind), _) => {
                let symbol = functions.next().ok_or_else(|| Fault::bug("an import without a symbol"))?;
                function_of(store, symbol, &kind)?.into()
            }
            (ExternType::Memory(_), _) => match store.as_context().data().memory {
                Some(memory) => memory.into(),
                None => return told("the program has no memory"),
            },
            (ExternType::Table(_), _) => table(store)?.into(),
            (ExternType::Global(_), "__memory_base") if import.module() == "env" => {
                constant(store, memory_base)?.into()
            }
            (ExternType::Global(_), "__table_base") if import.module() == "env" => constant(store, table_base)?.into(),
            (ExternType::Global(_), "__stack_pointer") if import.module() == "env" => stack_pointer(store)?.into(),
            (ExternType::Global(_), _) => {
                let cell = Global::new(&mut *store, GlobalType::new(ValType::I32, Mutability::Var), Val::I32(0))?;
                cells.push(cell);
                cell.into()
            }
            (_, name) => return told(format!("an import {name:?} of an unknown kind")),
        });
    }
    Ok(externs)
}

fn constant(store: &mut impl AsContextMut<Data = State>, value: u32) -> Outcome<Global> {
    let kind = GlobalType::new(ValType::I32, Mutability::Const);
    Ok(Global::new(&mut *store, kind, Val::I32(value.cast_signed()))?)
}

pub(super) fn own_globals(
    store: &mut impl AsContextMut<Data = State>,
    code: &LibraryCode,
    instance: Instance,
) -> Outcome<Vec<Global>> {
    let exports = code.meta.mutable_globals.iter();
    let globals = exports.map(|global| instance.get_global(&mut *store, &global.export));
    globals.collect::<Option<Vec<_>>>().ok_or_else(|| Fault::bug("a global's export is gone").into())
}

/// Puts addresses and places in the table into a library's global offset table.
fn fill_cells(caller: &mut Caller<'_, State>, place: usize) -> Outcome<()> {
    let Some(library) = caller.data().linking.opened.get(place) else { return Ok(()) };
    let (code, cells) = (library.code.clone(), library.cells.clone());
    let scope = scope_of(&caller.data().linking, place);
    let is_cell = |module: &str| module == "GOT.mem" || module == "GOT.func";
    let imports = code.module.imports().filter(|import| is_cell(import.module()));
    for (import, cell) in imports.zip(cells) {
        let name = import.name();
        let value = match import.module() {
            "GOT.mem" => find_data(caller, name, true, &scope)?,
            _ => {
                let found = match find_function(caller, name, true, &scope)? {
                    Some(found) => Some(found),
                    None => host_function(caller, "env", name)?,
                };
                match found {
                    Some((symbol, function)) => Some(index_of(caller, function, symbol)?),
                    None => None,
                }
            }
        };
        // What may be missing, and is, stays null.
        if let Some(value) = value {
            cell.set(&mut *caller, Val::I32(value.cast_signed())).map_err(Problem::Ended)?;
        }
    }
    Ok(())
}
