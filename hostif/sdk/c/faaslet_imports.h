/* Generated from `hostif/table.ts` by `deno task native`; do not edit. */
#ifndef FAASLET_IMPORTS_H
#define FAASLET_IMPORTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * With length 0 returns the input's size; else copies min(length, size) bytes and returns their number.
 */
__attribute__((import_module("env"), import_name("__faasm_read_input")))
uint32_t __faasm_read_input(uint32_t buffer, uint32_t length);

/**
 * Replaces the call's output with these bytes; any bytes, NUL included.
 */
__attribute__((import_module("env"), import_name("__faasm_write_output")))
void __faasm_write_output(uint32_t pointer, uint32_t length);

/**
 * Does nothing. FAASM's own headers import it.
 */
__attribute__((import_module("env"), import_name("__faasm_memory_layout_protection")))
void __faasm_memory_layout_protection(void);

/**
 * Raises a fault of the host on purpose. FAASM's own tests import it; ours show with it that a fault is
 * contained.
 */
__attribute__((import_module("env"), import_name("__faasm_host_interface_test")))
void __faasm_host_interface_test(uint32_t number);

/**
 * Starts a call of the tenant's function of that name (NUL-terminated UTF-8) with a copy of the input, and
 * returns a handle for it: 1, 2, 3 ... of this call's own. A call of a function that is not there fails when
 * awaited.
 */
__attribute__((import_module("env"), import_name("__faasm_chain_name")))
uint32_t __faasm_chain_name(uint32_t name, uint32_t input, uint32_t length);

/**
 * The older name of __faasm_chain_name.
 */
__attribute__((import_module("env"), import_name("__faasm_chain_function")))
uint32_t __faasm_chain_function(uint32_t name, uint32_t input, uint32_t length);

/**
 * Starts a call of this same function and version, in a Faaslet of its own that starts from the Proto-Faaslet
 * and is entered at that index of the function table; what stands there is of the type () -> i32.
 */
__attribute__((import_module("env"), import_name("__faasm_chain_ptr")))
uint32_t __faasm_chain_ptr(uint32_t entry, uint32_t input, uint32_t length);

/**
 * Starts a call of this same function and version at its usual entry, where __faasm_get_idx returns index.
 */
__attribute__((import_module("env"), import_name("__faasm_chain_this")))
uint32_t __faasm_chain_this(uint32_t index, uint32_t input, uint32_t length);

/**
 * The index with which __faasm_chain_this made this call; 0 for every other call.
 */
__attribute__((import_module("env"), import_name("__faasm_get_idx")))
uint32_t __faasm_get_idx(void);

/**
 * Waits until the chained call has ended, without a place among the running calls; returns its return value,
 * or 1 when it trapped, ran out of time, was refused or is not there. The handle is of no use after it.
 */
__attribute__((import_module("env"), import_name("__faasm_await_call")))
uint32_t __faasm_await_call(uint32_t handle);

/**
 * As __faasm_await_call; the output goes into memory of the guest's own malloc, whose address and length are
 * stored at pointer and length. An empty output is address 0.
 */
__attribute__((import_module("env"), import_name("__faasm_await_call_output")))
uint32_t __faasm_await_call_output(uint32_t handle, uint32_t pointer, uint32_t length);

/**
 * Moves the program break, which stands at the end of memory at first, and returns where it was. When
 * somebody else has grown the memory since, the break goes on behind that. Memory above a lowered break is
 * zero when it comes again.
 */
__attribute__((import_module("env"), import_name("__sbrk")))
uint32_t __sbrk(uint32_t increment);

/**
 * The error number, as WASI counts them, of the last function with a C name that returned -1; 0 when none has
 * in this call. A guest that exports its variable errno (-Wl,--export-if-defined=errno) finds the number
 * there as well.
 */
__attribute__((import_module("env"), import_name("__faaslet_errno")))
uint32_t __faaslet_errno(void);

/**
 * As dup, in WASI's manner: stores the new descriptor and returns an error number.
 */
__attribute__((import_module("env"), import_name("__wasi_fd_dup")))
uint32_t __wasi_fd_dup(uint32_t fd, uint32_t result);

/**
 * 1 when the environment has a variable of that name whose value is on; else 0.
 */
__attribute__((import_module("env"), import_name("__faasm_conf_flag")))
uint32_t __faasm_conf_flag(uint32_t name);

/**
 * Writes the innermost frames of the guest's stack to its standard error, with names when the module has a
 * name section; depth 0 or less is as many as there are, 32 at most.
 */
__attribute__((import_module("env"), import_name("__faasm_backtrace")))
void __faasm_backtrace(uint32_t depth);

#ifdef __cplusplus
}
#endif

#endif
