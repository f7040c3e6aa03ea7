//! Types in words, and the two value types of the host interface.

use serde::Serialize;
use wasmparser::{FuncType, ValType};

/// A value type of the host interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    I32,
    I64,
}

impl ValueType {
    fn core(self) -> ValType {
        match self {
            Self::I32 => ValType::I32,
            Self::I64 => ValType::I64,
        }
    }
}

/// A function that the host offers.
#[derive(Debug, Clone)]
pub struct ImportSignature {
    pub module: String,
    pub name: String,
    pub params: Vec<ValueType>,
    pub results: Vec<ValueType>,
}

impl ImportSignature {
    /// Whether a module's idea of the type is exactly ours.
    pub fn is(&self, theirs: &FuncType) -> bool {
        let same =
            |ours: &[ValueType], theirs: &[ValType]| ours.iter().map(|kind| kind.core()).eq(theirs.iter().copied());
        same(&self.params, theirs.params()) && same(&self.results, theirs.results())
    }

    pub fn words(&self) -> String {
        let core = |kinds: &[ValueType]| kinds.iter().map(|kind| kind.core()).collect::<Vec<_>>();
        function_words(&core(&self.params), &core(&self.results))
    }
}

/// `(i32, i64) -> i32`.
pub fn function_words(params: &[ValType], results: &[ValType]) -> String {
    let list = |kinds: &[ValType]| kinds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match results {
        [one] => format!("({}) -> {one}", list(params)),
        _ => format!("({}) -> ({})", list(params), list(results)),
    }
}

/// A guest's name as people may see it: bounded, without control characters.
pub fn shown(name: &str) -> String {
    const SHOWN_MAX: usize = 120;
    let mut text: String = name.chars().take(SHOWN_MAX).flat_map(char::escape_default).collect();
    if name.chars().count() > SHOWN_MAX {
        text.push('…');
    }
    text
}
