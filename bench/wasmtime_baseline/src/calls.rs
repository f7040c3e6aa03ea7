//! Host calls, many in a row: WASI as Wasmtime has it, over the files beside the module; its standard error goes nowhere.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use wasmtime::{Caller, Linker, Module, Result, Store, UpdateDeadline, bail, format_err};
use wasmtime_wasi::p1::{self, WasiP1Ctx};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use crate::restore::nanos;

struct Host {
    wasi: WasiP1Ctx,
    /// The step, and how many calls it makes; what the guest reads as its input.
    asked: [u8; 8],
}

/// Rounds over one instance; each gives the time of its calls together.
pub fn rounds(module: &Module, export: &str, path: &Path) -> Result<Box<dyn FnMut(&[usize]) -> Result<Value>>> {
    let engine = module.engine();
    let mut linker: Linker<Host> = Linker::new(engine);
    p1::add_to_linker_sync(&mut linker, |host| &mut host.wasi)?;
    linker.func_wrap("env", "__faasm_memory_layout_protection", || ())?;
    linker.func_wrap("env", "__faasm_read_input", |mut caller: Caller<'_, Host>, at: u32, _: u32| -> Result<u32> {
        let memory = caller.get_export("memory").and_then(wasmtime::Extern::into_memory);
        let asked = caller.data().asked;
        memory.ok_or_else(|| format_err!("no memory"))?.write(&mut caller, at as usize, &asked)?;
        Ok(asked.len() as u32)
    })?;
    let folder = path.parent().ok_or_else(|| format_err!("the module is in no folder"))?;
    let wasi = WasiCtxBuilder::new().preopened_dir(folder, "/", FsPerms::ReadOnly)?.build_p1();
    let mut store = Store::new(engine, Host { wasi, asked: [0; 8] });
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
    store.set_epoch_deadline(1);
    let instance = linker.instantiate(&mut store, module)?;
    let function = instance.get_typed_func::<(), ()>(&mut store, export)?;
    Ok(Box::new(move |numbers| {
        let [step, calls] = numbers else { bail!("a round is a step and a number of calls") };
        let asked = [*step as u32, *calls as u32].map(u32::to_le_bytes);
        store.data_mut().asked.copy_from_slice(asked.as_flattened());
        store.set_epoch_deadline(1);
        let begin = Instant::now();
        function.call(&mut store, ())?;
        Ok(json!({ "ns": nanos(begin, Instant::now()) }))
    }))
}
