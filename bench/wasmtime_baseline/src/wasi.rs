//! As much of WASI preview 1 as a program needs that reads nothing and prints its answer: no arguments, no environment, no
//! files, no waiting. Kernels hardly enter it, so how fast it is does not show in their times.

use std::time::{SystemTime, UNIX_EPOCH};

use wasmtime::{Caller, Error, Linker, Result, format_err};

/// What the program printed.
#[derive(Default)]
pub struct Output(pub Vec<u8>);

/// `proc_exit`, on its way out.
#[derive(Debug)]
pub struct Exit(pub i32);

impl std::fmt::Display for Exit {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the program exited with {}", self.0)
    }
}

impl std::error::Error for Exit {}

const OK: i32 = 0;
const BAD_DESCRIPTOR: i32 = 8;
const STANDARD_OUTPUT: i32 = 1;
const STANDARD_STREAM_MAX: i32 = 2;
const CHARACTER_DEVICE: u8 = 2;
const SUBSCRIPTION_BYTES: u32 = 48;
const EVENT_BYTES: u32 = 32;

type Host<'a> = Caller<'a, Output>;

pub fn add_to_linker(linker: &mut Linker<Output>) -> Result<()> {
    let wasi = "wasi_snapshot_preview1";
    linker.func_wrap(wasi, "args_sizes_get", nothing_to_list)?;
    linker.func_wrap(wasi, "environ_sizes_get", nothing_to_list)?;
    linker.func_wrap(wasi, "args_get", |_: i32, _: i32| OK)?;
    linker.func_wrap(wasi, "environ_get", |_: i32, _: i32| OK)?;
    linker.func_wrap(wasi, "clock_time_get", |mut host: Host<'_>, _: i32, _: i64, time: u32| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(Error::new)?.as_nanos();
        write(&mut host, time, &u64::try_from(now).map_err(Error::new)?.to_le_bytes())
    })?;
    linker.func_wrap(wasi, "random_get", |mut host: Host<'_>, at: u32, length: u32| {
        write(&mut host, at, &vec![7; length as usize])
    })?;
    linker.func_wrap(wasi, "fd_write", fd_write)?;
    linker.func_wrap(wasi, "fd_read", |mut host: Host<'_>, _: i32, _: i32, _: i32, count: u32| {
        write(&mut host, count, &[0; 4])
    })?;
    linker.func_wrap(wasi, "fd_close", |_: i32| OK)?;
    linker.func_wrap(wasi, "fd_seek", |_: i32, _: i64, _: i32, _: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(wasi, "fd_fdstat_get", |mut host: Host<'_>, fd: i32, at: u32| {
        let mut stat = [0; 24];
        stat[0] = CHARACTER_DEVICE;
        if fd > STANDARD_STREAM_MAX { Ok(BAD_DESCRIPTOR) } else { write(&mut host, at, &stat) }
    })?;
    linker.func_wrap(wasi, "fd_fdstat_set_flags", |_: i32, _: i32| OK)?;
    linker.func_wrap(wasi, "fd_prestat_get", |_: i32, _: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(wasi, "fd_prestat_dir_name", |_: i32, _: i32, _: i32| BAD_DESCRIPTOR)?;
    linker.func_wrap(wasi, "poll_oneoff", poll_oneoff)?;
    linker.func_wrap(wasi, "sched_yield", || OK)?;
    linker.func_wrap(wasi, "proc_exit", |value: i32| -> Result<()> { Err(Error::new(Exit(value))) })?;
    linker.func_wrap("env", "__faasm_write_output", |mut host: Host<'_>, at: u32, length: u32| {
        host.data_mut().0 = read(&mut host, at, length)?;
        Ok(())
    })?;
    Ok(())
}

fn nothing_to_list(mut host: Host<'_>, count: u32, bytes: u32) -> Result<i32> {
    write(&mut host, count, &[0; 4])?;
    write(&mut host, bytes, &[0; 4])
}

fn fd_write(mut host: Host<'_>, fd: i32, vectors: u32, count: u32, written: u32) -> Result<i32> {
    let mut total = 0;
    for index in 0..count {
        let vector = read(&mut host, vectors + index * 8, 8)?;
        let bytes = read(&mut host, word(&vector, 0)?, word(&vector, 4)?)?;
        total += bytes.len() as u32;
        if fd == STANDARD_OUTPUT {
            host.data_mut().0.extend(bytes);
        }
    }
    write(&mut host, written, &total.to_le_bytes())
}

/// Every subscription is ready at once.
fn poll_oneoff(mut host: Host<'_>, subscriptions: u32, events: u32, count: u32, ready: u32) -> Result<i32> {
    for index in 0..count {
        let subscription = read(&mut host, subscriptions + index * SUBSCRIPTION_BYTES, SUBSCRIPTION_BYTES)?;
        let mut event = [0; EVENT_BYTES as usize];
        event[..8].copy_from_slice(&subscription[..8]);
        event[10] = subscription[8];
        write(&mut host, events + index * EVENT_BYTES, &event)?;
    }
    write(&mut host, ready, &count.to_le_bytes())
}

fn word(bytes: &[u8], at: usize) -> Result<u32> {
    let word = bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).ok_or_else(|| format_err!("a short vector"))?;
    Ok(u32::from_le_bytes(word))
}

fn read(host: &mut Host<'_>, at: u32, length: u32) -> Result<Vec<u8>> {
    let memory = memory(host)?;
    let (at, length) = (at as usize, length as usize);
    let bytes = memory.data(&host).get(at..at + length).ok_or_else(|| format_err!("a read outside the memory"))?;
    Ok(bytes.to_vec())
}

fn write(host: &mut Host<'_>, at: u32, bytes: &[u8]) -> Result<i32> {
    memory(host)?.write(host, at as usize, bytes)?;
    Ok(OK)
}

fn memory(host: &mut Host<'_>) -> Result<wasmtime::Memory> {
    let memory = host.get_export("memory").and_then(wasmtime::Extern::into_memory);
    memory.ok_or_else(|| format_err!("the module exports no memory"))
}
