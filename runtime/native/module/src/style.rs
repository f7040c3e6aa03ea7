//! What kind of program a module is, from its exports.

use serde::Serialize;

use crate::report::ExportReport;

/// How a program wants to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// `_start`: runs once, from its constructors to its exit.
    Command,
    /// `_initialize`, then any export.
    Reactor,
    /// `__wasm_call_ctors`, then the program's main function; as FAASM's own guests.
    Faasm,
    /// None of these.
    Plain,
}

pub const CONSTRUCTORS: &str = "__wasm_call_ctors";
pub const DESTRUCTORS: &str = "__wasm_call_dtors";
pub const INITIALIZE: &str = "_initialize";
pub const START: &str = "_start";
/// The Proto-Faaslet initialiser of FAASM's guests.
pub const ZYGOTE: &str = "_faasm_zygote";

/// What `main` is called by different compilers. The first that is exported is the entry: `__main_void` fetches the arguments
/// before it calls the others.
pub const MAINS: [&str; 4] = ["__main_void", "main", "__main_argc_argv", "__original_main"];
/// Types that a call's entry may have, in words.
pub const ENTRY_TYPES: [&str; 3] = ["() -> ()", "() -> i32", "(i32, i32) -> i32"];

impl Style {
    /// `entry` is what the settings name. `_start` calls the constructors itself: a module that is entered there is a command,
    /// whatever else it exports, or they would run twice and undo what the initialiser did.
    pub fn of(exports: &[ExportReport], entry: Option<&str>) -> Self {
        let find = |name: &str| exports.iter().find(|export| export.kind == "function" && export.name == name);
        let has = |name: &str| find(name).is_some();
        let has_main = MAINS.iter().filter_map(|name| find(name)).any(ExportReport::may_be_entry);
        let is_started = match entry {
            Some(entry) => entry == START,
            None => !has_main,
        };
        match () {
            () if has(CONSTRUCTORS) && !(has(START) && is_started) => Self::Faasm,
            () if has(INITIALIZE) && entry != Some(START) => Self::Reactor,
            () if has(START) => Self::Command,
            () => Self::Plain,
        }
    }
}
