//! How much of everything a module may hold. The numbers and their reasons stand in `limits.ts`.

use serde::Deserialize;

/// `MODULE_LIMITS` of `limits.ts`, and the two limits that a function's settings and the host add.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    pub bytes_max: u64,
    pub functions_max: u64,
    pub types_max: u64,
    pub imports_max: u64,
    pub exports_max: u64,
    pub globals_max: u64,
    pub tables_max: u64,
    pub data_segments_max: u64,
    pub element_segments_max: u64,
    pub locals_max: u64,
    pub function_bytes_max: u64,
    pub branch_table_targets_max: u64,
    pub nesting_max: u64,
    pub custom_section_bytes_max: u64,
    pub name_bytes_max: u64,
    pub memory_pages_max: u64,
    pub table_elements_max: u64,
}

/// Collects what is over a limit. A module is read on while the excess costs nothing, so that all of it is named.
#[derive(Debug, Default)]
pub struct Excess(Vec<String>);

impl Excess {
    /// True when `count` is within `max`.
    pub fn check(&mut self, what: &str, count: u64, max: u64) -> bool {
        if count > max {
            self.0.push(format!("{what}: {count} is over the limit of {max}"));
        }
        count <= max
    }

    pub fn problems(self) -> Vec<String> {
        self.0
    }
}
