//! Whether the host interface has what a module imports, as the module imports it.

use std::collections::{BTreeSet, HashMap};

use wasmparser::TypeRef;

use crate::parsed::Parsed;
use crate::refusal::Refusal;
use crate::types::{ImportSignature, function_words, quoted, shown};

/// Names every import that is not offered, or is offered with another type.
pub fn check_imports(parsed: &Parsed<'_>, offered: &[ImportSignature]) -> Result<(), Refusal> {
    let by_name: HashMap<_, _> =
        offered.iter().map(|ours| ((ours.module.as_str(), ours.name.as_str()), ours)).collect();
    let modules: BTreeSet<_> = offered.iter().map(|ours| ours.module.as_str()).collect();
    let mut problems = Vec::new();
    for import in &parsed.imports {
        let name = format!("{}.{}", shown(import.module), shown(import.name));
        let TypeRef::Func(kind) = import.ty else {
            problems.push(format!("{name} is {}: only functions can be imported", kind_of(import.ty)));
            continue;
        };
        let kind = parsed.types.get(kind as usize).ok_or_else(|| Refusal::invalid("an import of an unknown type"))?;
        match by_name.get(&(import.module, import.name)) {
            Some(ours) if ours.is(kind) => {}
            Some(ours) => {
                let theirs = function_words(kind.params(), kind.results());
                problems.push(format!("{name} is imported as {theirs}, but it is {}", ours.words()));
            }
            None if modules.contains(import.module) => problems.push(format!("{name} is not in the host interface")),
            None => {
                problems
                    .push(format!("{name} is not in the host interface: it has no module {}", quoted(import.module)));
            }
        }
    }
    Refusal::unless_empty("ERR_MODULE_IMPORT", problems)
}

fn kind_of(import: TypeRef) -> &'static str {
    match import {
        TypeRef::Func(_) | TypeRef::FuncExact(_) => "a function of an exact type",
        TypeRef::Table(_) => "a table",
        TypeRef::Memory(_) => "a memory",
        TypeRef::Global(_) => "a global",
        TypeRef::Tag(_) => "a tag",
    }
}
