//! What a file holds and where it goes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use faaslet_module::{DataMode, layout};
use support::wasm;

#[test]
fn layout_tells_sections_segments_and_marks() {
    let module = wasm(
        r#"(module
            (memory 2 4)
            (global i32 (i32.const 4096))
            (global (export "__heap_base") i32 (i32.add (i32.const 4096) (i32.const 16)))
            (global (export "__stack_pointer") (mut i32) (i32.const 1024))
            (data (i32.const 8) "a\00b")
            (data (offset (i32.add (i32.const 4096) (i32.const 4095))) "xy")
            (data "passive"))"#,
    );
    let layout = layout(&module).unwrap();
    let sections: Vec<_> = layout.sections.iter().map(|section| section.name.as_str()).collect();
    assert_eq!(sections, ["memory", "global", "export", "data"]);
    for section in &layout.sections {
        // One byte for the id, one for the length of such small sections.
        assert_eq!(module[section.offset - 2], section.id);
        assert_eq!(usize::from(module[section.offset - 1]), section.bytes);
    }
    let data: Vec<_> =
        layout.data.iter().map(|data| (data.mode, data.offset, data.expression.as_deref(), data.bytes)).collect();
    assert_eq!(
        data,
        [
            (DataMode::Active, Some(8), None, 3),
            (DataMode::Active, Some(8191), Some("i32.const 4096 i32.const 4095 i32.add"), 2),
            (DataMode::Passive, None, None, 7),
        ]
    );
    assert_eq!(layout.data[0].non_zero_bytes, 2);
    let memory = layout.memory.unwrap();
    assert_eq!((memory.minimum_pages, memory.maximum_pages, memory.bytes), (2, Some(4), 131_072));
    // The first, and the two on which the second segment lies.
    assert_eq!(memory.host_pages_used, 3);
    let marks: Vec<_> = layout.marks.iter().map(|mark| (mark.name.as_str(), mark.value)).collect();
    assert_eq!(marks, [("__heap_base", 4112), ("__stack_pointer", 1024)]);
}

#[test]
fn layout_takes_modules_that_import_globals() {
    let module = wasm(
        r#"(module (import "env" "base" (global i32)) (import "env" "memory" (memory 1))
            (global (export "own") i32 (i32.const 7))
            (export "theirs" (global 0))
            (data (global.get 0) "x") (data (offset (i32.mul (global.get 0) (i32.const 2))) "y"))"#,
    );
    let layout = layout(&module).unwrap();
    assert_eq!(layout.data[0].offset, None);
    assert_eq!(layout.data[0].expression.as_deref(), Some("global.get 0"));
    assert_eq!(layout.data[1].expression.as_deref(), Some("global.get 0 i32.const 2 i32.mul"));
    assert!(layout.memory.is_none());
    assert_eq!(layout.marks.iter().map(|mark| (mark.name.as_str(), mark.value)).collect::<Vec<_>>(), [("own", 7)]);
}

#[test]
fn layout_names_custom_sections() {
    let layout = layout(&wasm(r#"(module (@custom "odd\1b" "abc"))"#)).unwrap();
    assert_eq!(layout.sections[0].name, "custom odd\\u{1b}");
}

#[test]
fn layout_refuses_what_is_not_a_valid_module() {
    assert_eq!(layout(b"\x7fELF").unwrap_err().code, "ERR_MODULE_FORMAT");
    assert_eq!(layout(&wasm("(module (func (result i32)))")).unwrap_err().code, "ERR_MODULE_INVALID");
    assert_eq!(layout(&wasm("(module (memory i64 1))")).unwrap_err().code, "ERR_MODULE_FEATURE");
}

#[test]
fn layout_is_written_as_typescript_reads_it() {
    let layout = layout(&wasm("(module (memory 1) (data (i32.const 3) \"x\") (data \"y\"))")).unwrap();
    let json = serde_json::to_value(&layout).unwrap();
    assert_eq!(json["data"][0], serde_json::json!({"mode": "active", "offset": 3, "bytes": 1, "nonZeroBytes": 1}));
    assert_eq!(json["data"][1], serde_json::json!({"mode": "passive", "offset": null, "bytes": 1, "nonZeroBytes": 1}));
    assert_eq!(
        json["memory"],
        serde_json::json!({"minimumPages": 1, "maximumPages": null, "bytes": 65_536, "hostPagesUsed": 1})
    );
    assert_eq!(json["marks"], serde_json::json!([]));
}
