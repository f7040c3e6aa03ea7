//! A Proto-Faaslet on its way out, as bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::bindgen_prelude::Uint8Array;
use napi::{Env, Task};
use napi_derive::napi;

use crate::function::Function;
use crate::proto::{self, Export};

/// What became of an export. Neither field: there is nothing to write down, since no initialiser ran.
#[napi(object)]
pub struct NativeSnapshot {
    pub bytes: Option<Uint8Array>,
    /// Why it cannot be written down.
    pub hindrance: Option<String>,
}

/// An export that is under way; it holds the function.
pub struct Exporting {
    function: Arc<Function>,
    bytes_max: usize,
}

impl Exporting {
    pub fn of(function: Arc<Function>, bytes_max: usize) -> Self {
        Self { function, bytes_max }
    }
}

impl Task for Exporting {
    type Output = Export;
    type JsValue = NativeSnapshot;

    fn compute(&mut self) -> napi::Result<Export> {
        // Nobody above catches a panic on that thread.
        let exported = catch_unwind(AssertUnwindSafe(|| proto::export(&self.function, self.bytes_max)));
        let exported = exported.unwrap_or_else(|_| Err(crate::panics::last()));
        exported.map_err(|fault| napi::Error::from_reason(fault.to_string()))
    }

    fn resolve(&mut self, _: Env, export: Export) -> napi::Result<NativeSnapshot> {
        Ok(match export {
            Export::Stored(bytes) => NativeSnapshot { bytes: Some(bytes.into()), hindrance: None },
            Export::NotNeeded => NativeSnapshot { bytes: None, hindrance: None },
            Export::Hindered(why) => NativeSnapshot { bytes: None, hindrance: Some(why) },
        })
    }
}
