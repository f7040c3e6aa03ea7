//! From names to functions and addresses. A symbol is looked for in the program, in what was opened for all, and in the
//! library's own scope: itself and what it needs.

use std::collections::HashMap;

use wasmtime::{AsContext, AsContextMut, Extern, Func, FuncType, Global, Instance, Ref, Table, Val};

use super::{Entry, Linking, Outcome, Owner, Problem, Symbol, told};
use crate::fault::Fault;
use crate::host;
use crate::state::State;

/// The program behind the libraries.
pub fn program(store: &impl AsContext<Data = State>) -> Outcome<Instance> {
    let program = store.as_context().data().linking.program;
    program.ok_or_else(|| Fault::bug("a Faaslet without an instance").into())
}

/// The program's table of functions.
pub fn table(store: &mut impl AsContextMut<Data = State>) -> Outcome<Table> {
    let table = program(store)?.get_table(&mut *store, &faaslet_module::table_export(0));
    table.ok_or_else(|| Problem::Told("the program has no table of functions".into()))
}

/// The program's stack pointer: the linker makes it the first global, and exports it when it is told to.
pub fn stack_pointer(store: &mut impl AsContextMut<Data = State>) -> Outcome<Global> {
    let program = program(store)?;
    let named = program.get_global(&mut *store, "__stack_pointer");
    let global = named.or_else(|| program.get_global(&mut *store, &faaslet_module::global_export(0)));
    let global = global.filter(|global| global.ty(&*store).content().is_i32());
    global.ok_or_else(|| Problem::Told("the program has no stack pointer".into()))
}

/// `dlsym`: a function's place in the table, or the address of data.
pub fn symbol(store: &mut impl AsContextMut<Data = State>, handle: u32, name: &str) -> Outcome<u32> {
    let scope = match library_of(&store.as_context().data().linking, handle) {
        Some(library) => scope_of(&store.as_context().data().linking, library),
        None if handle <= super::open::PROGRAM => Vec::new(),
        None => return told(format!("{handle} is no handle of a library")),
    };
    let is_everywhere = scope.is_empty();
    if let Some((symbol, function)) = find_function(store, name, is_everywhere, &scope)? {
        return index_of(store, function, symbol);
    }
    match find_data(store, name, is_everywhere, &scope)? {
        Some(address) => Ok(address),
        None => told(format!("no symbol {name:?}")),
    }
}

/// The library that a handle in use names.
pub fn library_of(linking: &Linking, handle: u32) -> Option<usize> {
    let place = handle.checked_sub(super::open::FIRST_LIBRARY)? as usize;
    linking.opened.get(place).filter(|library| library.handles > 0).map(|_| place)
}

/// A library and what it needs, breadth first.
pub fn scope_of(linking: &Linking, library: usize) -> Vec<usize> {
    let mut scope = vec![library];
    let mut at = 0;
    while let Some(&place) = scope.get(at) {
        for &needed in linking.opened.get(place).map_or(&[][..], |library| &library.needed) {
            if !scope.contains(&needed) {
                scope.push(needed);
            }
        }
        at += 1;
    }
    scope
}

/// Where to look, in order: the program and what was opened for all unless only the scope counts, then the scope.
fn places(linking: &Linking, is_everywhere: bool, scope: &[usize]) -> Vec<Owner> {
    let mut places = Vec::new();
    if is_everywhere {
        places.push(Owner::Program);
        let global = linking.opened.iter().enumerate().filter(|(_, library)| library.is_global);
        places.extend(global.map(|(place, _)| Owner::Library(place)));
    }
    places.extend(scope.iter().map(|place| Owner::Library(*place)));
    places
}

fn export(store: &mut impl AsContextMut<Data = State>, owner: Owner, name: &str) -> Outcome<Option<Extern>> {
    let instance = match owner {
        Owner::Program => program(store)?,
        Owner::Library(place) => match store.as_context().data().linking.opened.get(place) {
            Some(library) => library.instance,
            None => return Ok(None),
        },
        Owner::Host | Owner::Nobody => return Ok(None),
    };
    Ok(instance.get_export(&mut *store, name))
}

pub fn find_function(
    store: &mut impl AsContextMut<Data = State>,
    name: &str,
    is_everywhere: bool,
    scope: &[usize],
) -> Outcome<Option<(Symbol, Func)>> {
    for owner in places(&store.as_context().data().linking, is_everywhere, scope) {
        if let Some(Extern::Func(function)) = export(store, owner, name)? {
            return Ok(Some((Symbol { owner, module: "env".into(), name: name.into() }, function)));
        }
    }
    Ok(None)
}

/// The address of data: a constant that the program exports, or one that a library exports relative to where it lies.
pub fn find_data(
    store: &mut impl AsContextMut<Data = State>,
    name: &str,
    is_everywhere: bool,
    scope: &[usize],
) -> Outcome<Option<u32>> {
    for owner in places(&store.as_context().data().linking, is_everywhere, scope) {
        if let Some(Extern::Global(global)) = export(store, owner, name)?
            && let Val::I32(value) = global.get(&mut *store)
        {
            let base = match owner {
                Owner::Library(place) => {
                    store.as_context().data().linking.opened.get(place).map_or(0, |library| library.memory_base)
                }
                _ => 0,
            };
            return Ok(Some(value.cast_unsigned().wrapping_add(base)));
        }
    }
    Ok(None)
}

/// A function that the host offers.
pub fn host_function(
    store: &mut impl AsContextMut<Data = State>,
    module: &str,
    name: &str,
) -> Outcome<Option<(Symbol, Func)>> {
    let function = host::linker()?.get(&mut *store, module, name).ok().and_then(Extern::into_func);
    Ok(function.map(|function| (Symbol { owner: Owner::Host, module: module.into(), name: name.into() }, function)))
}

/// The function that a symbol names; `kind` is what an import that may be missing is imported as.
pub fn function_of(store: &mut impl AsContextMut<Data = State>, symbol: &Symbol, kind: &FuncType) -> Outcome<Func> {
    let found = match symbol.owner {
        Owner::Nobody => {
            let name = symbol.name.clone();
            return Ok(Func::new(&mut *store, kind.clone(), move |_, _, _| {
                Err(Fault::new("ERR_GUEST_MISUSE", format!("a call of {name:?}, which is nowhere")).into())
            }));
        }
        Owner::Host => host_function(store, &symbol.module, &symbol.name)?.map(|(_, function)| function),
        owner => export(store, owner, &symbol.name)?.and_then(Extern::into_func),
    };
    found.ok_or_else(|| Fault::bug(format!("the function {:?} is gone", symbol.name)).into())
}

/// A function's place in the table: the one that it has, so that pointers compare as equal, or a new one.
pub fn index_of(store: &mut impl AsContextMut<Data = State>, function: Func, symbol: Symbol) -> Outcome<u32> {
    let table = table(store)?;
    if store.as_context().data().linking.indices.is_none() {
        let indices = read_table(store, table)?;
        store.as_context_mut().data_mut().linking.indices = Some(indices);
    }
    let raw = function.to_raw(&mut *store) as usize;
    let known = store.as_context().data().linking.indices.as_ref().and_then(|indices| indices.get(&raw)).copied();
    if let Some(index) = known {
        return Ok(index);
    }
    let Ok(index) = table.grow(&mut *store, 1, Ref::Func(Some(function))) else {
        return told("the table of functions has no room");
    };
    let index = u32::try_from(index).map_err(Fault::bug)?;
    let mut context = store.as_context_mut();
    let linking = &mut context.data_mut().linking;
    linking.entries.push(Entry { index, symbol });
    if let Some(indices) = &mut linking.indices {
        indices.insert(raw, index);
    }
    Ok(index)
}

fn read_table(store: &mut impl AsContextMut<Data = State>, table: Table) -> Outcome<HashMap<usize, u32>> {
    let mut indices = HashMap::new();
    for index in 0..table.size(&*store) {
        if let Some(Ref::Func(Some(function))) = table.get(&mut *store, index) {
            let raw = function.to_raw(&mut *store) as usize;
            indices.entry(raw).or_insert(u32::try_from(index).map_err(Fault::bug)?);
        }
    }
    Ok(indices)
}
