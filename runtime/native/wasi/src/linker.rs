//! Binds every function of WASI preview 1 to a linker: one list of names and types, checked by the compiler against the
//! functions that were generated from the witx files.

use std::cell::UnsafeCell;
use std::ptr::NonNull;

use wasmtime::{Caller, Linker};
use wiggle::GuestMemory;

use crate::abi::wasi_snapshot_preview1 as functions;
use crate::control::Ended;
use crate::wasi::Wasi;

const MODULE: &str = "wasi_snapshot_preview1";

/// Where a guest's memory is at the moment.
#[derive(Clone, Copy)]
pub struct MemoryView {
    pub base: NonNull<u8>,
    pub len: usize,
}

/// What a store's data has to offer. The view is of memory that stays mapped while the store lives.
pub trait WasiHost {
    fn wasi(&mut self) -> &mut Wasi;
    fn memory(&self) -> MemoryView;
    /// Asked before each function: whether the call has to end now. Guest code looks at its deadline in loops and when it enters
    /// a function; a list of calls without either would never look.
    fn go_on(&mut self) -> Result<(), Ended>;
}

/// A value type of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    I32,
    I64,
}

/// A function that a guest may import.
#[derive(Debug)]
pub struct Signature {
    pub name: &'static str,
    pub params: &'static [ValueType],
    pub results: &'static [ValueType],
}

/// The guest's memory as wiggle wants it: bytes that may change at any moment, so that nothing borrows from them.
fn guest_memory<T: WasiHost>(caller: &Caller<'_, T>) -> GuestMemory<'static> {
    let view = caller.data().memory();
    // SAFETY: the view is of the guest's memory, which stays mapped and does not move while its store lives; a host function
    // of WASI neither grows it nor keeps this slice. `UnsafeCell` allows for others that write to shared pages.
    GuestMemory::Shared(unsafe { std::slice::from_raw_parts(view.base.as_ptr().cast::<UnsafeCell<u8>>(), view.len) })
}

macro_rules! value_type {
    (i32) => {
        ValueType::I32
    };
    (i64) => {
        ValueType::I64
    };
}

macro_rules! functions {
    ($($name:ident($($argument:ident: $kind:ident),*) $(-> $result:ident)?;)*) => {
        /// Every function of WASI preview 1, with its core types.
        pub const SIGNATURES: &[Signature] = &[$(Signature {
            name: stringify!($name),
            params: &[$(value_type!($kind)),*],
            results: &[$(value_type!($result))?],
        }),*];

        /// Adds all functions to a linker.
        pub fn add_to_linker<T: WasiHost + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
            $(linker.func_wrap(
                MODULE,
                stringify!($name),
                |mut caller: Caller<'_, T>, $($argument: $kind),*| -> wasmtime::Result<functions!(@result $($result)?)> {
                    caller.data_mut().go_on()?;
                    let mut memory = guest_memory(&caller);
                    functions::$name(caller.data_mut().wasi(), &mut memory, $($argument),*)
                },
            )?;)*
            Ok(())
        }
    };
    (@result) => { () };
    (@result $result:ident) => { $result };
}

functions! {
    args_get(a: i32, b: i32) -> i32;
    args_sizes_get(a: i32, b: i32) -> i32;
    environ_get(a: i32, b: i32) -> i32;
    environ_sizes_get(a: i32, b: i32) -> i32;
    clock_res_get(a: i32, b: i32) -> i32;
    clock_time_get(a: i32, b: i64, c: i32) -> i32;
    fd_advise(a: i32, b: i64, c: i64, d: i32) -> i32;
    fd_allocate(a: i32, b: i64, c: i64) -> i32;
    fd_close(a: i32) -> i32;
    fd_datasync(a: i32) -> i32;
    fd_fdstat_get(a: i32, b: i32) -> i32;
    fd_fdstat_set_flags(a: i32, b: i32) -> i32;
    fd_fdstat_set_rights(a: i32, b: i64, c: i64) -> i32;
    fd_filestat_get(a: i32, b: i32) -> i32;
    fd_filestat_set_size(a: i32, b: i64) -> i32;
    fd_filestat_set_times(a: i32, b: i64, c: i64, d: i32) -> i32;
    fd_pread(a: i32, b: i32, c: i32, d: i64, e: i32) -> i32;
    fd_prestat_get(a: i32, b: i32) -> i32;
    fd_prestat_dir_name(a: i32, b: i32, c: i32) -> i32;
    fd_pwrite(a: i32, b: i32, c: i32, d: i64, e: i32) -> i32;
    fd_read(a: i32, b: i32, c: i32, d: i32) -> i32;
    fd_readdir(a: i32, b: i32, c: i32, d: i64, e: i32) -> i32;
    fd_renumber(a: i32, b: i32) -> i32;
    fd_seek(a: i32, b: i64, c: i32, d: i32) -> i32;
    fd_sync(a: i32) -> i32;
    fd_tell(a: i32, b: i32) -> i32;
    fd_write(a: i32, b: i32, c: i32, d: i32) -> i32;
    path_create_directory(a: i32, b: i32, c: i32) -> i32;
    path_filestat_get(a: i32, b: i32, c: i32, d: i32, e: i32) -> i32;
    path_filestat_set_times(a: i32, b: i32, c: i32, d: i32, e: i64, f: i64, g: i32) -> i32;
    path_link(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32) -> i32;
    path_open(a: i32, b: i32, c: i32, d: i32, e: i32, f: i64, g: i64, h: i32, i: i32) -> i32;
    path_readlink(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> i32;
    path_remove_directory(a: i32, b: i32, c: i32) -> i32;
    path_rename(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> i32;
    path_symlink(a: i32, b: i32, c: i32, d: i32, e: i32) -> i32;
    path_unlink_file(a: i32, b: i32, c: i32) -> i32;
    poll_oneoff(a: i32, b: i32, c: i32, d: i32) -> i32;
    proc_exit(a: i32);
    proc_raise(a: i32) -> i32;
    random_get(a: i32, b: i32) -> i32;
    sched_yield() -> i32;
    sock_accept(a: i32, b: i32, c: i32) -> i32;
    sock_recv(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> i32;
    sock_send(a: i32, b: i32, c: i32, d: i32, e: i32) -> i32;
    sock_shutdown(a: i32, b: i32) -> i32;
}
