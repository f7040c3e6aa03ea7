//! The one error of the add-on: a stable code from `errors.ts` and a message for people.

use std::fmt;

/// Why something did not happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// One of the codes of `errors.ts`; a check holds both lists equal.
    pub code: &'static str,
    pub message: String,
}

impl Fault {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A state that cannot be: reported with its place, never an abort.
    #[track_caller]
    pub fn bug(message: impl fmt::Display) -> Self {
        let place = std::panic::Location::caller();
        Self::new("ERR_BUG", format!("{message} ({}:{})", place.file(), place.line()))
    }

    /// The machine has no room: address space, mappings, descriptors or threads.
    pub fn capacity(what: &str, error: impl fmt::Display) -> Self {
        Self::new("ERR_CAPACITY", format!("{what}: {error}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}
