//! Which export runs when. The rules come from running real builds of clang, Go, Rust and AssemblyScript.

use serde::Serialize;

use crate::refusal::Refusal;
use crate::report::{ExportReport, Report};
use crate::style::{CONSTRUCTORS, DESTRUCTORS, ENTRY_TYPES, INITIALIZE, MAINS, START, Style, ZYGOTE};
use crate::types::{quoted, shown};

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

const INIT_TYPES: [&str; 2] = ["() -> ()", "() -> i32"];
const DESTRUCTOR_TYPES: [&str; 1] = ["() -> ()"];
/// What functions without a main function are called by custom.
const HANDLERS: [&str; 2] = ["handle", "run"];
/// Exports that a host calls, never a call's entry.
const NOT_ENTRIES: [&str; 14] = [
    CONSTRUCTORS,
    DESTRUCTORS,
    INITIALIZE,
    ZYGOTE,
    "malloc",
    "free",
    "calloc",
    "realloc",
    "__new",
    "__pin",
    "__unpin",
    "__collect",
    "__faaslet_alloc",
    "__faaslet_reseed",
];

/// Decides what runs when; `entry` and `init` are what the settings name.
pub fn plan(report: &Report, entry: Option<&str>, init: Option<&str>) -> Result<StartPlan, Refusal> {
    if let Some(name) = entry {
        check(report, name, "entry", &ENTRY_TYPES)?;
    }
    if let Some(name) = init {
        check(report, name, "initialiser", &INIT_TYPES)?;
    }
    let style = Style::of(&report.exports, entry);
    let before = before_snapshot(report, style, init)?;
    let entry = match entry {
        Some(entry) => entry,
        None => find_entry(report, style, &before)?,
    };
    let after = match style {
        Style::Faasm if report.function_words(DESTRUCTORS).is_some() => {
            check(report, DESTRUCTORS, "destructor", &DESTRUCTOR_TYPES)?;
            Some(DESTRUCTORS.to_owned())
        }
        // `_start` calls them itself, and a reactor never ends.
        _ => None,
    };
    Ok(StartPlan {
        style,
        before_snapshot: before.into_iter().map(str::to_owned).collect(),
        entry: entry.to_owned(),
        after_entry: after,
    })
}

fn before_snapshot<'a>(report: &Report, style: Style, init: Option<&'a str>) -> Result<Vec<&'a str>, Refusal> {
    let zygote = report.function_words(ZYGOTE).map(|_| ZYGOTE);
    let before = match style {
        Style::Command => match init {
            None => Vec::new(),
            Some(init) => {
                return Err(refusal(format!(
                    "the initialiser {} cannot run before a command, which would construct everything again; link with \
                     -Wl,--export=__wasm_call_ctors,--export=__main_void or -mexec-model=reactor",
                    quoted(init)
                )));
            }
        },
        Style::Reactor => with(INITIALIZE, init.or(zygote)),
        Style::Faasm => with(CONSTRUCTORS, init.or(zygote)),
        Style::Plain => init.or(zygote).into_iter().collect(),
    };
    for name in &before {
        check(report, name, "initialiser", &INIT_TYPES)?;
    }
    Ok(before)
}

/// Constructors run once, also when the settings name them as the initialiser.
fn with<'a>(first: &'a str, second: Option<&'a str>) -> Vec<&'a str> {
    std::iter::once(first).chain(second.filter(|second| *second != first)).collect()
}

fn find_entry<'a>(report: &'a Report, style: Style, before: &[&str]) -> Result<&'a str, Refusal> {
    if style == Style::Command {
        check(report, START, "entry", &ENTRY_TYPES)?;
        return Ok(START);
    }
    let names = || {
        let all = candidates(report, &ENTRY_TYPES);
        all.filter(|name| !before.contains(name) && !NOT_ENTRIES.contains(name) && *name != START)
    };
    if let Some(main) = MAINS.iter().find(|main| names().any(|name| name == **main)) {
        return Ok(main);
    }
    let mut handlers = names().filter(|name| HANDLERS.contains(name));
    if let (Some(handler), None) = (handlers.next(), handlers.next()) {
        return Ok(handler);
    }
    let mut others = names();
    match (others.next(), others.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(refusal(format!(
            "the module exports no function that could be its entry: one of the type {}",
            ENTRY_TYPES.join(" or ")
        ))),
        (Some(_), Some(_)) => {
            Err(refusal(format!("the module has several possible entries; name one of them: {}", list(names()))))
        }
    }
}

fn check(report: &Report, name: &str, role: &str, types: &[&str]) -> Result<(), Refusal> {
    match report.function_words(name) {
        Some(words) if types.contains(&words) => Ok(()),
        Some(words) => Err(refusal(format!(
            "the {role} {} has the type {words}, but it has to be {}",
            quoted(name),
            types.join(" or ")
        ))),
        None => Err(refusal(format!(
            "the {role} {} is not an exported function; there are: {}",
            quoted(name),
            list(candidates(report, types))
        ))),
    }
}

fn candidates<'a>(report: &'a Report, types: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let fits = |export: &&ExportReport| export.kind == "function" && types.contains(&export.words.as_str());
    report.exports.iter().filter(fits).map(|export| export.name.as_str())
}

fn list<'a>(mut names: impl Iterator<Item = &'a str>) -> String {
    const LISTED_MAX: usize = 20;
    let mut listed: Vec<_> = names.by_ref().take(LISTED_MAX).map(shown).collect();
    if names.next().is_some() {
        listed.push("…".into());
    }
    if listed.is_empty() { "none".into() } else { listed.join(", ") }
}

fn refusal(problem: impl Into<String>) -> Refusal {
    Refusal::new("ERR_MODULE_ENTRY", problem)
}
