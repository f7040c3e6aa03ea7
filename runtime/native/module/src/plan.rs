//! Which export runs when. The rules come from running real builds of clang, Go, Rust and AssemblyScript.

use serde::Serialize;

use crate::refusal::Refusal;
use crate::report::{ExportReport, Report};
use crate::types::shown;

/// What kind of program the exports make a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Only `_start`: runs once, from its constructors to its exit.
    Command,
    /// `_initialize`, then any export.
    Reactor,
    /// `__wasm_call_ctors`, as FAASM's own guests.
    Faasm,
    /// Neither.
    Plain,
}

impl Style {
    pub fn of(exports: &[ExportReport]) -> Self {
        let has = |name: &str| exports.iter().any(|export| export.kind == "function" && export.name == name);
        match () {
            () if has("__wasm_call_ctors") => Self::Faasm,
            () if has("_initialize") => Self::Reactor,
            () if has("_start") => Self::Command,
            () => Self::Plain,
        }
    }
}

/// What runs before the snapshot, in a call, and after it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartPlan {
    pub style: Style,
    pub before_snapshot: Vec<String>,
    pub entry: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_entry: Option<String>,
}

const ZYGOTE: &str = "_faasm_zygote";
/// What `main` is called by different compilers; the first that is exported is the entry.
const MAINS: [&str; 5] = ["main", "__main_void", "__main_argc_argv", "__original_main", "_start"];
const ENTRY_TYPES: [&str; 3] = ["() -> ()", "() -> i32", "(i32, i32) -> i32"];
const INIT_TYPES: [&str; 2] = ["() -> ()", "() -> i32"];
/// Exports that a host calls, never a call's entry.
const NOT_ENTRIES: [&str; 12] = [
    "_initialize",
    "__wasm_call_ctors",
    "__wasm_call_dtors",
    ZYGOTE,
    "malloc",
    "free",
    "calloc",
    "realloc",
    "__new",
    "__pin",
    "__unpin",
    "__collect",
];

/// Decides what runs when; `entry` and `init` are what the settings name.
pub fn plan(report: &Report, entry: Option<&str>, init: Option<&str>) -> Result<StartPlan, Refusal> {
    if let Some(name) = entry {
        check(report, name, "entry", &ENTRY_TYPES)?;
    }
    if let Some(name) = init {
        check(report, name, "initialiser", &INIT_TYPES)?;
    }
    let exported = |name: &str| report.function_words(name).is_some();
    let zygote = || exported(ZYGOTE).then_some(ZYGOTE);
    let mut before_snapshot: Vec<&str> = Vec::new();
    let mut after_entry = None;
    match report.style {
        Style::Command => {
            let asks_for_start = entry.is_none_or(|entry| entry == "_start");
            if let (Some(init), true) = (init, asks_for_start) {
                return Err(refusal(format!(
                    "the initialiser {:?} cannot run before _start, which would construct everything again; link with \
                     -Wl,--export=__wasm_call_ctors or -mexec-model=reactor",
                    shown(init)
                )));
            }
            before_snapshot.extend(init);
        }
        Style::Reactor => {
            before_snapshot.push("_initialize");
            before_snapshot.extend(init.or_else(zygote));
        }
        Style::Faasm => {
            before_snapshot.push("__wasm_call_ctors");
            before_snapshot.extend(init.or_else(zygote));
            after_entry = exported("__wasm_call_dtors").then(|| "__wasm_call_dtors".to_owned());
        }
        Style::Plain => before_snapshot.extend(init.or_else(zygote)),
    }
    for name in &before_snapshot {
        check(report, name, "initialiser", &INIT_TYPES)?;
    }
    let entry = match entry {
        Some(entry) => entry.to_owned(),
        None => find_entry(report, &before_snapshot)?,
    };
    // `_start` runs the destructors itself.
    let after_entry = after_entry.filter(|_| entry != "_start");
    Ok(StartPlan {
        style: report.style,
        before_snapshot: before_snapshot.into_iter().map(str::to_owned).collect(),
        entry,
        after_entry,
    })
}

fn find_entry(report: &Report, before: &[&str]) -> Result<String, Refusal> {
    if report.style == Style::Command {
        check(report, "_start", "entry", &ENTRY_TYPES)?;
        return Ok("_start".into());
    }
    let fits = |name: &str| report.function_words(name).is_some_and(|words| ENTRY_TYPES.contains(&words));
    if let Some(main) = MAINS.iter().find(|name| fits(name)) {
        return Ok((*main).to_owned());
    }
    let mut others =
        candidates(report, &ENTRY_TYPES).filter(|name| !before.contains(name) && !NOT_ENTRIES.contains(name));
    match (others.next(), others.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        (None, _) => Err(refusal(
            "the module exports no function that could be its entry: () -> (), () -> i32 or (i32, i32) -> i32",
        )),
        (Some(_), Some(_)) => Err(refusal(format!(
            "the module has several possible entries; name one of them: {}",
            list(report, &ENTRY_TYPES)
        ))),
    }
}

fn check(report: &Report, name: &str, role: &str, types: &[&str]) -> Result<(), Refusal> {
    match report.function_words(name) {
        Some(words) if types.contains(&words) => Ok(()),
        Some(words) => Err(refusal(format!(
            "the {role} {:?} has the type {words}, but it has to be {}",
            shown(name),
            types.join(" or ")
        ))),
        None => Err(refusal(format!(
            "the {role} {:?} is not an exported function; there are: {}",
            shown(name),
            list(report, types)
        ))),
    }
}

fn candidates<'a>(report: &'a Report, types: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let fit =
        report.exports.iter().filter(|export| export.kind == "function" && types.contains(&export.words.as_str()));
    fit.map(|export| export.name.as_str())
}

fn list(report: &Report, types: &[&str]) -> String {
    const LISTED_MAX: usize = 20;
    let names: Vec<_> = candidates(report, types).take(LISTED_MAX).map(shown).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn refusal(problem: impl Into<String>) -> Refusal {
    Refusal::new("ERR_MODULE_ENTRY", problem)
}
