//! Every limit is taken at its value and refused one above it, and bombs cost no more than honest modules of their size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::time::{Duration, Instant};

use faaslet_module::{Limits, Rules, inspect};
use support::{limits, rules, wasm};
use wasm_encoder::{CodeSection, CustomSection, Function, FunctionSection, Instruction, Module, TypeSection, ValType};

const LIMIT: u64 = 7;

/// Asserts that `module(LIMIT)` is taken and `module(LIMIT + 1)` is refused with `words`.
fn assert_limited(words: &str, set: impl Fn(&mut Limits, u64), module: impl Fn(u64) -> Vec<u8>) {
    let check = |count: u64| {
        let mut rules = Rules { limits: limits(), ..rules() };
        set(&mut rules.limits, LIMIT);
        inspect(&module(count), &rules)
    };
    if let Err(refusal) = check(LIMIT) {
        panic!("{words} at the limit: {refusal}");
    }
    let refusal = check(LIMIT + 1).expect_err(words);
    assert_eq!(refusal.code, "ERR_MODULE_LIMIT", "{refusal}");
    assert_eq!(refusal.problems, [format!("{words}: {} is over the limit of {LIMIT}", LIMIT + 1)]);
}

/// A module with `count` times the text of `item`, in which `#` stands for the number.
fn repeated(before: &str, item: &str, count: u64) -> Vec<u8> {
    let items: String = (0..count).map(|number| item.replace('#', &number.to_string())).collect();
    wasm(&format!("(module {before} {items})"))
}

#[test]
fn counts_are_limited() {
    assert_limited("types", |l, n| l.types_max = n, |n| repeated("", "(type (func))", n));
    assert_limited("functions", |l, n| l.functions_max = n, |n| repeated("", "(func)", n));
    let import = r#"(import "env" "read" (func (param i32 i32) (result i32)))"#;
    assert_limited("imports", |l, n| l.imports_max = n, |n| repeated("", import, n));
    let export = r#"(export "e#" (func 0))"#;
    assert_limited("exports", |l, n| l.exports_max = n, |n| repeated("(func)", export, n));
    assert_limited("globals", |l, n| l.globals_max = n, |n| repeated("", "(global i32 (i32.const 0))", n));
    assert_limited("tables", |l, n| l.tables_max = n, |n| repeated("", "(table 1 funcref)", n));
    assert_limited("data segments", |l, n| l.data_segments_max = n, |n| repeated("(memory 1)", "(data \"x\")", n));
    assert_limited("element segments", |l, n| l.element_segments_max = n, |n| repeated("", "(elem func)", n));
    assert_limited("custom sections", |l, n| l.custom_sections_max = n, |n| repeated("", "(@custom \"x\" \"y\")", n));
}

#[test]
fn sizes_are_limited() {
    let customs = |bytes: u64| {
        let mut module = Module::new();
        let data = vec![0; bytes as usize - 3];
        module.section(&CustomSection { name: "a".into(), data: (&data).into() });
        module.section(&CustomSection { name: "b".into(), data: (&[1, 2, 3]).into() });
        module.finish()
    };
    assert_limited("bytes of custom sections", |l, n| l.custom_section_bytes_max = n, customs);
    let export = |bytes: u64| wasm(&format!("(module (func) (export \"{}\" (func 0)))", "x".repeat(bytes as usize)));
    assert_limited("bytes of an export's name", |l, n| l.name_bytes_max = n, export);
    let exports = |bytes: u64| {
        wasm(&format!(
            "(module (func) (export \"ab\" (func 0)) (export \"{}\" (func 0)))",
            "x".repeat(bytes as usize - 2)
        ))
    };
    assert_limited("bytes of all exports' names", |l, n| l.export_name_bytes_max = n, exports);
    let module = |bytes: u64| {
        [b"\0asm\x01\0\0\0".as_slice(), &[0, bytes as u8 - 2 - 1, 0], &vec![1; bytes as usize - 4]].concat()
    };
    let sized = |bytes: u64| module(bytes + 100 - 8);
    let check = |bytes: u64| {
        inspect(
            &sized(bytes),
            &Rules { limits: Limits { bytes_max: sized(LIMIT).len() as u64, ..limits() }, ..rules() },
        )
    };
    check(LIMIT).unwrap();
    assert!(check(LIMIT + 1).unwrap_err().problems[0].starts_with("bytes of the module: "));
}

#[test]
fn names_of_imports_are_limited() {
    let import = |name: &str| {
        let wasm = wasm(&format!("(module (import \"env\" \"{name}\" (func)))"));
        inspect(&wasm, &Rules { limits: Limits { name_bytes_max: LIMIT, ..limits() }, ..rules() }).unwrap_err()
    };
    assert_eq!(import("1234567").code, "ERR_MODULE_IMPORT");
    assert_eq!(import("12345678").problems, ["bytes of an import's name: 8 is over the limit of 7"]);
}

#[test]
fn starts_are_limited() {
    let memory = |pages: u64| wasm(&format!("(module (memory {pages}))"));
    assert_limited("memory pages of 64 KiB at the start", |l, n| l.memory_pages_max = n, memory);
    let tables = |entries: u64| wasm(&format!("(module (table 2 funcref) (table {} funcref))", entries - 2));
    assert_limited("table entries at the start", |l, n| l.table_elements_max = n, tables);
    // Far beyond what any engine takes.
    let limits = limits();
    let refusal = inspect(&wasm("(module (memory 65536) (table 4294967295 funcref))"), &Rules { limits, ..rules() });
    let problems = refusal.unwrap_err().problems;
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn code_is_limited() {
    let locals = |count: u64| {
        wasm(&format!(
            "(module (func) (func {}))",
            "(local i32 i64) ".repeat(count as usize / 2) + if count % 2 == 1 { "(local f32)" } else { "" }
        ))
    };
    assert_limited("locals of function body 1", |l, n| l.locals_max = n, locals);
    // The count of local groups and the end take two bytes.
    let bytes = |bytes: u64| wasm(&format!("(module (func {}))", "nop ".repeat(bytes as usize - 2)));
    assert_limited("bytes of function body 0", |l, n| l.function_bytes_max = n, bytes);
    let targets = |count: u64| wasm(&format!("(module (func i32.const 0 br_table {} 0))", "0 ".repeat(count as usize)));
    assert_limited("targets of a branch table in function body 0", |l, n| l.branch_table_targets_max = n, targets);
    for open in ["block ", "loop ", "i32.const 0 if "] {
        let nested = |depth: u64| {
            wasm(&format!(
                "(module (func) (func) (func {} {}))",
                open.repeat(depth as usize),
                "end ".repeat(depth as usize)
            ))
        };
        assert_limited("nesting of blocks in function body 2", |l, n| l.nesting_max = n, nested);
    }
}

#[test]
fn nesting_counts_blocks_inside_blocks_only() {
    let side_by_side = wasm(&format!("(module (func {}))", "block end loop end ".repeat(100)));
    inspect(&side_by_side, &Rules { limits: Limits { nesting_max: 1, ..limits() }, ..rules() }).unwrap();
}

#[test]
fn operands_are_limited() {
    let at_most = |text: &str, max: u64| {
        inspect(&wasm(text), &Rules { limits: Limits { operands_max: max, ..limits() }, ..rules() })
    };
    // What the instructions take and give; blocks and functions twice, at their beginning and end.
    for (text, operands) in [
        ("(module (func (param i32 i32) (result i32) local.get 0))", 6),
        ("(module (func $f (param i32 i32 i32) (call $f (i32.const 0) (i32.const 0) (i32.const 0))))", 9),
        (
            "(module (table 1 funcref) (func (call_indirect (param i32 i32) (i32.const 0) (i32.const 0) (i32.const 0))))",
            2,
        ),
        ("(module (func (drop (block (result i32) (br 0 (i32.const 0))))))", 3),
        ("(module (func (drop (block (result i32) (br_table 0 0 0 (i32.const 0) (i32.const 0))))))", 5),
        ("(module (func (drop (if (result i32) (i32.const 0) (then i32.const 0) (else i32.const 0)))))", 3),
        ("(module (func (result i32) (return (i32.const 0))))", 3),
        ("(module (func (i32.const 0) (loop (param i32) (br 0))))", 3),
        ("(module (func $f (result i32) return_call $f))", 3),
    ] {
        if let Err(refusal) = at_most(text, operands) {
            panic!("{text}: {refusal}");
        }
        let refusal = at_most(text, operands - 1).expect_err(text);
        assert_eq!(
            refusal.problems[0],
            format!("operands of all instructions: {operands} is over the limit of {}", operands - 1)
        );
    }
}

#[test]
fn everything_that_is_too_much_is_named_at_once() {
    let text = "(module (memory 2) (global i32 (i32.const 0)) (global i32 (i32.const 0))
        (func (local i32 i32)) (func (local i32 i32)) (data \"x\") (data \"y\"))";
    let limits = Limits { memory_pages_max: 1, globals_max: 1, locals_max: 1, data_segments_max: 1, ..limits() };
    let refusal = inspect(&wasm(text), &Rules { limits, ..rules() }).unwrap_err();
    assert_eq!(
        refusal.problems,
        [
            "memory pages of 64 KiB at the start: 2 is over the limit of 1",
            "globals: 2 is over the limit of 1",
            "locals of function body 0: 2 is over the limit of 1",
            "locals of function body 1: 2 is over the limit of 1",
            "data segments: 2 is over the limit of 1",
        ]
    );
}

/// Limits as a host has them, for files of some megabytes.
fn generous() -> Rules {
    let limits = Limits {
        bytes_max: 1 << 26,
        functions_max: 300_000,
        types_max: 20_000,
        exports_max: 50_000,
        locals_max: 50_000,
        function_bytes_max: 7 << 20,
        branch_table_targets_max: 100_000,
        nesting_max: 10_000,
        operands_max: 100_000_000,
        custom_sections_max: 1_000,
        custom_section_bytes_max: 1 << 25,
        ..limits()
    };
    Rules { limits, ..rules() }
}

/// One function of the type () -> (), and one type with a thousand parameters for those of `others`.
fn module_of(others: u32, body: &Function) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    types.ty().function(vec![ValType::I32; 1000], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut code = CodeSection::new();
    code.function(body);
    for _ in 0..others {
        functions.function(1);
        let mut empty = Function::new([]);
        empty.instruction(&Instruction::End);
        code.function(&empty);
    }
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module.finish()
}

#[test]
fn bombs_are_refused_quickly() {
    let mut calls = Function::new([]);
    calls.instruction(&Instruction::Unreachable);
    for _ in 0..2_000_000 {
        calls.instruction(&Instruction::Call(1));
    }
    calls.instruction(&Instruction::End);
    let mut nested = Function::new([]);
    for _ in 0..1_000_000 {
        nested.instruction(&Instruction::Block(wasm_encoder::BlockType::Empty));
    }
    for _ in 0..=1_000_000 {
        nested.instruction(&Instruction::End);
    }
    let mut locals = Function::new([(u32::MAX, ValType::I32)]);
    locals.instruction(&Instruction::End);
    let header = |section: &[u8]| [b"\0asm\x01\0\0\0".as_slice(), section].concat();
    let cases = [
        ("calls", module_of(1, &calls), "operands of all instructions"),
        ("nesting", module_of(0, &nested), "nesting of blocks"),
        ("locals", module_of(0, &locals), "locals of function body 0"),
        ("custom sections", [b"\0asm\x01\0\0\0".as_slice(), &[0, 1, 0].repeat(5_000_000)].concat(), "custom sections"),
        // A type section that says it has four billion types.
        ("types", header(&[1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]), "types: 4294967295"),
        ("exports", header(&[7, 5, 0xff, 0xff, 0xff, 0xff, 0x0f]), "exports: 4294967295"),
    ];
    for (name, wasm, words) in cases {
        let start = Instant::now();
        let refusal = inspect(&wasm, &generous()).expect_err(name);
        assert_eq!(refusal.code, "ERR_MODULE_LIMIT", "{name}: {refusal}");
        assert!(refusal.problems[0].starts_with(words), "{name}: {refusal}");
        // Without the limits the first of these takes seconds; a slow machine has room.
        assert!(start.elapsed() < Duration::from_secs(2), "{name}: {:?}", start.elapsed());
    }
}
