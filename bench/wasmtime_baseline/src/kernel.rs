//! One call of an export in a new instance: only the call is timed.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use wasmtime::{Linker, Module, Result, Store, UpdateDeadline, format_err};

use crate::restore::nanos;
use crate::wasi::{self, Exit, Output};

/// Rounds over one module; each run gives its time and what it answered.
pub fn rounds(module: &Module, export: &str) -> Result<Box<dyn FnMut(usize) -> Result<Value>>> {
    let engine = module.engine().clone();
    let mut linker = Linker::new(&engine);
    wasi::add_to_linker(&mut linker)?;
    let pre = linker.instantiate_pre(module)?;
    let export = export.to_owned();
    Ok(Box::new(move |runs| {
        let (mut times, mut cpu_times) = (Vec::new(), Vec::new());
        let mut output = Vec::new();
        for _ in 0..runs {
            let mut store = Store::new(&engine, Output::default());
            store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
            store.set_epoch_deadline(1);
            let instance = pre.instantiate(&mut store)?;
            let function = instance.get_func(&mut store, &export).ok_or_else(|| format_err!("no export {export:?}"))?;
            let mut results = vec![wasmtime::Val::I32(0); function.ty(&store).results().len()];
            let (begin, cpu_begin) = (Instant::now(), cpu_nanos());
            let ended = function.call(&mut store, &[], &mut results);
            cpu_times.push(cpu_nanos() - cpu_begin);
            times.push(nanos(begin, Instant::now()));
            if let Err(error) = ended
                && error.downcast_ref::<Exit>().is_none_or(|exit| exit.0 != 0)
            {
                return Err(error);
            }
            output = std::mem::take(&mut store.data_mut().0);
        }
        Ok(json!({ "exec": times, "cpu": cpu_times, "output": String::from_utf8_lossy(&output) }))
    }))
}

/// Of this thread: what else the machine does is not in it.
fn cpu_nanos() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}
