//! Panics in trusted code: kept for the error that they become, never printed, never the end of the process.

use std::cell::RefCell;
use std::sync::Once;

use crate::fault::Fault;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Replaces the hook of this library's own copy of the standard library; the runtime that loaded it has another.
pub fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let what = info.payload_as_str().unwrap_or("panic");
            LAST.with_borrow_mut(|last| *last = Some(format!("{what} ({place})")));
        }));
    });
}

/// The panic that this thread just caught.
pub fn last() -> Fault {
    let what = LAST.with_borrow_mut(Option::take);
    Fault::new("ERR_BUG", what.unwrap_or_else(|| "panic".into()))
}
