//! The check of an upload: format, limits, features, validity, imports, what the runtime could not keep. In this order, since
//! each needs the ones before; within one, all problems are collected.

use wasmparser::{TypeRef, ValType};

use crate::features::validate;
use crate::format::{check_format, check_linked};
use crate::imports::check_imports;
use crate::limits::{Excess, Limits};
use crate::meta::RESERVED_PREFIX;
use crate::parsed::Parsed;
use crate::read::read_within;
use crate::refusal::Refusal;
use crate::report::Report;
use crate::types::{ImportSignature, quoted, shown};

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
    excess.check(wasm.len() as u64, rules.limits.bytes_max, || "bytes of the module".into());
    excess.refusal()?;
    let parsed = read_within(wasm, &rules.limits)?;
    check_linked(&parsed)?;
    check_memories(&parsed)?;
    validate(wasm)?;
    check_imports(&parsed, &rules.imports)?;
    check_names(&parsed)?;
    check_globals(&parsed)?;
    Report::of(wasm, &parsed)
}

/// Memories that are not the module's own, or not its alone: the runtime could not snapshot them.
fn check_memories(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    let mut problems = Vec::new();
    for import in &parsed.imports {
        if let TypeRef::Memory(memory) = import.ty {
            let shared = if memory.shared { "shared " } else { "" };
            let name = format!("{}.{}", shown(import.module), shown(import.name));
            problems.push(format!("the module imports a {shared}memory ({name}); link it without --import-memory"));
        }
    }
    if parsed.memory.is_some_and(|memory| memory.shared) {
        problems.push("the module declares a shared memory; link it without --shared-memory".into());
    }
    Refusal::unless_empty("ERR_MODULE_FEATURE", problems)
}

/// The rewrite adds exports of its own.
pub fn check_names(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    let taken = parsed.exports.iter().filter(|export| export.name.starts_with(RESERVED_PREFIX));
    let problems = taken.map(|export| format!("the export name {} is reserved", quoted(export.name))).collect();
    Refusal::unless_empty("ERR_MODULE_INVALID", problems)
}

/// A reference belongs to one Faaslet: a snapshot cannot carry it over in a global.
pub fn check_globals(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    let globals = (0u32..).zip(&parsed.globals);
    let references =
        globals.filter(|(_, global)| global.ty.mutable && matches!(global.ty.content_type, ValType::Ref(_)));
    let problems = references
        .map(|(index, _)| format!("global {index} is a mutable reference, which a snapshot cannot hold"))
        .collect();
    Refusal::unless_empty("ERR_MODULE_FEATURE", problems)
}
