//! Which export runs when, for every kind of program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use faaslet_module::{StartPlan, Style, plan};
use support::accepted;

/// The plan of a module that exports these functions: `name` of the type () -> (), `name:i` of () -> i32, `name:m` of
/// (i32, i32) -> i32, `name:x` of another one.
fn planned(exports: &str, entry: Option<&str>, init: Option<&str>) -> Result<StartPlan, String> {
    let function = |export: &str| {
        let (name, kind) = export.split_once(':').unwrap_or((export, ""));
        let body = match kind {
            "i" => "(result i32) i32.const 0",
            "m" => "(param i32 i32) (result i32) i32.const 0",
            "x" => "(param i64)",
            _ => "",
        };
        format!("(func (export \"{name}\") {body})")
    };
    let functions: String = exports.split_whitespace().map(function).collect();
    plan(&accepted(&format!("(module {functions})")), entry, init).map_err(|refusal| {
        assert_eq!(refusal.code, "ERR_MODULE_ENTRY");
        refusal.to_string()
    })
}

/// An export that the settings name.
type Setting = Option<&'static str>;

/// `before, before | entry | after`.
fn words(plan: &StartPlan) -> String {
    format!("{} | {} | {}", plan.before_snapshot.join(", "), plan.entry, plan.after_entry.as_deref().unwrap_or("-"))
}

#[test]
fn plan_follows_the_kind_of_program() {
    use Style::{Command, Faasm, Plain, Reactor};
    let cases: [(&str, Setting, Setting, Style, &str); 33] = [
        // Commands.
        ("_start", None, None, Command, " | _start | -"),
        ("_start __main_void:i", None, None, Command, " | _start | -"),
        ("_start memory_size:i malloc:m", None, None, Command, " | _start | -"),
        ("_start other", Some("other"), None, Command, " | other | -"),
        ("_start _faasm_zygote:i", None, None, Command, " | _start | -"),
        // `_start` constructs: nothing may have been constructed before it.
        ("_start __wasm_call_ctors", None, None, Command, " | _start | -"),
        ("_start __wasm_call_ctors __wasm_call_dtors _faasm_zygote:i", None, None, Command, " | _start | -"),
        ("_start __wasm_call_ctors __main_void:i", Some("_start"), None, Command, " | _start | -"),
        ("_start _initialize main:i", Some("_start"), None, Command, " | _start | -"),
        ("_start __wasm_call_ctors main:x", None, None, Command, " | _start | -"),
        // FAASM's own.
        ("__wasm_call_ctors main:i", None, None, Faasm, "__wasm_call_ctors | main | -"),
        (
            "__wasm_call_ctors main:m __wasm_call_dtors",
            None,
            None,
            Faasm,
            "__wasm_call_ctors | main | __wasm_call_dtors",
        ),
        ("__wasm_call_ctors _start __main_void:i", None, None, Faasm, "__wasm_call_ctors | __main_void | -"),
        ("__wasm_call_ctors _start handle", Some("handle"), None, Faasm, "__wasm_call_ctors | handle | -"),
        ("__wasm_call_ctors _faasm_zygote:i main:i", None, None, Faasm, "__wasm_call_ctors, _faasm_zygote | main | -"),
        (
            "__wasm_call_ctors _faasm_zygote setup main:i",
            None,
            Some("setup"),
            Faasm,
            "__wasm_call_ctors, setup | main | -",
        ),
        ("__wasm_call_ctors main:i", None, Some("__wasm_call_ctors"), Faasm, "__wasm_call_ctors | main | -"),
        ("__wasm_call_ctors __original_main:i", None, None, Faasm, "__wasm_call_ctors | __original_main | -"),
        ("__wasm_call_ctors __main_argc_argv:m", None, None, Faasm, "__wasm_call_ctors | __main_argc_argv | -"),
        // Fetches the arguments, then calls the other.
        (
            "__wasm_call_ctors __main_argc_argv:m __main_void:i",
            None,
            None,
            Faasm,
            "__wasm_call_ctors | __main_void | -",
        ),
        ("__wasm_call_ctors __main_void:x main:i", None, None, Faasm, "__wasm_call_ctors | main | -"),
        ("__wasm_call_ctors _initialize main:i", None, None, Faasm, "__wasm_call_ctors | main | -"),
        // Reactors.
        ("_initialize main:i", None, None, Reactor, "_initialize | main | -"),
        ("_initialize handle other malloc:m", None, None, Reactor, "_initialize | handle | -"),
        ("_initialize run:i other", None, None, Reactor, "_initialize | run | -"),
        ("_initialize only free:x", None, None, Reactor, "_initialize | only | -"),
        ("_initialize a b", Some("b"), None, Reactor, "_initialize | b | -"),
        ("_initialize a b _faasm_zygote", Some("b"), None, Reactor, "_initialize, _faasm_zygote | b | -"),
        ("_initialize a b _faasm_zygote", Some("b"), Some("a"), Reactor, "_initialize, a | b | -"),
        // Neither.
        ("main:i", None, None, Plain, " | main | -"),
        ("anything:m", None, None, Plain, " | anything | -"),
        ("a b", Some("b"), Some("a"), Plain, "a | b | -"),
        ("a b", None, Some("a"), Plain, "a | b | -"),
    ];
    for (exports, entry, init, style, expected) in cases {
        let plan = planned(exports, entry, init).unwrap_or_else(|problem| panic!("{exports}: {problem}"));
        assert_eq!((plan.style, words(&plan).as_str()), (style, expected), "{exports} {entry:?} {init:?}");
    }
}

#[test]
fn plan_tells_what_is_wrong_and_what_there_is() {
    let cases: [(&str, Setting, Setting, &[&str]); 15] = [
        ("main:i other:x", Some("mian"), None, &["\"mian\" is not an exported function", "there are: main"]),
        ("main:i", None, Some("setup"), &["initialiser \"setup\" is not an exported function", "main"]),
        (
            "main:x",
            Some("main"),
            None,
            &["\"main\" has the type (i64) -> ()", "() -> () or () -> i32 or (i32, i32) -> i32"],
        ),
        ("main:i setup:m", None, Some("setup"), &["\"setup\" has the type (i32, i32) -> i32", "() -> () or () -> i32"]),
        ("", None, None, &["no function that could be its entry"]),
        ("a:x", None, None, &["no function that could be its entry"]),
        ("malloc:m _faasm_zygote", None, None, &["no function that could be its entry"]),
        ("a b c:x", None, None, &["several possible entries", "a, b"]),
        ("_initialize a b", None, None, &["several possible entries", "a, b"]),
        ("_initialize handle run", None, None, &["several possible entries", "handle, run"]),
        ("_initialize:x main", None, None, &["\"_initialize\" has the type"]),
        ("_start:x", None, None, &["\"_start\" has the type"]),
        ("__wasm_call_ctors main __wasm_call_dtors:i", None, None, &["destructor \"__wasm_call_dtors\" has the type"]),
        (
            "_start setup",
            None,
            Some("setup"),
            &["\"setup\" cannot run", "-mexec-model=reactor", "--export=__wasm_call_ctors"],
        ),
        ("_start __wasm_call_ctors setup", None, Some("setup"), &["--export=__main_void"]),
    ];
    for (exports, entry, init, words) in cases {
        let problem = planned(exports, entry, init).expect_err(exports);
        for word in words {
            assert!(problem.contains(word), "{exports}: {word:?} is not in {problem:?}");
        }
    }
}

#[test]
fn plan_lists_a_bounded_number_of_candidates() {
    let many: Vec<String> = (0..1000).map(|number| format!("f{number}")).collect();
    let problem = planned(&many.join(" "), None, None).unwrap_err();
    assert!(problem.ends_with("f18, f19, …"), "{problem}");
}

#[test]
fn plans_are_written_as_typescript_reads_them() {
    let json = |exports| serde_json::to_value(planned(exports, None, None).unwrap()).unwrap();
    assert_eq!(
        json("__wasm_call_ctors main:i __wasm_call_dtors"),
        serde_json::json!({
            "style": "faasm", "beforeSnapshot": ["__wasm_call_ctors"], "entry": "main", "afterEntry": "__wasm_call_dtors",
        })
    );
    assert_eq!(json("_start"), serde_json::json!({"style": "command", "beforeSnapshot": [], "entry": "_start"}));
}
