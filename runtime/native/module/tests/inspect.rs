//! What is refused and why, and what the report of an accepted module says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use faaslet_module::{Limits, inspect};
use support::{accepted, inspected, problems, refused, rules, wasm};

#[test]
fn inspect_names_every_import_that_is_not_offered() {
    let found = problems(
        r#"(module
            (import "env" "read" (func (param i32 i32) (result i32)))
            (import "env" "unknown" (func))
            (import "other" "read" (func))
            (import "env" "bad\00\1b[31m" (func)))"#,
        "ERR_MODULE_IMPORT",
    );
    assert_eq!(
        found,
        [
            "env.unknown is not in the host interface",
            "other.read is not in the host interface: it has no module \"other\"",
            "env.bad\\u{0}\\u{1b}[31m is not in the host interface",
        ]
    );
}

#[test]
fn inspect_tells_both_types_when_an_import_has_another_one() {
    let found = problems(
        r#"(module
            (import "env" "read" (func (param i32 i64) (result i32)))
            (import "env" "seek" (func (param i32 i64) (result i32 i32))))"#,
        "ERR_MODULE_IMPORT",
    );
    assert_eq!(
        found,
        [
            "env.read is imported as (i32, i64) -> i32, but it is (i32, i32) -> i32",
            "env.seek is imported as (i32, i64) -> (i32, i32), but it is (i32, i64) -> ()",
        ]
    );
}

#[test]
fn inspect_refuses_imports_that_are_not_functions() {
    let found = problems(
        r#"(module
            (import "env" "read" (table 1 funcref))
            (import "env" "g" (global i32)))"#,
        "ERR_MODULE_IMPORT",
    );
    assert_eq!(found[0], "env.read is a table: only functions can be imported");
    assert_eq!(found[1], "env.g is a global: only functions can be imported");
}

#[test]
fn inspect_refuses_memories_that_are_not_the_modules_own() {
    let feature = |text: &str| problems(text, "ERR_MODULE_FEATURE").join("; ");
    assert!(feature(r#"(module (import "env" "memory" (memory 1)))"#).contains("imports a memory (env.memory)"));
    let shared = feature(r#"(module (import "env" "memory" (memory 1 2 shared)))"#);
    assert!(shared.contains("imports a shared memory"), "{shared}");
    assert!(feature("(module (memory 1 2 shared))").contains("declares a shared memory"));
}

#[test]
fn inspect_names_the_proposal_that_a_module_needs() {
    let cases = [
        ("(module (memory 1) (memory 1))", "multi-memory"),
        ("(module (memory i64 1))", "memory64"),
        ("(module (table i64 1 funcref))", "memory64"),
        ("(module (memory 1 (pagesize 1)))", "custom page sizes"),
        ("(module (tag) (func throw 0))", "exception handling"),
        ("(module (func try catch_all end))", "legacy exception handling"),
        ("(module (type (struct)))", "garbage collection"),
        ("(module (type (array i8)))", "garbage collection"),
        ("(module (rec (type (func)) (type (func))))", "garbage collection"),
        ("(module (type (sub (func))))", "garbage collection"),
        ("(module (func (result i31ref) i32.const 1 ref.i31))", "garbage collection"),
        ("(module (func (param externref)))", "externref"),
        ("(module (table 1 externref))", "externref"),
        ("(module (type $t (func)) (func (param (ref $t))))", "typed function references"),
        ("(module (type $t (func)) (func (param (ref $t)) local.get 0 call_ref $t))", "typed function references"),
        ("(module (type $f (func)) (type $c (cont $f)))", "stack switching"),
        (
            "(module (func (result i64 i64) i64.const 1 i64.const 1 i64.const 1 i64.const 1 i64.add128))",
            "wide arithmetic",
        ),
        ("(module (type (shared (func))))", "shared-everything threads"),
    ];
    for (text, name) in cases {
        let found = problems(text, "ERR_MODULE_FEATURE");
        assert!(found.iter().any(|problem| problem.contains(name)), "{text}: {found:?}");
        assert!(found.iter().all(|problem| problem.starts_with("the module uses ")), "{text}: {found:?}");
    }
}

#[test]
fn inspect_names_every_proposal_of_several() {
    let found = problems(
        "(module (memory i64 1) (func (result i64 i64) i64.const 1 i64.const 1 i64.mul_wide_u) (tag))",
        "ERR_MODULE_FEATURE",
    );
    assert_eq!(
        found,
        ["the module uses memory64", "the module uses exception handling", "the module uses wide arithmetic"]
    );
}

#[test]
fn inspect_accepts_what_the_engine_runs() {
    for text in [
        "(module)",
        "(module (func (result i32 i32) i32.const 1 i32.const 2))",
        "(module (memory 1) (func i32.const 0 i32.const 0 i32.const 0 memory.fill))",
        "(module (func (param f32) (result i32) local.get 0 i32.trunc_sat_f32_s i32.extend8_s))",
        "(module (func (param v128) (result v128) local.get 0 local.get 0 i8x16.relaxed_swizzle))",
        "(module (memory 1) (func i32.const 0 i32.const 1 i32.atomic.store atomic.fence))",
        "(module (func $f return_call $f))",
        "(module (table 1 funcref) (elem declare func $f) (func $f i32.const 0 ref.func $f table.set 0))",
        "(module (global i32 (i32.add (i32.const 1) (i32.const 2))))",
        "(module (global $g (mut i64) (i64.const 0)) (export \"g\" (global $g)))",
        "(module (memory 1) (data \"x\") (func i32.const 0 i32.const 0 i32.const 1 memory.init 0 data.drop 0))",
    ] {
        accepted(text);
    }
}

#[test]
fn inspect_tells_the_place_and_reason_when_a_module_is_invalid() {
    let found = problems("(module (func (result i32) i64.const 1))", "ERR_MODULE_INVALID");
    assert_eq!(found, ["type mismatch: expected i32, found i64 (at offset 0x1a)"]);
    let mut cut = wasm("(module (func))");
    cut.truncate(cut.len() - 1);
    assert_eq!(refused(&cut, "ERR_MODULE_INVALID"), ["unexpected end-of-file (at offset 0x16)"]);
}

#[test]
fn inspect_refuses_sections_that_occur_twice() {
    let types = [1, 4, 1, 0x60, 0, 0];
    let module = [b"\0asm\x01\0\0\0".as_slice(), &types, &types].concat();
    assert_eq!(refused(&module, "ERR_MODULE_INVALID"), ["section out of order (at offset 0x10)"]);
}

#[test]
fn inspect_refuses_reserved_names() {
    let found = problems(
        r#"(module (memory 1) (func)
            (export "__faaslet:memory" (memory 0)) (export "fine" (func 0)) (export "__faaslet:x" (func 0)))"#,
        "ERR_MODULE_INVALID",
    );
    assert_eq!(
        found,
        ["the export name \"__faaslet:memory\" is reserved", "the export name \"__faaslet:x\" is reserved"]
    );
}

#[test]
fn inspect_refuses_mutable_references() {
    let found = problems(
        "(module (global funcref (ref.null func)) (global (mut funcref) (ref.null func)))",
        "ERR_MODULE_FEATURE",
    );
    assert_eq!(found, ["global 1 is a mutable reference, which a snapshot cannot hold"]);
}

#[test]
fn inspect_refuses_what_is_not_linked() {
    let object = wasm(r#"(module (import "env" "__linear_memory" (memory 0)) (@custom "linking" "\02"))"#);
    assert!(refused(&object, "ERR_MODULE_FORMAT")[0].contains("object file"));
    let library = wasm(r#"(module (@custom "dylink.0" (before first) "") (import "env" "memory" (memory 0)))"#);
    assert!(refused(&library, "ERR_MODULE_FORMAT")[0].contains("shared library"));
    assert!(refused(b"", "ERR_MODULE_FORMAT")[0].contains("empty"));
    assert!(refused(&wasm("(component)"), "ERR_MODULE_FORMAT")[0].contains("component"));
}

#[test]
fn inspect_reports_what_a_module_holds() {
    let report = accepted(
        r#"(module
            (import "env" "read" (func $read (param i32 i32) (result i32)))
            (memory (export "memory") 2 4)
            (table (export "table") 3 funcref)
            (global (export "sp") (mut i32) (i32.const 5))
            (global (export "base") i32 (i32.const 6))
            (elem (i32.const 0) $main)
            (func $main (export "main") (param i32 i32) (result i32)
                (call $read (local.get 0) (memory.grow (i32.const 1))))
            (data (i32.const 0) "abc")
            (data "de")
            (@producers (language "C11" "") (processed-by "clang" "22.1")))"#,
    );
    let json = serde_json::to_value(&report).unwrap();
    let expected = serde_json::json!({
        "bytes": json["bytes"],
        "imports": [{"module": "env", "name": "read", "params": ["i32", "i32"], "results": ["i32"]}],
        "exports": [
            {"name": "memory", "kind": "memory", "type": "2 to 4 pages"},
            {"name": "table", "kind": "table", "type": "3 entries or more"},
            {"name": "sp", "kind": "global", "type": "mutable i32"},
            {"name": "base", "kind": "global", "type": "i32"},
            {"name": "main", "kind": "function", "type": "(i32, i32) -> i32"},
        ],
        "memory": {"minimumPages": 2, "maximumPages": 4},
        "counts": {
            "types": 1, "functions": 1, "imports": 1, "exports": 5, "globals": 2, "tables": 1,
            "elementSegments": 1, "dataSegments": 2, "passiveDataSegments": 1,
        },
        "dataBytes": 5,
        "codeBytes": json["codeBytes"],
        "producers": ["C11", "clang 22.1"],
        "style": "plain",
        "uses": {
            "simd": false, "atomics": false, "bulkMemory": false, "tailCalls": false, "memoryGrowth": true,
            "tableWrites": false, "segmentDrops": false,
        },
        "warnings": [],
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::to_value(accepted("(module)")).unwrap()["memory"], serde_json::Value::Null);
}

#[test]
fn inspect_reports_what_the_code_uses() {
    let uses = |text: &str| serde_json::to_value(accepted(text)).unwrap()["uses"].clone();
    let simd = uses("(module (func (result v128) (v128.const i32x4 0 0 0 0)))");
    assert_eq!((&simd["simd"], &simd["atomics"]), (&true.into(), &false.into()));
    // The bytes of the families' prefixes stand in a constant: that is no instruction.
    let constant = uses("(module (func (result i32) (i32.const 0x7efefd)))");
    assert_eq!((&constant["simd"], &constant["atomics"]), (&false.into(), &false.into()));
    assert_eq!(uses("(module (func atomic.fence))")["atomics"], true);
    assert_eq!(uses("(module (func $f return_call $f))")["tailCalls"], true);
    assert_eq!(uses("(module (memory 1) (data \"x\") (func data.drop 0))")["segmentDrops"], true);
    assert_eq!(uses("(module (elem func) (func elem.drop 0))")["segmentDrops"], true);
    for operation in [
        "(table.set 0 (i32.const 0) (ref.null func))",
        "(drop (table.grow 0 (ref.null func) (i32.const 1)))",
        "(table.fill 0 (i32.const 0) (ref.null func) (i32.const 0))",
        "(table.copy 0 0 (i32.const 0) (i32.const 0) (i32.const 0))",
        "(table.init 0 0 (i32.const 0) (i32.const 0) (i32.const 0))",
    ] {
        let uses = uses(&format!("(module (table 1 funcref) (elem func) (func {operation}))"));
        assert_eq!(uses["tableWrites"], true, "{operation}");
    }
    let reads = uses("(module (table 1 funcref) (func (drop (table.get 0 (i32.const 0))) (drop (table.size 0))))");
    assert_eq!(reads["tableWrites"], false);
}

#[test]
fn inspect_warns_of_what_surprises() {
    let warned = |text: &str, words: &str| accepted(text).warnings.iter().any(|warning| warning.contains(words));
    let zygote = r#"(func (export "_faasm_zygote") (result i32) i32.const 0)"#;
    let start = r#"(func (export "_start"))"#;
    assert!(warned(&format!("(module {zygote} {start})"), "_faasm_zygote does not run"));
    assert!(!warned(&format!("(module {start})"), "_faasm_zygote"));
    assert!(!warned(&format!("(module {zygote} (func (export \"_initialize\")))"), "_faasm_zygote"));
    let write = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let constructors = r#"(func (export "__wasm_call_ctors")) (func (export "main"))"#;
    assert!(warned(&format!("(module {write} {constructors})"), "__wasm_call_dtors"));
    assert!(!warned(&format!("(module {constructors})"), "__wasm_call_dtors"));
    let both = format!("(module {write} {constructors} (func (export \"__wasm_call_dtors\")))");
    assert!(!warned(&both, "__wasm_call_dtors"));
    assert!(warned("(module (elem func) (func elem.drop 0))", "drops segments"));
    assert!(warned("(module (table 1 funcref) (func (table.set 0 (i32.const 0) (ref.null func))))", "tables"));
}

#[test]
fn limits_are_read_as_typescript_writes_them() {
    let names = [
        "bytesMax",
        "functionsMax",
        "typesMax",
        "importsMax",
        "exportsMax",
        "globalsMax",
        "tablesMax",
        "dataSegmentsMax",
        "elementSegmentsMax",
        "localsMax",
        "functionBytesMax",
        "branchTableTargetsMax",
        "nestingMax",
        "operandsMax",
        "customSectionsMax",
        "customSectionBytesMax",
        "nameBytesMax",
        "exportNameBytesMax",
        "memoryPagesMax",
        "tableElementsMax",
    ];
    let object: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), 1_000.into())).collect();
    let limits: Limits = serde_json::from_value(object.clone().into()).unwrap();
    assert_eq!(limits.table_elements_max, 1_000);
    for name in names {
        let mut missing = object.clone();
        missing.remove(name);
        assert!(serde_json::from_value::<Limits>(missing.into()).is_err(), "{name}");
    }
}

#[test]
fn inspect_never_panics_whatever_the_bytes() {
    let module = wasm(
        r#"(module (import "env" "read" (func (param i32 i32) (result i32)))
            (memory 1) (table 2 funcref) (global $g (mut i32) (i32.const 1)) (elem (i32.const 0) $f)
            (func $f (param i32 i32) (result i32)
                (block (br_table 0 0 (local.get 0))) (call 0 (local.get 0) (local.get 1)))
            (data (i32.const 4) "abc") (start $s) (func $s) (export "main" (func $f)) (@producers (language "C" "")))"#,
    );
    for end in 0..module.len() {
        let _ = inspect(&module[..end], &rules());
    }
    for at in 8..module.len() {
        for value in [0, 1, 0x40, 0x60, 0x7f, 0x80, 0xff, module[at] ^ 1, module[at] ^ 0x80] {
            let mut changed = module.clone();
            changed[at] = value;
            if inspect(&changed, &rules()).is_ok() {
                // Accepted is rewritten; a segment may still lie outside.
                if let Ok(rewritten) = faaslet_module::rewrite(&changed) {
                    support::validate(&rewritten.wasm);
                }
                faaslet_module::layout(&changed).unwrap();
            }
        }
    }
    assert!(inspected("(module)").is_ok());
}
