//! Plain Wasmtime, the measure of `bench/`: `wasmtime-baseline restore|kernel MODULE EXPORT on-demand|pooling`.
//!
//! Each line on standard input is one round of so many runs; its answer is one line of JSON. So a round of this and a
//! round of ours can alternate.

mod engine;
mod kernel;
mod restore;
mod wasi;

use std::io::{BufRead, Write};

use wasmtime::{Module, Result, bail, format_err};

fn main() -> Result<()> {
    // As the add-on's guest threads: the engine's limit is of the guest's stack, host functions need room of their own.
    let thread = std::thread::Builder::new().stack_size(engine::THREAD_STACK).spawn(answer)?;
    thread.join().map_err(|_| format_err!("a round panicked"))?
}

fn answer() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [kind, path, export, allocation] = words.as_slice() else {
        bail!("usage: wasmtime-baseline restore|kernel MODULE EXPORT on-demand|pooling");
    };
    let engine = engine::engine(allocation)?;
    let module = Module::new(&engine, std::fs::read(path)?)?;
    let mut round: Box<dyn FnMut(usize) -> Result<serde_json::Value>> = match kind.as_str() {
        "restore" => restore::rounds(&module, export)?,
        "kernel" => kernel::rounds(&module, export)?,
        other => bail!("there is no {other:?}: restore or kernel"),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{{\"ready\":true}}")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let runs = line?.trim().parse()?;
        writeln!(out, "{}", round(runs)?)?;
        out.flush()?;
    }
    Ok(())
}
