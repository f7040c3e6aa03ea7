//! A new instance and one call of an export that takes nothing and gives an i32, again and again.

use std::time::Instant;

use serde_json::{Value, json};
use wasmtime::{Engine, InstancePre, Linker, Module, Result, Store, UpdateDeadline, format_err};

/// Nanoseconds of one run.
struct Run {
    /// Store, instance, and the export found and typed.
    start: u64,
    exec: u64,
    /// Instance and store given back.
    drop: u64,
}

/// Rounds over one module; what can be done once for all instances is done here.
pub fn rounds(module: &Module, export: &str) -> Result<Box<dyn FnMut(usize) -> Result<Value>>> {
    let engine = module.engine().clone();
    let pre = Linker::<()>::new(&engine).instantiate_pre(module)?;
    let export = module.get_export_index(export).ok_or_else(|| format_err!("no export {export:?}"))?;
    Ok(Box::new(move |runs| {
        let runs = (0..runs).map(|_| run(&engine, &pre, &export)).collect::<Result<Vec<_>>>()?;
        let column = |of: fn(&Run) -> u64| runs.iter().map(of).collect::<Vec<_>>();
        Ok(json!({ "start": column(|r| r.start), "exec": column(|r| r.exec), "drop": column(|r| r.drop) }))
    }))
}

fn run(engine: &Engine, pre: &InstancePre<()>, export: &wasmtime::ModuleExport) -> Result<Run> {
    let begin = Instant::now();
    let mut store = Store::new(engine, ());
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
    let instance = pre.instantiate(&mut store)?;
    let function = instance.get_module_export(&mut store, export).and_then(|e| e.into_func());
    let function = function.ok_or_else(|| format_err!("the export is no function"))?.typed::<(), i32>(&store)?;
    let ready = Instant::now();
    store.set_epoch_deadline(1);
    function.call(&mut store, ())?;
    let called = Instant::now();
    drop(store);
    let gone = Instant::now();
    Ok(Run { start: nanos(begin, ready), exec: nanos(ready, called), drop: nanos(called, gone) })
}

pub fn nanos(from: Instant, to: Instant) -> u64 {
    u64::try_from(to.saturating_duration_since(from).as_nanos()).unwrap_or(u64::MAX)
}
