//! Between JavaScript's values and ours.

use napi::Error;

use crate::fault::Fault;

/// An error whose `code` is ours.
pub type Coded = Error<&'static str>;

impl From<Fault> for Coded {
    fn from(fault: Fault) -> Self {
        Error::new(fault.code, fault.message)
    }
}

/// Codes with which whoever answers a slow host call may end the call that asked.
const ANSWERED: [&str; 14] = [
    "ERR_CAPACITY",
    "ERR_CHAIN_BUDGET",
    "ERR_CHAIN_DEPTH",
    "ERR_CONFLICT",
    "ERR_DRAINING",
    "ERR_FORBIDDEN",
    "ERR_GUEST_MISUSE",
    "ERR_LOCK_LOST",
    "ERR_NAME_INVALID",
    "ERR_PRECONDITION",
    "ERR_QUOTA",
    "ERR_RANGE",
    "ERR_STATE_LIMIT",
    "ERR_STORAGE",
];

/// A code, a line feed and a message.
pub fn fault_of(text: &str) -> Fault {
    let (code, message) = text.split_once('\n').unwrap_or(("", text));
    match ANSWERED.iter().find(|known| **known == code) {
        Some(known) => Fault::new(known, message),
        None => Fault::bug(format!("a slow host call failed with {code}: {message}")),
    }
}

/// Variables from one string of `NAME=value` entries, each ended by NUL: one value crosses instead of many.
pub fn variables(text: &str) -> Vec<(String, String)> {
    let pairs = text.split_terminator('\0').filter_map(|entry| entry.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
