//! The proposals that the engine has on, and the names of those that a refused module needs.

use wasmparser::{Validator, WasmFeatures};

use crate::refusal::Refusal;

/// Exactly what the engine accepts: WebAssembly 2.0 with relaxed SIMD, tail calls, extended constants and the instructions
/// of the threads proposal; without externref, and without whatever needs more than one kind of memory.
pub fn accepted() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::SIMD
        | WasmFeatures::RELAXED_SIMD
        | WasmFeatures::THREADS
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::FLOATS
        | WasmFeatures::EXTENDED_CONST
}

type Feature = (WasmFeatures, &'static str);

/// Proposals that are off, by the name people know. Where one of two would do, the later one is named.
const REFUSED: [Feature; 14] = [
    (WasmFeatures::MULTI_MEMORY, "multi-memory"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
    (WasmFeatures::EXCEPTIONS, "exception handling"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exception handling"),
    (WasmFeatures::GC, "garbage collection"),
    (WasmFeatures::GC_TYPES, "externref or other garbage-collected references"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (WasmFeatures::MEMORY_CONTROL, "memory control"),
    (WasmFeatures::CUSTOM_DESCRIPTORS, "custom descriptors"),
    (WasmFeatures::COMPACT_IMPORTS, "compact import sections"),
];

/// Validates with what is accepted; else says whether a proposal is missing or the module is wrong.
pub fn validate(wasm: &[u8]) -> Result<(), Refusal> {
    if check(wasm, accepted()).is_ok() {
        return Ok(());
    }
    check(wasm, with(accepted(), &REFUSED))?;
    let problems = needed(wasm, accepted(), &REFUSED).into_iter();
    let problems = problems.map(|(_, name)| format!("the module uses {name}")).collect();
    Err(Refusal { code: "ERR_MODULE_FEATURE", problems })
}

pub fn refused(feature: &str) -> Refusal {
    Refusal::new("ERR_MODULE_FEATURE", format!("the module uses {feature}"))
}

/// The fewest of `candidates` that make the module valid when the features of `base` do not; all of them together do. By
/// halves: a module that does without many costs one pass for all of them, and one that fails does so at its first need.
fn needed(wasm: &[u8], base: WasmFeatures, candidates: &[Feature]) -> Vec<Feature> {
    if check(wasm, base).is_ok() {
        return Vec::new();
    }
    if candidates.len() <= 1 {
        return candidates.to_vec();
    }
    let (first, second) = candidates.split_at(candidates.len() / 2);
    let mut all = needed(wasm, with(base, second), first);
    all.extend(needed(wasm, with(base, &all), second));
    all
}

fn with(base: WasmFeatures, features: &[Feature]) -> WasmFeatures {
    features.iter().fold(base, |all, (feature, _)| all | *feature)
}

fn check(wasm: &[u8], features: WasmFeatures) -> Result<(), Refusal> {
    Validator::new_with_features(features).validate_all(wasm)?;
    Ok(())
}
