//! The check of an upload: format, limits, features, validity, imports, reserved names. In this order, since each needs the
//! ones before; within one, all problems are collected.

use std::collections::{BTreeSet, HashMap};

use wasmparser::TypeRef;

use crate::features::validate;
use crate::format::check_format;
use crate::limits::{Excess, Limits};
use crate::meta::RESERVED_PREFIX;
use crate::parsed::Parsed;
use crate::refusal::Refusal;
use crate::report::Report;
use crate::types::{ImportSignature, function_words, shown};

/// What a module is held against.
pub struct Rules {
    /// Every function that the host offers.
    pub imports: Vec<ImportSignature>,
    pub limits: Limits,
}

/// Checks a module and reports what it holds. Any bytes may be handed in.
pub fn inspect(wasm: &[u8], rules: &Rules) -> Result<Report, Refusal> {
    check_format(wasm)?;
    let mut excess = Excess::default();
    excess.check("bytes of the module", wasm.len() as u64, rules.limits.bytes_max);
    Refusal::unless_empty("ERR_MODULE_LIMIT", excess.problems())?;
    let parsed = Parsed::read(wasm, Some(&rules.limits))?;
    check_sharing(&parsed)?;
    validate(wasm)?;
    check_sizes(&parsed, &rules.limits)?;
    check_imports(&parsed, &rules.imports)?;
    check_names(&parsed)?;
    check_globals(&parsed)?;
    Report::of(wasm, &parsed)
}

/// Memories that are not the module's own, or not its alone: the runtime could not snapshot them.
fn check_sharing(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    for import in &parsed.imports {
        if let TypeRef::Memory(memory) = import.ty {
            let shared = if memory.shared { "shared " } else { "" };
            let name = format!("{}.{}", shown(import.module), shown(import.name));
            problems.push(format!("the module imports a {shared}memory ({name}); link it without --import-memory"));
        }
    }
    if parsed.memory().is_some_and(|memory| memory.shared) {
        problems.push("the module declares a shared memory; link it without --shared-memory".into());
    }
    Refusal::unless_empty("ERR_MODULE_FEATURE", problems)
}

/// What is in use from the first moment on.
fn check_sizes(parsed: &Parsed<'_>, limits: &Limits) -> Result<(), Refusal> {
    let mut excess = Excess::default();
    let pages = parsed.memory().map_or(0, |memory| memory.initial);
    excess.check("memory pages of 64 KiB at the start", pages, limits.memory_pages_max);
    let entries = parsed.tables.iter().map(|table| table.ty.initial).fold(0, u64::saturating_add);
    excess.check("table entries at the start", entries, limits.table_elements_max);
    Refusal::unless_empty("ERR_MODULE_LIMIT", excess.problems())
}

fn check_imports(parsed: &Parsed<'_>, offered: &[ImportSignature]) -> Result<(), Refusal> {
    let by_name: HashMap<_, _> =
        offered.iter().map(|ours| ((ours.module.as_str(), ours.name.as_str()), ours)).collect();
    let modules: BTreeSet<_> = offered.iter().map(|ours| ours.module.as_str()).collect();
    let mut problems = Vec::new();
    for import in &parsed.imports {
        let name = format!("{}.{}", shown(import.module), shown(import.name));
        let TypeRef::Func(kind) = import.ty else {
            problems.push(format!("{name} is not a function: only functions can be imported"));
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
                problems.push(format!("{name}: there is no module {:?} in the host interface", shown(import.module)))
            }
        }
    }
    Refusal::unless_empty("ERR_MODULE_IMPORT", problems)
}

fn check_names(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    let taken = parsed.exports.iter().filter(|export| export.name.starts_with(RESERVED_PREFIX));
    let problems = taken.map(|export| format!("the export name {:?} is reserved", shown(export.name))).collect();
    Refusal::unless_empty("ERR_MODULE_INVALID", problems)
}

/// A reference belongs to one Faaslet: a snapshot cannot carry it over in a global.
fn check_globals(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    let references = parsed
        .globals
        .iter()
        .zip(0..)
        .filter(|(global, _)| global.ty.mutable && matches!(global.ty.content_type, wasmparser::ValType::Ref(_)));
    let problems = references
        .map(|(_, index): (_, u32)| format!("global {index} is a mutable reference, which a snapshot cannot hold"));
    Refusal::unless_empty("ERR_MODULE_FEATURE", problems.collect())
}
