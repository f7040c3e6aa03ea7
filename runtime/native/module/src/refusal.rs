//! Why a module is not taken: one code, and every problem of that kind.

use std::fmt;

/// A refusal. The codes are those of `errors.ts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    /// At least one; a sentence each, without a full stop.
    pub problems: Vec<String>,
}

impl Refusal {
    pub fn new(code: &'static str, problem: impl Into<String>) -> Self {
        Self { code, problems: vec![problem.into()] }
    }

    pub fn invalid(problem: impl fmt::Display) -> Self {
        Self::new("ERR_MODULE_INVALID", problem.to_string())
    }

    /// A refusal when there are problems.
    pub fn unless_empty(code: &'static str, problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { code, problems }) }
    }
}

impl From<wasmparser::BinaryReaderError> for Refusal {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::invalid(format!("{} (at offset {:#x})", error.message(), error.offset()))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("; "))
    }
}

impl std::error::Error for Refusal {}
