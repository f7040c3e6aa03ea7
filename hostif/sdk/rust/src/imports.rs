//! Generated from `hostif/table.ts` by `deno task native`; do not edit.

#[link(wasm_import_module = "env")]
extern "C" {
    /// With length 0 returns the input's size; else copies min(length, size) bytes and returns their number.
    pub fn __faasm_read_input(buffer: u32, length: u32) -> u32;
    /// Replaces the call's output with these bytes; any bytes, NUL included.
    pub fn __faasm_write_output(pointer: u32, length: u32);
    /// Does nothing. FAASM's own headers import it.
    pub fn __faasm_memory_layout_protection();
    /// Raises a fault of the host on purpose. FAASM's own tests import it; ours show with it that a fault is
    /// contained.
    pub fn __faasm_host_interface_test(number: u32);
    /// Starts a call of the tenant's function of that name (NUL-terminated UTF-8) with a copy of the input,
    /// and returns a handle for it: 1, 2, 3 ... of this call's own. A call of a function that is not there
    /// fails when awaited.
    pub fn __faasm_chain_name(name: u32, input: u32, length: u32) -> u32;
    /// The older name of __faasm_chain_name.
    pub fn __faasm_chain_function(name: u32, input: u32, length: u32) -> u32;
    /// Starts a call of this same function and version, in a Faaslet of its own that starts from the
    /// Proto-Faaslet and is entered at that index of the function table; what stands there is of the type ()
    /// -> i32.
    pub fn __faasm_chain_ptr(entry: u32, input: u32, length: u32) -> u32;
    /// Starts a call of this same function and version at its usual entry, where __faasm_get_idx returns
    /// index.
    pub fn __faasm_chain_this(index: u32, input: u32, length: u32) -> u32;
    /// The index with which __faasm_chain_this made this call; 0 for every other call.
    pub fn __faasm_get_idx() -> u32;
    /// Waits until the chained call has ended, without a place among the running calls; returns its return
    /// value, or 1 when it trapped, ran out of time, was refused or is not there. The handle is of no use
    /// after it.
    pub fn __faasm_await_call(handle: u32) -> u32;
    /// As __faasm_await_call; the output goes into memory of the guest's own malloc, whose address and length
    /// are stored at pointer and length. An empty output is address 0.
    pub fn __faasm_await_call_output(handle: u32, pointer: u32, length: u32) -> u32;
    /// Moves the program break, which stands at the end of memory at first, and returns where it was. When
    /// somebody else has grown the memory since, the break goes on behind that. Memory above a lowered break
    /// is zero when it comes again.
    pub fn __sbrk(increment: u32) -> u32;
    /// The error number, as WASI counts them, of the last function with a C name that returned -1; 0 when
    /// none has in this call. A guest that exports its variable errno (-Wl,--export-if-defined=errno) finds
    /// the number there as well.
    pub fn __faaslet_errno() -> u32;
    /// As dup, in WASI's manner: stores the new descriptor and returns an error number.
    pub fn __wasi_fd_dup(fd: u32, result: u32) -> u32;
    /// 1 when the environment has a variable of that name whose value is on; else 0.
    pub fn __faasm_conf_flag(name: u32) -> u32;
    /// Writes the innermost frames of the guest's stack to its standard error, with names when the module has
    /// a name section; depth 0 or less is as many as there are, 32 at most.
    pub fn __faasm_backtrace(depth: u32);
}
