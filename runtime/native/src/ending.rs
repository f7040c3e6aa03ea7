//! How a guest's run ended, from the error that Wasmtime hands back.

use std::fmt::Write;

use faaslet_wasi::{Ended, Interrupt, Misuse};
use wasmtime::{Error, FrameInfo, Trap, WasmBacktrace};

use crate::fault::Fault;

/// Every way in which an export can end other than by returning.
pub enum Ending {
    /// `proc_exit`.
    Exit(i32),
    Cancelled,
    Deadline,
    /// A trap, a misuse of the host interface, a limit.
    Fault(Fault),
}

impl Ending {
    pub fn of(error: &Error) -> Self {
        if let Some(ended) = error.downcast_ref::<Ended>() {
            return match ended {
                Ended::Exit(value) => Self::Exit(*value),
                Ended::Interrupted(Interrupt::Cancelled) => Self::Cancelled,
                Ended::Interrupted(Interrupt::Deadline) => Self::Deadline,
                Ended::OutputLimit => {
                    Self::Fault(Fault::new("ERR_OUTPUT_LIMIT", "the output is over the function's limit"))
                }
                Ended::Unanswered => {
                    let what = "an initialiser cannot look up names, open shared files or make HTTP requests";
                    Self::Fault(Fault::new("ERR_GUEST_MISUSE", with_backtrace(what, error)))
                }
            };
        }
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return Self::Fault(Fault::new(fault.code, with_backtrace(&fault.message, error)));
        }
        if let Some(misuse) = Misuse::of(error) {
            let code = if misuse.is_pointer { "ERR_GUEST_POINTER" } else { "ERR_GUEST_MISUSE" };
            return Self::Fault(Fault::new(code, with_backtrace(&misuse.message, error)));
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => {
                Self::Fault(Fault::new("ERR_GUEST_STACK", with_backtrace("call stack exhausted", error)))
            }
            Some(trap) => {
                let what = trap.to_string();
                let what = what.strip_prefix("wasm trap: ").unwrap_or(&what);
                Self::Fault(Fault::new("ERR_GUEST_TRAP", with_backtrace(what, error)))
            }
            None => Self::Fault(Fault::new("ERR_GUEST_TRAP", with_backtrace(&error.to_string(), error))),
        }
    }
}

/// The message with a line for each frame of the guest's stack, innermost first.
fn with_backtrace(message: &str, error: &Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    format!("{message}{}", frame_lines(frames.iter()))
}

/// A line for each frame, each after a line feed.
pub fn frame_lines<'a>(frames: impl Iterator<Item = &'a FrameInfo>) -> String {
    let mut text = String::new();
    for (depth, frame) in frames.enumerate() {
        // Names are the guest's: control characters must not reach a terminal.
        let name: String = match frame.func_name() {
            Some(name) => name.chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect(),
            None => format!("function {}", frame.func_index()),
        };
        let _ = write!(text, "\n  {depth}: {name}");
        if let Some(offset) = frame.module_offset() {
            let _ = write!(text, " (at {offset:#x})");
        }
    }
    text
}
