//! The rewritten module: valid, the same code, and with everything that the runtime has to set, keep and restore.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use faaslet_module::{ModuleMeta, Rewritten, function_export, global_export, rewrite, table_export};
use support::{accepted, validate, wasm};
use wasmparser::{DataKind, ExternalKind, Parser, Payload};

/// Rewrites an accepted module and checks that the result is valid.
fn rewritten(text: &str) -> Rewritten {
    accepted(text);
    let rewritten = rewrite(&wasm(text)).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    validate(&rewritten.wasm);
    rewritten
}

fn meta(text: &str) -> ModuleMeta {
    rewritten(text).meta
}

/// What the image makes of zeros.
fn memory(meta: &ModuleMeta, bytes: usize) -> Vec<u8> {
    let mut memory = vec![0; bytes];
    for piece in &meta.image {
        let from = &meta.image_bytes[piece.start..piece.start + piece.length];
        memory[piece.offset as usize..][..piece.length].copy_from_slice(from);
    }
    memory
}

/// Names, kinds and indices of all exports.
fn exports(wasm: &[u8]) -> Vec<(String, ExternalKind, u32)> {
    let mut all = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ExportSection(reader) = payload.unwrap() {
            all.extend(reader.into_iter().map(|export| export.unwrap()).map(|e| (e.name.to_owned(), e.kind, e.index)));
        }
    }
    all
}

/// Numbers and contents of all sections, without those that a rewrite may change.
fn unchanged_sections(wasm: &[u8]) -> Vec<(u8, Vec<u8>)> {
    const CHANGED: [u8; 4] = [0, 7, 8, 11];
    let sections = Parser::new(0).parse_all(wasm).filter_map(|payload| payload.unwrap().as_section());
    sections.filter(|(id, _)| !CHANGED.contains(id)).map(|(id, range)| (id, wasm[range].to_vec())).collect()
}

#[test]
fn rewrite_moves_active_segments_into_the_image() {
    let Rewritten { wasm, meta } = rewritten(
        r#"(module (memory 1)
            (data (i32.const 4) "abc") (data "kept") (data (i32.const 1000) "xyz")
            (func (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 4)) (data.drop 0)
                  (memory.init 2 (i32.const 0) (i32.const 0) (i32.const 0))))"#,
    );
    let memory = memory(&meta, 65_536);
    assert_eq!((&memory[4..7], &memory[1000..1003]), (b"abc".as_slice(), b"xyz".as_slice()));
    assert_eq!(memory.iter().filter(|byte| **byte != 0).count(), 6);
    let mut segments = Vec::new();
    for payload in Parser::new(0).parse_all(&wasm) {
        if let Payload::DataSection(reader) = payload.unwrap() {
            for segment in reader {
                let segment = segment.unwrap();
                assert!(matches!(segment.kind, DataKind::Passive));
                segments.push(segment.data.to_vec());
            }
        }
    }
    assert_eq!(segments, [b"".to_vec(), b"kept".to_vec(), b"".to_vec()]);
}

#[test]
fn rewrite_evaluates_constant_offsets() {
    let offset =
        |expression: &str| meta(&format!("(module (memory 1) (data (offset {expression}) \"x\"))")).image[0].offset;
    assert_eq!(offset("(i32.const 65535)"), 65_535);
    assert_eq!(offset("(i32.add (i32.const 40) (i32.const 2))"), 42);
    assert_eq!(offset("(i32.sub (i32.const 40) (i32.const 2))"), 38);
    assert_eq!(offset("(i32.mul (i32.sub (i32.const 2) (i32.const 3)) (i32.const -7))"), 7);
    assert_eq!(offset("(i32.add (i32.const -1) (i32.const 6))"), 5);
}

#[test]
fn rewrite_lets_later_segments_win() {
    let meta = meta(
        r#"(module (memory 1) (data (i32.const 0) "aaaaaaaa") (data (i32.const 2) "bb") (data (i32.const 5) "\00\00\00\00"))"#,
    );
    assert_eq!(memory(&meta, 16), b"aabba\0\0\0\0\0\0\0\0\0\0\0");
}

#[test]
fn rewrite_gives_zeros_no_room() {
    let zeros = meta(r#"(module (memory 1) (data (i32.const 0) "\00\00\00\00"))"#);
    assert_eq!((zeros.image.len(), zeros.image_bytes.len()), (0, 0));
    let tail = meta(r#"(module (memory 1) (data (i32.const 0) "a\00\00\00\00"))"#);
    assert_eq!((tail.image.len(), tail.image_bytes.len()), (1, 1));
}

#[test]
fn rewrite_joins_neighbours_in_any_order() {
    let Rewritten { meta, .. } = rewritten(
        r#"(module (memory 1) (data (i32.const 3) "b") (data (i32.const 0) "a")
            (data (i32.const 133) "d") (data (i32.const 68) "c"))"#,
    );
    // 64 zeros between b and c, and between c and d.
    let pieces: Vec<_> = meta.image.iter().map(|piece| (piece.offset, piece.length)).collect();
    assert_eq!(pieces, [(0, 134)]);
    let memory = memory(&meta, 200);
    assert_eq!([memory[0], memory[3], memory[68], memory[133]], *b"abcd");
    assert_eq!(memory.iter().filter(|byte| **byte != 0).count(), 4);
    let apart = self::meta(r#"(module (memory 1) (data (i32.const 0) "a") (data (i32.const 66) "b"))"#);
    assert_eq!(apart.image.len(), 2);
}

#[test]
fn rewrite_refuses_segments_that_would_trap_at_each_start() {
    let refused = |text: &str| {
        let refusal = rewrite(&wasm(text)).map(|_| ()).unwrap_err();
        assert_eq!(refusal.code, "ERR_MODULE_INVALID");
        refusal.to_string()
    };
    let outside = "data segment 1 lies outside the memory at its start";
    for offset in ["65535", "65536", "-1", "0x80000000"] {
        assert_eq!(refused(&format!("(module (memory 1) (data \"\") (data (i32.const {offset}) \"xy\"))")), outside);
    }
    assert_eq!(refused("(module (memory 1) (data \"\") (data (i32.const 65537) \"\"))"), outside);
    meta("(module (memory 1) (data (i32.const 65536) \"\"))");
    meta("(module (memory 1) (data (i32.const 65534) \"xy\"))");
    let outside = "element segment 0 lies outside its table at the start";
    for offset in ["1", "2", "3", "-1"] {
        assert_eq!(refused(&format!("(module (table 2 funcref) (elem (i32.const {offset}) 0 0) (func))")), outside);
    }
    meta("(module (table 2 funcref) (elem (i32.const 0) 0 0) (func))");
    meta("(module (table 2 funcref) (elem (i32.const 2)) (func))");
}

#[test]
fn rewrite_exports_the_start_function_instead_of_running_it() {
    let Rewritten { wasm, meta } = rewritten("(module (func) (func $s) (start $s) (func))");
    assert_eq!(meta.start_export.as_deref(), Some("__faaslet:start"));
    assert_eq!(exports(&wasm), [("__faaslet:start".to_owned(), ExternalKind::Func, 1)]);
    let has_start = Parser::new(0).parse_all(&wasm).any(|p| matches!(p.unwrap(), Payload::StartSection { .. }));
    assert!(!has_start);
    let imported =
        rewritten(r#"(module (import "env" "read" (func (param i32 i32) (result i32))) (func $s) (start $s))"#);
    assert_eq!(exports(&imported.wasm)[0].2, 1);
    assert_eq!(meta_of_empty().start_export, None);
}

fn meta_of_empty() -> ModuleMeta {
    meta("(module)")
}

#[test]
fn rewrite_exports_memory_and_mutable_globals() {
    let Rewritten { wasm, meta } = rewritten(
        r#"(module (memory (export "m") 1 3) (global i32 (i32.const 0)) (global (mut i64) (i64.const 0))
            (global (mut v128) (v128.const i64x2 0 0)) (global $f (mut f64) (f64.const 0)) (export "f" (global $f)))"#,
    );
    let memory = meta.memory.unwrap();
    assert_eq!((memory.minimum_pages, memory.maximum_pages), (1, Some(3)));
    let globals: Vec<_> =
        meta.mutable_globals.iter().map(|global| (global.export.clone(), global.kind.as_str())).collect();
    assert_eq!(globals, [(global_export(1), "i64"), (global_export(2), "v128"), (global_export(3), "f64")]);
    assert_eq!(
        exports(&wasm),
        [
            ("m".to_owned(), ExternalKind::Memory, 0),
            ("f".to_owned(), ExternalKind::Global, 3),
            (faaslet_module::MEMORY_EXPORT.to_owned(), ExternalKind::Memory, 0),
            (global_export(1), ExternalKind::Global, 1),
            (global_export(2), ExternalKind::Global, 2),
            (global_export(3), ExternalKind::Global, 3),
        ]
    );
    let empty = meta_of_empty();
    assert_eq!(empty, ModuleMeta::default());
}

#[test]
fn rewrite_exports_tables_but_describes_them_only_when_code_writes_to_them() {
    let text = |body: &str| {
        format!(
            "(module (table 5 8 funcref) (table 2 funcref) (func $a) (func $b) (func $c)
                (elem (table 0) (i32.const 1) func $a $b) (elem (table 1) (i32.const 0) funcref (ref.null func) (ref.func $c))
                (func {body}))"
        )
    };
    let Rewritten { wasm, meta } = rewritten(&text(""));
    assert_eq!((meta.tables.len(), meta.initial_tables.len(), meta.escaping.len()), (0, 0, 0));
    assert!(!meta.restore_each_call);
    let tables = [(table_export(0), ExternalKind::Table, 0), (table_export(1), ExternalKind::Table, 1)];
    assert_eq!(exports(&wasm), tables);

    let Rewritten { wasm, meta } = rewritten(&text("(table.set 0 (i32.const 0) (ref.null func))"));
    assert!(meta.restore_each_call);
    let shapes: Vec<_> = meta.tables.iter().map(|table| (table.export.clone(), table.minimum, table.maximum)).collect();
    assert_eq!(shapes, [(table_export(0), 5, Some(8)), (table_export(1), 2, None)]);
    // Null beyond what is listed.
    assert_eq!(meta.initial_tables, [vec![None, Some(0), Some(1)], vec![None, Some(2)]]);
    assert_eq!(meta.escaping, [0, 1, 2]);
    let functions = (0..3).map(|index| (function_export(index), ExternalKind::Func, index));
    assert_eq!(exports(&wasm), tables.into_iter().chain(functions).collect::<Vec<_>>());
}

#[test]
fn rewrite_finds_every_function_that_a_table_may_refer_to() {
    let meta = meta(
        r#"(module
            (import "env" "read" (func $imported (param i32 i32) (result i32)))
            (table 4 funcref)
            (global $held funcref (ref.func $global))
            (elem $active (i32.const 0) $first)
            (elem $passive func $second)
            (elem $expressions funcref (ref.func $third) (ref.null func))
            (elem declare func $code $imported)
            (func $first) (func $second) (func $third) (func $global) (func $code) (func $inner)
            (func (export "main") (result i32)
                (table.set (i32.const 0) (ref.func $code))
                (table.set (i32.const 1) (ref.func $imported))
                call $inner i32.const 0))"#,
    );
    // All but $inner and main: those are called or exported, but nothing refers to them.
    assert_eq!(meta.escaping, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn rewrite_has_faaslets_restored_when_a_reset_cannot_undo_what_code_did() {
    let restored = |body: &str| {
        meta(&format!("(module (memory 1) (table 1 funcref) (elem func) (data \"x\") (func {body}))")).restore_each_call
    };
    for body in [
        "data.drop 0",
        "elem.drop 0",
        "(table.set (i32.const 0) (ref.null func))",
        "(drop (table.grow (ref.null func) (i32.const 1)))",
        "(table.fill (i32.const 0) (ref.null func) (i32.const 1))",
        "(table.copy (i32.const 0) (i32.const 0) (i32.const 1))",
        "(table.init 0 (i32.const 0) (i32.const 0) (i32.const 0))",
    ] {
        assert!(restored(body), "{body}");
    }
    assert!(!restored("(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1)) (drop (memory.grow (i32.const 1)))"));
}

#[test]
fn rewrite_keeps_everything_else_byte_for_byte() {
    let text = r#"(module (memory 1) (table 2 funcref) (global i32 (i32.const 3)) (elem (i32.const 0) $f)
        (func $f (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))) (func $start) (start $start)
        (data (i32.const 0) "x") (@custom "other" "gone") (@producers (language "C" "11")))"#;
    let before = wasm(text);
    let after = rewritten(text).wasm;
    assert_eq!(unchanged_sections(&before), unchanged_sections(&after));
    let customs = |wasm: &[u8]| {
        let all = Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.unwrap() {
            Payload::CustomSection(custom) => Some(custom.name().to_owned()),
            _ => None,
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(customs(&before), ["other", "producers", "name"]);
    assert_eq!(customs(&after), ["producers", "name"]);
}

#[test]
fn rewrite_refuses_what_inspect_refuses() {
    for text in [
        r#"(module (import "env" "t" (table 1 funcref)))"#,
        r#"(module (import "env" "m" (memory 1)))"#,
        r#"(module (func (export "__faaslet:x")))"#,
        "(module (global (mut funcref) (ref.null func)))",
        "(module (memory 1) (memory 1))",
        "(module (type (struct)))",
    ] {
        assert!(rewrite(&wasm(text)).is_err(), "{text}");
    }
}

#[test]
fn meta_travels_as_json_without_the_bytes_of_the_image() {
    let meta = meta(
        "(module (memory 1) (table 1 funcref) (global (mut i32) (i32.const 0)) (elem (i32.const 0) 0) (data (i32.const 1) \"x\")
            (func (table.set (i32.const 0) (ref.null func))) (start 0))",
    );
    let mut back: ModuleMeta = serde_json::from_str(&serde_json::to_string(&meta).unwrap()).unwrap();
    assert!(back.image_bytes.is_empty());
    back.image_bytes.clone_from(&meta.image_bytes);
    assert_eq!(back, meta);
}

/// A small generator of numbers (xorshift): the same on every run, since a failure has to come again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// An offset expression of the given value, in one of the forms that are allowed.
fn expression(random: &mut Random, value: u32) -> String {
    let other = random.below(1 << 32) as u32;
    let [plain, minus, plus] = [value, value.wrapping_sub(other), value.wrapping_add(other)].map(u32::cast_signed);
    let other = other.cast_signed();
    match random.below(4) {
        0 => format!("(i32.const {plain})"),
        1 => format!("(i32.add (i32.const {other}) (i32.const {minus}))"),
        2 => format!("(i32.sub (i32.const {plus}) (i32.const {other}))"),
        _ => format!("(i32.add (i32.mul (i32.const {minus}) (i32.const 1)) (i32.const {other}))"),
    }
}

#[test]
fn rewrite_keeps_the_memory_and_tables_of_random_modules() {
    const MEMORY: u64 = 65_536;
    const TABLE: u64 = 300;
    for seed in 1..300u64 {
        let random = &mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut text = String::new();
        let mut expected = vec![0u8; MEMORY as usize];
        // Some have segments that overlap, some have many close together.
        let spread = [40, 2_000, MEMORY][random.below(3) as usize];
        for _ in 0..random.below(30) {
            let bytes: Vec<u8> = (0..random.below(20)).map(|_| [0, 0, b'a', b'b'][random.below(4) as usize]).collect();
            let offset = random.below(spread.min(MEMORY - bytes.len() as u64));
            expected[offset as usize..][..bytes.len()].copy_from_slice(&bytes);
            let hex: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
            text += &format!("(data (offset {}) \"{hex}\")", expression(random, offset as u32));
        }
        let mut table = vec![None; TABLE as usize];
        for _ in 0..random.below(10) {
            let functions: Vec<u32> = (0..random.below(20)).map(|_| random.below(5) as u32).collect();
            let offset = random.below(TABLE - functions.len() as u64);
            for (entry, function) in table[offset as usize..].iter_mut().zip(&functions) {
                *entry = Some(*function);
            }
            let list: String = functions.iter().map(|function| format!(" {function}")).collect();
            text += &format!("(elem (offset {}) func {list})", expression(random, offset as u32));
        }
        let text = format!(
            "(module (memory 1) (table {TABLE} funcref) {text} (func) (func) (func) (func)
                (func (table.set (i32.const 0) (ref.null func))))"
        );
        let meta = meta(&text);
        assert!(memory(&meta, MEMORY as usize) == expected, "seed {seed}: memory\n{text}");
        let mut listed = meta.initial_tables[0].clone();
        listed.resize(TABLE as usize, None);
        assert_eq!(listed, table, "seed {seed}: table\n{text}");
        let escaping: std::collections::BTreeSet<u32> = meta.escaping.iter().copied().collect();
        assert!(table.iter().flatten().all(|function| escaping.contains(function)), "seed {seed}");
        assert!(meta.image.iter().map(|piece| piece.length).sum::<usize>() == meta.image_bytes.len(), "seed {seed}");
    }
}
