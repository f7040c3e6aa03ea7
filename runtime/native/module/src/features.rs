//! The proposals that the engine has on, and the names of those that a refused module needs.

use wasmparser::{Validator, WasmFeatures};

use crate::refusal::Refusal;

/// Exactly what the engine accepts: WebAssembly 2.0 with relaxed SIMD, tail calls, extended constants and the instructions
/// of the threads proposal; without shared memories, garbage collection and whatever else needs more than one memory kind.
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

/// Proposals that are off, by the name people know.
const REFUSED: [(WasmFeatures, &str); 12] = [
    (WasmFeatures::MULTI_MEMORY, "multi-memory"),
    (WasmFeatures::MEMORY64, "memory64"),
    (WasmFeatures::CUSTOM_PAGE_SIZES, "custom page sizes"),
    (WasmFeatures::EXCEPTIONS, "exception handling"),
    (WasmFeatures::LEGACY_EXCEPTIONS, "legacy exception handling"),
    (WasmFeatures::GC, "garbage collection"),
    (WasmFeatures::GC_TYPES, "externref and other garbage-collected references"),
    (WasmFeatures::FUNCTION_REFERENCES, "typed function references"),
    (WasmFeatures::SHARED_EVERYTHING_THREADS, "shared-everything threads"),
    (WasmFeatures::STACK_SWITCHING, "stack switching"),
    (WasmFeatures::WIDE_ARITHMETIC, "wide arithmetic"),
    (WasmFeatures::MEMORY_CONTROL, "memory control"),
];

/// Validates with what is accepted; else says whether a proposal is missing or the module is wrong.
pub fn validate(wasm: &[u8]) -> Result<(), Refusal> {
    if is_valid(wasm, accepted()) { Ok(()) } else { Err(refusal(wasm)) }
}

/// Why the module does not validate.
pub fn refusal(wasm: &[u8]) -> Refusal {
    let all = REFUSED.iter().fold(accepted(), |all, (feature, _)| all | *feature);
    if !is_valid(wasm, all) {
        return match Validator::new_with_features(all).validate_all(wasm) {
            Err(error) => Refusal::from(error),
            Ok(_) => Refusal::invalid("the module does not validate"),
        };
    }
    let needed: Vec<_> = REFUSED
        .iter()
        .filter(|(feature, _)| !is_valid(wasm, all - *feature))
        .map(|(_, name)| format!("the module uses {name}"))
        .collect();
    if needed.is_empty() {
        // Either of two proposals would do.
        return Refusal::new("ERR_MODULE_FEATURE", "the module uses proposals that are not supported");
    }
    Refusal { code: "ERR_MODULE_FEATURE", problems: needed }
}

fn is_valid(wasm: &[u8], features: WasmFeatures) -> bool {
    Validator::new_with_features(features).validate_all(wasm).is_ok()
}
