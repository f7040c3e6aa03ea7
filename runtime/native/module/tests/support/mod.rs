//! Modules and rules for the tests.

#![allow(dead_code, reason = "each test file uses some of it")]

use faaslet_module::{ImportSignature, Limits, Refusal, Report, Rules, ValueType, inspect};

/// Limits that small modules reach; none stands in another's way.
pub fn limits() -> Limits {
    Limits {
        bytes_max: 1_000_000,
        functions_max: 1_000,
        types_max: 1_000,
        imports_max: 1_000,
        exports_max: 1_000,
        globals_max: 1_000,
        tables_max: 10,
        data_segments_max: 1_000,
        element_segments_max: 1_000,
        locals_max: 1_000,
        function_bytes_max: 100_000,
        branch_table_targets_max: 1_000,
        nesting_max: 1_000,
        operands_max: 10_000,
        custom_sections_max: 10,
        custom_section_bytes_max: 10_000,
        name_bytes_max: 1_000,
        export_name_bytes_max: 10_000,
        memory_pages_max: 16,
        table_elements_max: 1_000,
    }
}

pub fn rules() -> Rules {
    use ValueType::{I32, I64};
    let function = |module: &str, name: &str, params: &[ValueType], results: &[ValueType]| ImportSignature {
        module: module.into(),
        name: name.into(),
        params: params.into(),
        results: results.into(),
    };
    let imports = vec![
        function("env", "read", &[I32, I32], &[I32]),
        function("env", "seek", &[I32, I64], &[]),
        function("wasi_snapshot_preview1", "fd_write", &[I32, I32, I32, I32], &[I32]),
    ];
    Rules { imports, limits: limits() }
}

pub fn wasm(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

pub fn inspected(text: &str) -> Result<Report, Refusal> {
    inspect(&wasm(text), &rules())
}

pub fn accepted(text: &str) -> Report {
    inspected(text).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

/// The problems of a refusal, which has to have this code.
pub fn problems(text: &str, code: &str) -> Vec<String> {
    refused(&wasm(text), code)
}

pub fn refused(wasm: &[u8], code: &str) -> Vec<String> {
    let refusal = inspect(wasm, &rules()).expect_err("a refusal");
    assert_eq!(refusal.code, code, "{refusal}");
    refusal.problems
}

/// A module that the runtime is handed has to be valid for the engine.
pub fn validate(wasm: &[u8]) {
    let mut validator = wasmparser::Validator::new_with_features(faaslet_module::accepted_features());
    validator.validate_all(wasm).unwrap();
}
