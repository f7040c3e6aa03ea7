//! Plain Wasmtime, the measure of `bench/`: `wasmtime-baseline restore|kernel|calls MODULE EXPORT on-demand|pooling`.
//!
//! Each line on standard input is one round; its answer is one line of JSON. So a round of this and a round of ours can
//! alternate. A round is so many runs; of `calls` it is a step, and how many calls it makes.

mod calls;
mod engine;
mod kernel;
mod restore;
mod wasi;

use std::io::{BufRead, Write};
use std::path::Path;

use wasmtime::{Module, Result, bail, format_err};

fn main() -> Result<()> {
    // As the add-on's guest threads: the engine's limit is of the guest's stack, host functions need room of their own.
    let thread = std::thread::Builder::new().stack_size(engine::THREAD_STACK).spawn(answer)?;
    thread.join().map_err(|_| format_err!("a round panicked"))?
}

fn answer() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [kind, path, export, allocation] = words.as_slice() else {
        bail!("usage: wasmtime-baseline restore|kernel|calls MODULE EXPORT on-demand|pooling");
    };
    let engine = engine::engine(allocation)?;
    let module = Module::new(&engine, std::fs::read(path)?)?;
    let mut round: Box<dyn FnMut(&[usize]) -> Result<serde_json::Value>> = match kind.as_str() {
        "restore" => runs(restore::rounds(&module, export)?),
        "kernel" => runs(kernel::rounds(&module, export)?),
        "calls" => calls::rounds(&module, export, Path::new(path))?,
        other => bail!("there is no {other:?}: restore, kernel or calls"),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{{\"ready\":true}}")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        let numbers = line?.split_whitespace().map(str::parse).collect::<std::result::Result<Vec<_>, _>>()?;
        writeln!(out, "{}", round(&numbers)?)?;
        out.flush()?;
    }
    Ok(())
}

/// Rounds that are told how many runs they have.
fn runs(
    mut round: Box<dyn FnMut(usize) -> Result<serde_json::Value>>,
) -> Box<dyn FnMut(&[usize]) -> Result<serde_json::Value>> {
    Box::new(move |numbers| match numbers {
        [count] => round(*count),
        _ => bail!("a round is a number of runs"),
    })
}
