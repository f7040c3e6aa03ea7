//! How much of everything a module may hold. The numbers and their reasons stand in `limits.ts`.

use serde::Deserialize;

use crate::refusal::Refusal;

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
    /// Of one function.
    pub locals_max: u64,
    /// Of one function's body.
    pub function_bytes_max: u64,
    /// Of one instruction.
    pub branch_table_targets_max: u64,
    /// Blocks inside blocks.
    pub nesting_max: u64,
    /// What the instructions of all functions take from and put on the stack.
    pub operands_max: u64,
    pub custom_sections_max: u64,
    /// Of all custom sections together.
    pub custom_section_bytes_max: u64,
    /// Of one name of an import or export.
    pub name_bytes_max: u64,
    /// Of the names of all exports together.
    pub export_name_bytes_max: u64,
    /// At the start.
    pub memory_pages_max: u64,
    /// At the start, of all tables together.
    pub table_elements_max: u64,
}

/// Collects what is over a limit. A module is read on while that costs nothing, so that all of it is named.
#[derive(Debug, Default)]
pub struct Excess {
    problems: Vec<String>,
    unlisted: usize,
}

impl Excess {
    const LISTED_MAX: usize = 100;

    /// True when `count` is within `max`.
    pub fn check(&mut self, count: u64, max: u64, what: impl FnOnce() -> String) -> bool {
        if count > max {
            if self.problems.len() < Self::LISTED_MAX {
                self.problems.push(format!("{}: {count} is over the limit of {max}", what()));
            } else {
                self.unlisted += 1;
            }
        }
        count <= max
    }

    pub fn refusal(mut self) -> Result<(), Refusal> {
        if self.unlisted > 0 {
            self.problems.push(format!("and {} more", self.unlisted));
        }
        Refusal::unless_empty("ERR_MODULE_LIMIT", self.problems)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_takes_the_limit_and_names_what_is_over_it() {
        let mut excess = Excess::default();
        assert!(excess.check(5, 5, || "types".into()));
        assert!(!excess.check(6, 5, || "types".into()));
        let refusal = excess.refusal().unwrap_err();
        assert_eq!(refusal.code, "ERR_MODULE_LIMIT");
        assert_eq!(refusal.problems, ["types: 6 is over the limit of 5"]);
    }

    #[test]
    fn refusal_lists_a_bounded_number_of_problems() {
        let mut excess = Excess::default();
        for _ in 0..1000 {
            excess.check(1, 0, || "x".into());
        }
        let refusal = excess.refusal().unwrap_err();
        assert_eq!(refusal.problems.len(), Excess::LISTED_MAX + 1);
        assert_eq!(refusal.problems.last().unwrap(), "and 900 more");
    }
}
