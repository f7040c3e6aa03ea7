//go:build wasip1

// Generated from `hostif/table.ts` by `deno task native`; do not edit.

package faaslet

// With length 0 returns the input's size; else copies min(length, size) bytes and returns their number.
//
//go:wasmimport env __faasm_read_input
func importReadInput(buffer uint32, length uint32) uint32

// Replaces the call's output with these bytes; any bytes, NUL included.
//
//go:wasmimport env __faasm_write_output
func importWriteOutput(pointer uint32, length uint32)

// Does nothing. FAASM's own headers import it.
//
//go:wasmimport env __faasm_memory_layout_protection
func importMemoryLayoutProtection()

// Raises a fault of the host on purpose. FAASM's own tests import it; ours show with it that a fault is
// contained.
//
//go:wasmimport env __faasm_host_interface_test
func importHostInterfaceTest(number uint32)

// Starts a call of the tenant's function of that name (NUL-terminated UTF-8) with a copy of the input, and
// returns a handle for it: 1, 2, 3 ... of this call's own. A call of a function that is not there fails when
// awaited.
//
//go:wasmimport env __faasm_chain_name
func importChainName(name uint32, input uint32, length uint32) uint32

// The older name of __faasm_chain_name.
//
//go:wasmimport env __faasm_chain_function
func importChainFunction(name uint32, input uint32, length uint32) uint32

// Starts a call of this same function and version, in a Faaslet of its own that starts from the Proto-Faaslet
// and is entered at that index of the function table; what stands there is of the type () -> i32.
//
//go:wasmimport env __faasm_chain_ptr
func importChainPtr(entry uint32, input uint32, length uint32) uint32

// Starts a call of this same function and version at its usual entry, where __faasm_get_idx returns index.
//
//go:wasmimport env __faasm_chain_this
func importChainThis(index uint32, input uint32, length uint32) uint32

// The index with which __faasm_chain_this made this call; 0 for every other call.
//
//go:wasmimport env __faasm_get_idx
func importGetIdx() uint32

// Waits until the chained call has ended, without a place among the running calls; returns its return value,
// or 1 when it trapped, ran out of time, was refused or is not there. The handle is of no use after it.
//
//go:wasmimport env __faasm_await_call
func importAwaitCall(handle uint32) uint32

// As __faasm_await_call; the output goes into memory of the guest's own malloc, whose address and length are
// stored at pointer and length. An empty output is address 0.
//
//go:wasmimport env __faasm_await_call_output
func importAwaitCallOutput(handle uint32, pointer uint32, length uint32) uint32

// Moves the program break, which stands at the end of memory at first, and returns where it was. When
// somebody else has grown the memory since, the break goes on behind that. Memory above a lowered break is
// zero when it comes again.
//
//go:wasmimport env __sbrk
func importSbrk(increment uint32) uint32

// The error number, as WASI counts them, of the last function with a C name that returned -1; 0 when none has
// in this call. A guest that exports its variable errno (-Wl,--export-if-defined=errno) finds the number
// there as well.
//
//go:wasmimport env __faaslet_errno
func importErrno() uint32

// As dup, in WASI's manner: stores the new descriptor and returns an error number.
//
//go:wasmimport env __wasi_fd_dup
func importWasiFdDup(fd uint32, result uint32) uint32

// 1 when the environment has a variable of that name whose value is on; else 0.
//
//go:wasmimport env __faasm_conf_flag
func importConfFlag(name uint32) uint32

// Writes the innermost frames of the guest's stack to its standard error, with names when the module has a
// name section; depth 0 or less is as many as there are, 32 at most.
//
//go:wasmimport env __faasm_backtrace
func importBacktrace(depth uint32)
