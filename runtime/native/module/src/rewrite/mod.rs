//! From an inspected module to one whose memory, globals and tables the runtime can set, keep and restore.
//!
//! Active data segments become passive, empty ones: their indices keep their meaning, and an active segment counts as
//! dropped after instantiation anyway. Their bytes are the image that a Faaslet's memory starts from. The start function is
//! taken out and exported. Everything that is not one of these sections is copied byte for byte.

pub(crate) mod data;
pub(crate) mod encode;
mod tables;

use wasmparser::TypeRef;

use crate::inspect::{check_globals, check_names};
use crate::meta::{GlobalExport, MemoryShape, ModuleMeta, START_EXPORT, global_export};
use crate::parsed::Parsed;
use crate::read::read;
use crate::refusal::Refusal;

/// A module that the runtime can start, and how.
pub struct Rewritten {
    pub wasm: Vec<u8>,
    pub meta: ModuleMeta,
}

/// Rewrites a module that [`inspect`](crate::inspect()) accepted; an invalid one is refused or comes out as invalid as it was.
pub fn rewrite(wasm: &[u8]) -> Result<Rewritten, Refusal> {
    let parsed = read(wasm)?;
    check_preconditions(&parsed)?;
    let mut meta = ModuleMeta {
        memory: parsed
            .memory
            .map(|memory| MemoryShape { minimum_pages: memory.initial, maximum_pages: memory.maximum }),
        mutable_globals: mutable_globals(&parsed),
        start_export: parsed.start.map(|_| START_EXPORT.to_owned()),
        restore_each_call: parsed.code.drops_segments || parsed.code.writes_tables,
        ..ModuleMeta::default()
    };
    data::take(&parsed, &mut meta)?;
    tables::describe(&parsed, &mut meta)?;
    Ok(Rewritten { wasm: encode::encode(&parsed, &meta), meta })
}

/// What `inspect` refuses and the rewrite would get wrong.
fn check_preconditions(parsed: &Parsed<'_>) -> Result<(), Refusal> {
    if parsed.imports.iter().any(|import| !matches!(import.ty, TypeRef::Func(_))) {
        return Err(Refusal::new("ERR_MODULE_IMPORT", "only functions can be imported"));
    }
    check_names(parsed)?;
    check_globals(parsed)
}

pub(crate) fn mutable_globals(parsed: &Parsed<'_>) -> Vec<GlobalExport> {
    let mutable = (0u32..).zip(&parsed.globals).filter(|(_, global)| global.ty.mutable);
    let export = |(index, global): (u32, &wasmparser::Global<'_>)| GlobalExport {
        export: global_export(index),
        kind: global.ty.content_type.to_string(),
    };
    mutable.map(export).collect()
}
