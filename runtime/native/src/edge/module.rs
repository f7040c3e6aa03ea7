//! Modules before they are functions: inspect, compile, lay out. Results are JSON documents.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use faaslet_module::{ImportSignature, Limits, Refusal, Report, Rules, StartPlan};
use napi::bindgen_prelude::AsyncTask;
use napi::{Env, Task};
use napi_derive::napi;
use serde::{Deserialize, Serialize};

use super::convert::Coded;
use crate::artefact;
use crate::engine::engine;
use crate::fault::Fault;
use crate::host::{HOST_FUNCTIONS, ValueType};

/// What the check of an upload is told.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inspection {
    entry: Option<String>,
    init: Option<String>,
    limits: Limits,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Verdict {
    Accepted { report: Box<Report>, plan: StartPlan },
    Refused { refusal: RefusalText },
}

#[derive(Serialize)]
struct RefusalText {
    code: &'static str,
    problems: Vec<String>,
}

/// Checks a module against the host interface and the limits. `options` is the JSON of `{entry?, init?, limits}`; the answer
/// is the JSON of `{report, plan}` or of `{refusal: {code, problems}}`.
#[napi(catch_unwind)]
pub fn inspect_module(wasm: &[u8], options: String) -> Result<String, Coded> {
    Ok(inspect(wasm, &options)?)
}

/// The same on a thread of the runtime's pool: a large module keeps its reader busy for seconds.
#[napi(catch_unwind, ts_return_type = "Promise<string>")]
pub fn inspect_module_aside(wasm: &[u8], options: String) -> AsyncTask<Inspecting> {
    AsyncTask::new(Inspecting { wasm: wasm.to_vec(), options })
}

/// An inspection that is under way; it has the bytes to itself.
pub struct Inspecting {
    wasm: Vec<u8>,
    options: String,
}

impl Task for Inspecting {
    type Output = String;
    type JsValue = String;

    fn compute(&mut self) -> napi::Result<String> {
        // Nobody above catches a panic on that thread.
        let inspected = catch_unwind(AssertUnwindSafe(|| inspect(&self.wasm, &self.options)));
        let inspected = inspected.unwrap_or_else(|_| Err(crate::panics::last()));
        inspected.map_err(|fault| napi::Error::from_reason(fault.message))
    }

    fn resolve(&mut self, _: Env, output: String) -> napi::Result<String> {
        Ok(output)
    }
}

fn inspect(wasm: &[u8], options: &str) -> Result<String, Fault> {
    let options: Inspection = serde_json::from_str(options).map_err(Fault::bug)?;
    let rules = Rules { imports: host_imports(), limits: options.limits };
    let verdict = faaslet_module::inspect(wasm, &rules).and_then(|report| {
        let plan = faaslet_module::plan(&report, options.entry.as_deref(), options.init.as_deref())?;
        Ok((report, plan))
    });
    json(&match verdict {
        Ok((report, plan)) => Verdict::Accepted { report: Box::new(report), plan },
        Err(refusal) => refused(refusal),
    })
}

/// Checks a library against the limits; `options` is their JSON. The answer is the JSON of what it needs, or of a refusal.
#[napi(catch_unwind)]
pub fn inspect_library(wasm: &[u8], options: String) -> Result<String, Coded> {
    let limits: Limits = serde_json::from_str(&options).map_err(Fault::bug)?;
    match faaslet_module::inspect_library(wasm, &limits) {
        Ok(dylink) => Ok(json(&dylink)?),
        Err(refusal) => Ok(json(&refused(refusal))?),
    }
}

/// Whether a file is a library that a program may open while it runs.
#[napi(catch_unwind)]
pub fn is_library(bytes: &[u8]) -> bool {
    faaslet_module::is_library(bytes)
}

/// What a module's file holds, against what its memory looks like after instantiation: JSON, or `{refusal}` as above.
#[napi(catch_unwind)]
pub fn layout_module(wasm: &[u8]) -> Result<String, Coded> {
    Ok(match faaslet_module::layout(wasm) {
        Ok(layout) => json(&layout)?,
        Err(refusal) => json(&refused(refusal))?,
    })
}

/// Rewrites and compiles a module that was inspected. Takes seconds: for the compiler's child.
#[napi(catch_unwind)]
pub fn compile_module(wasm: &[u8]) -> Result<napi::bindgen_prelude::Uint8Array, Coded> {
    Ok(artefact::compile(wasm)?.into())
}

/// Names everything that machine code depends on: engine version, settings, processor features. 16 hexadecimal digits.
#[napi(catch_unwind)]
pub fn engine_hash() -> Result<String, Coded> {
    let mut hasher = DefaultHasher::new();
    engine()?.precompile_compatibility_hash().hash(&mut hasher);
    artefact::FORMAT.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

fn host_imports() -> Vec<ImportSignature> {
    let name_of = |kind: &ValueType| match kind {
        ValueType::I32 => faaslet_module::ValueType::I32,
        ValueType::I64 => faaslet_module::ValueType::I64,
    };
    let ours = HOST_FUNCTIONS.iter().map(|function| ImportSignature {
        module: function.module.into(),
        name: function.name.into(),
        params: function.params.iter().map(name_of).collect(),
        results: function.results.iter().map(name_of).collect(),
    });
    let wasi_name_of = |kind: &faaslet_wasi::ValueType| match kind {
        faaslet_wasi::ValueType::I32 => faaslet_module::ValueType::I32,
        faaslet_wasi::ValueType::I64 => faaslet_module::ValueType::I64,
    };
    let wasi = faaslet_wasi::SIGNATURES.iter().map(|signature| ImportSignature {
        module: "wasi_snapshot_preview1".into(),
        name: signature.name.into(),
        params: signature.params.iter().map(wasi_name_of).collect(),
        results: signature.results.iter().map(wasi_name_of).collect(),
    });
    ours.chain(wasi).collect()
}

fn refused(refusal: Refusal) -> Verdict {
    Verdict::Refused { refusal: RefusalText { code: refusal.code, problems: refusal.problems } }
}

fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::bug)
}
