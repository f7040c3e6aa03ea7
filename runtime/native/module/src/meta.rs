//! What the runtime needs to know of a rewritten module; it travels with the machine code.

use serde::{Deserialize, Serialize};

/// Prefix of the exports that the rewrite adds; a module that uses it is refused.
pub const RESERVED_PREFIX: &str = "__faaslet:";
/// The module's memory.
pub const MEMORY_EXPORT: &str = "__faaslet:memory";
/// The function that was the module's start function.
pub const START_EXPORT: &str = "__faaslet:start";

/// The export of a table.
pub fn table_export(index: usize) -> String {
    format!("{RESERVED_PREFIX}table:{index}")
}

/// The export of a function that a table may come to refer to.
pub fn function_export(index: u32) -> String {
    format!("{RESERVED_PREFIX}function:{index}")
}

/// The export of a mutable global.
pub fn global_export(index: u32) -> String {
    format!("{RESERVED_PREFIX}global:{index}")
}

/// How to start, snapshot and reset the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleMeta {
    pub memory: Option<MemoryShape>,
    /// What the memory holds at the start; later pieces win.
    pub image: Vec<Piece>,
    /// The bytes that `image` refers to; kept apart, since they are many.
    #[serde(skip)]
    pub image_bytes: Vec<u8>,
    pub mutable_globals: Vec<GlobalExport>,
    pub start_export: Option<String>,
    /// The tables, when code writes to them; else there is nothing to keep of them.
    pub tables: Vec<TableShape>,
    /// True when a used Faaslet cannot be made new again: dropped segments and written tables stay as they are.
    pub restore_each_call: bool,
    /// Functions that a table may refer to, ascending; each is exported.
    pub escaping: Vec<u32>,
    /// The entries of `tables` after instantiation; null beyond what is listed.
    pub initial_tables: Vec<Vec<Option<u32>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryShape {
    pub minimum_pages: u64,
    pub maximum_pages: Option<u64>,
}

/// A run of bytes at the start: `length` bytes from `start` of the image bytes lie at `offset` of the memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    pub offset: u64,
    pub start: usize,
    pub length: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlobalExport {
    pub export: String,
    /// The value type in words, e.g. `i32`.
    pub kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableShape {
    pub export: String,
    pub minimum: u32,
    pub maximum: Option<u64>,
}
