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

/// `(i32, i64) -> i32`; bounded, since a type may have a thousand parameters.
pub fn function_words(params: &[ValType], results: &[ValType]) -> String {
    match results {
        [one] => format!("({}) -> {one}", list(params)),
        _ => format!("({}) -> ({})", list(params), list(results)),
    }
}

fn list(kinds: &[ValType]) -> String {
    const LISTED_MAX: usize = 20;
    let mut words: Vec<_> = kinds.iter().take(LISTED_MAX).map(ToString::to_string).collect();
    if kinds.len() > LISTED_MAX {
        words.push(format!("{} more", kinds.len() - LISTED_MAX));
    }
    words.join(", ")
}

/// `2 pages or more`, `0 to 1 entries`.
pub fn bounds_words(minimum: u64, maximum: Option<u64>, unit: &str) -> String {
    match maximum {
        Some(maximum) => format!("{minimum} to {maximum} {unit}"),
        None => format!("{minimum} {unit} or more"),
    }
}

/// A guest's name in quotes, as [`shown`].
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", shown(name))
}

/// A guest's name as people may see it: bounded, without control characters.
pub fn shown(name: &str) -> String {
    const SHOWN_MAX: usize = 120;
    let mut characters = name.chars();
    let mut text: String = characters.by_ref().take(SHOWN_MAX).flat_map(char::escape_default).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ValType::{F64, I32, I64};

    #[test]
    fn function_words_are_those_that_plans_compare() {
        assert_eq!(function_words(&[], &[]), "() -> ()");
        assert_eq!(function_words(&[], &[I32]), "() -> i32");
        assert_eq!(function_words(&[I32, I64], &[F64]), "(i32, i64) -> f64");
        assert_eq!(function_words(&[I32], &[I32, I32]), "(i32) -> (i32, i32)");
        assert!(function_words(&[I32; 1000], &[]).ends_with("i32, 980 more) -> ()"));
    }

    #[test]
    fn shown_escapes_and_shortens() {
        assert_eq!(shown("a\u{1b}[1m\u{202e}"), "a\\u{1b}[1m\\u{202e}");
        assert_eq!(shown(&"x".repeat(500)).chars().count(), 121);
        assert_eq!(shown(&"x".repeat(120)), "x".repeat(120));
    }
}
