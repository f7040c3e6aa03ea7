// Generated from `hostif/table.ts` by `deno task native`; do not edit.

/**
 * With length 0 returns the input's size; else copies min(length, size) bytes and returns their number.
 */
@external("env", "__faasm_read_input")
export declare function importReadInput(buffer: u32, length: u32): u32;

/**
 * Replaces the call's output with these bytes; any bytes, NUL included.
 */
@external("env", "__faasm_write_output")
export declare function importWriteOutput(pointer: u32, length: u32): void;

/**
 * Does nothing. FAASM's own headers import it.
 */
@external("env", "__faasm_memory_layout_protection")
export declare function importMemoryLayoutProtection(): void;

/**
 * Raises a fault of the host on purpose. FAASM's own tests import it; ours show with it that a fault is
 * contained.
 */
@external("env", "__faasm_host_interface_test")
export declare function importHostInterfaceTest(number: u32): void;

/**
 * Starts a call of the tenant's function of that name (NUL-terminated UTF-8) with a copy of the input, and
 * returns a handle for it: 1, 2, 3 ... of this call's own. A call of a function that is not there fails when
 * awaited.
 */
@external("env", "__faasm_chain_name")
export declare function importChainName(name: u32, input: u32, length: u32): u32;

/**
 * The older name of __faasm_chain_name.
 */
@external("env", "__faasm_chain_function")
export declare function importChainFunction(name: u32, input: u32, length: u32): u32;

/**
 * Starts a call of this same function and version, in a Faaslet of its own that starts from the Proto-Faaslet
 * and is entered at that index of the function table; what stands there is of the type () -> i32.
 */
@external("env", "__faasm_chain_ptr")
export declare function importChainPtr(entry: u32, input: u32, length: u32): u32;

/**
 * Starts a call of this same function and version at its usual entry, where __faasm_get_idx returns index.
 */
@external("env", "__faasm_chain_this")
export declare function importChainThis(index: u32, input: u32, length: u32): u32;

/**
 * The index with which __faasm_chain_this made this call; 0 for every other call.
 */
@external("env", "__faasm_get_idx")
export declare function importGetIdx(): u32;

/**
 * Waits until the chained call has ended, without a place among the running calls; returns its return value,
 * or 1 when it trapped, ran out of time, was refused or is not there. The handle is of no use after it.
 */
@external("env", "__faasm_await_call")
export declare function importAwaitCall(handle: u32): u32;

/**
 * As __faasm_await_call; the output goes into memory of the guest's own malloc, whose address and length are
 * stored at pointer and length. An empty output is address 0.
 */
@external("env", "__faasm_await_call_output")
export declare function importAwaitCallOutput(handle: u32, pointer: u32, length: u32): u32;

/**
 * Moves the program break, which stands at the end of memory at first, and returns where it was. When
 * somebody else has grown the memory since, the break goes on behind that. Memory above a lowered break is
 * zero when it comes again.
 */
@external("env", "__sbrk")
export declare function importSbrk(increment: u32): u32;

/**
 * The error number, as WASI counts them, of the last function with a C name that returned -1; 0 when none has
 * in this call. A guest that exports its variable errno (-Wl,--export-if-defined=errno) finds the number
 * there as well.
 */
@external("env", "__faaslet_errno")
export declare function importErrno(): u32;

/**
 * As dup, in WASI's manner: stores the new descriptor and returns an error number.
 */
@external("env", "__wasi_fd_dup")
export declare function importWasiFdDup(fd: u32, result: u32): u32;

/**
 * 1 when the environment has a variable of that name whose value is on; else 0.
 */
@external("env", "__faasm_conf_flag")
export declare function importConfFlag(name: u32): u32;

/**
 * Writes the innermost frames of the guest's stack to its standard error, with names when the module has a
 * name section; depth 0 or less is as many as there are, 32 at most.
 */
@external("env", "__faasm_backtrace")
export declare function importBacktrace(depth: u32): void;
