/* Generated from `hostif/table.ts` by `deno task native`; do not edit. */
#ifndef FAASLET_IMPORTS_H
#define FAASLET_IMPORTS_H

#include <stdint.h>

/** A pointer as the host takes it. */
#define FAASLET_AT(pointer) ((uint32_t)(uintptr_t)(pointer))

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
 * Makes it the status of this call's answer over HTTP, unless the call fails. Returns 0; the last one counts.
 */
__attribute__((import_module("env"), import_name("__faaslet_set_status")))
uint32_t __faaslet_set_status(uint32_t status);

/**
 * Makes it a header of this call's answer over HTTP (RFC 9110 5.1, 5.5), unless the call fails. Returns 0.
 * The last value of a name counts; each Set-Cookie is one of its own. A Location without a status is a
 * redirect (302).
 */
__attribute__((import_module("env"), import_name("__faaslet_set_header")))
uint32_t __faaslet_set_header(uint32_t name, uint32_t value);

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
 * With length 0 returns the value's size. Else brings the value to this host when it is not here, copies
 * min(length, size) bytes of it and returns its size. 0: there is no such value.
 */
__attribute__((import_module("env"), import_name("__faasm_read_state")))
uint32_t __faasm_read_state(uint32_t key, uint32_t buffer, uint32_t length);

/**
 * Maps the first length bytes of the value (all, with length 0) into linear memory and returns their address:
 * the pages that all calls of this host share, and the same address for the same value as long as the call
 * runs. The value is brought here first; when there is none, it is made, of length zeros. Reads and writes
 * are plain loads and stores; what others see of them, and when, is in docs/consistency.md. The address comes
 * from __faaslet_alloc(alignment, size), aligned_alloc or malloc when the module exports one and is no
 * command, else from growth of the memory.
 */
__attribute__((import_module("env"), import_name("__faasm_read_state_ptr")))
uint32_t __faasm_read_state_ptr(uint32_t key, uint32_t length);

/**
 * Copies a part of the value, whose size is at most total. Only the chunks of 64 KiB that the part touches
 * are brought.
 */
__attribute__((import_module("env"), import_name("__faasm_read_state_offset")))
void __faasm_read_state_offset(uint32_t key, uint32_t total, uint32_t offset, uint32_t buffer, uint32_t length);

/**
 * As __faasm_read_state_ptr for a part of the value: only the pages that it touches are mapped, only the
 * chunks of 64 KiB brought. When there is no value it is made, of total zeros.
 */
__attribute__((import_module("env"), import_name("__faasm_read_state_offset_ptr")))
uint32_t __faasm_read_state_offset_ptr(uint32_t key, uint32_t total, uint32_t offset, uint32_t length);

/**
 * Makes these bytes the value, on this host; others see it once it is pushed. A push of it replaces what is
 * there.
 */
__attribute__((import_module("env"), import_name("__faasm_write_state")))
void __faasm_write_state(uint32_t key, uint32_t pointer, uint32_t length);

/**
 * Writes a part of the value, on this host; chunks that it touches are brought first. When there is no value
 * it is made, of total zeros.
 */
__attribute__((import_module("env"), import_name("__faasm_write_state_offset")))
void __faasm_write_state_offset(uint32_t key, uint32_t total, uint32_t offset, uint32_t pointer, uint32_t length);

/**
 * Makes the content of a file of the guest's file system the value, on this host, and returns its size.
 */
__attribute__((import_module("env"), import_name("__faasm_write_state_from_file")))
uint32_t __faasm_write_state_from_file(uint32_t key, uint32_t path);

/**
 * Sends what was changed on this host to the global tier: whole, at one moment, or not at all. In chunks that
 * another host changed as well, each byte that was not changed here stays as the other left it. A call that
 * flagged parts of the value sends only those. Nothing happens when the value is not here.
 */
__attribute__((import_module("env"), import_name("__faasm_push_state")))
void __faasm_push_state(uint32_t key);

/**
 * As __faasm_push_state; then takes in what others changed in chunks that are here. Bytes that were changed
 * here meanwhile stay.
 */
__attribute__((import_module("env"), import_name("__faasm_push_state_partial")))
void __faasm_push_state_partial(uint32_t key);

/**
 * As __faasm_push_state_partial; what is sent are the bytes that are not zero in the value of the key mask,
 * which has the same size and is zero afterwards.
 */
__attribute__((import_module("env"), import_name("__faasm_push_state_partial_mask")))
void __faasm_push_state_partial_mask(uint32_t key, uint32_t mask);

/**
 * As __faasm_push_state, if the value in the global tier is of this version (0: if there is none). Returns 0,
 * or 1 when it is of another one: then nothing was sent.
 */
__attribute__((import_module("env"), import_name("__faaslet_push_state_if")))
uint32_t __faaslet_push_state_if(uint32_t key, uint64_t version);

/**
 * The version that the value on this host was made from, for __faaslet_push_state_if. 0: it was made here and
 * not pushed yet, or there is none. Never negative.
 */
__attribute__((import_module("env"), import_name("__faaslet_state_version")))
uint64_t __faaslet_state_version(uint32_t key);

/**
 * Fetches the value again, as far as it differs from what is here: the first length bytes, in whole chunks,
 * or all with length 0. What was changed here and not pushed is lost. Nothing happens when there is no value
 * in the global tier.
 */
__attribute__((import_module("env"), import_name("__faasm_pull_state")))
void __faasm_pull_state(uint32_t key, uint32_t length);

/**
 * Says that the call changed the first total bytes. Never needed: without flags a push finds by itself what
 * changed.
 */
__attribute__((import_module("env"), import_name("__faasm_flag_state_dirty")))
void __faasm_flag_state_dirty(uint32_t key, uint32_t total);

/**
 * Says that the call changed this part. The call's next push of the value looks at flagged parts only.
 */
__attribute__((import_module("env"), import_name("__faasm_flag_state_offset_dirty")))
void __faasm_flag_state_offset_dirty(uint32_t key, uint32_t total, uint32_t offset, uint32_t length);

/**
 * Adds these bytes as a record behind all that were appended to the key before, in the global tier, at once.
 * Records are apart from the key's value.
 */
__attribute__((import_module("env"), import_name("__faasm_append_state")))
void __faasm_append_state(uint32_t key, uint32_t pointer, uint32_t length);

/**
 * Copies the first count records, one behind the other.
 */
__attribute__((import_module("env"), import_name("__faasm_read_appended_state")))
void __faasm_read_appended_state(uint32_t key, uint32_t buffer, uint32_t length, uint32_t count);

/**
 * Drops all records that were appended to the key.
 */
__attribute__((import_module("env"), import_name("__faasm_clear_appended_state")))
void __faasm_clear_appended_state(uint32_t key);

/**
 * Waits for the value's local read lock: among the calls of this host. It says nothing about bytes, calls
 * agree on it.
 */
__attribute__((import_module("env"), import_name("__faasm_lock_state_read")))
void __faasm_lock_state_read(uint32_t key);

/**
 * Frees the local read lock.
 */
__attribute__((import_module("env"), import_name("__faasm_unlock_state_read")))
void __faasm_unlock_state_read(uint32_t key);

/**
 * Waits for the value's local write lock: among the calls of this host. It says nothing about bytes, calls
 * agree on it.
 */
__attribute__((import_module("env"), import_name("__faasm_lock_state_write")))
void __faasm_lock_state_write(uint32_t key);

/**
 * Frees the local write lock.
 */
__attribute__((import_module("env"), import_name("__faasm_unlock_state_write")))
void __faasm_unlock_state_write(uint32_t key);

/**
 * Waits for the value's global read lock: among the calls of all hosts. It is a lease that is renewed while
 * the call lives; a push under it is refused once it was lost.
 */
__attribute__((import_module("env"), import_name("__faasm_lock_state_global_read")))
void __faasm_lock_state_global_read(uint32_t key);

/**
 * Frees the global read lock.
 */
__attribute__((import_module("env"), import_name("__faasm_unlock_state_global_read")))
void __faasm_unlock_state_global_read(uint32_t key);

/**
 * Waits for the value's global write lock: among the calls of all hosts. It is a lease that is renewed while
 * the call lives; a push under it is refused once it was lost.
 */
__attribute__((import_module("env"), import_name("__faasm_lock_state_global_write")))
void __faasm_lock_state_global_write(uint32_t key);

/**
 * Frees the global write lock.
 */
__attribute__((import_module("env"), import_name("__faasm_unlock_state_global_write")))
void __faasm_unlock_state_global_write(uint32_t key);

/**
 * Waits for the value's global write lock: among the calls of all hosts. It is a lease that is renewed while
 * the call lives; a push under it is refused once it was lost.
 */
__attribute__((import_module("env"), import_name("__faasm_lock_state_global")))
void __faasm_lock_state_global(uint32_t key);

/**
 * Frees the global write lock.
 */
__attribute__((import_module("env"), import_name("__faasm_unlock_state_global")))
void __faasm_unlock_state_global(uint32_t key);

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

/**
 * Sends a request to an http or https URL and waits for the head of its answer, whatever its status. Returns
 * a descriptor, from which the body is read as it came (fd_read) and which fd_close closes, as the end of the
 * call does. method and url are NUL-terminated; headers is 0 or a NUL-terminated text of lines `Name: value`.
 * Redirects are followed; authorization and cookies go to another origin never. A user-agent is sent unless
 * one is given. Nothing is decompressed, cached or kept between requests.
 */
__attribute__((import_module("env"), import_name("__faaslet_http")))
uint32_t __faaslet_http(uint32_t method, uint32_t url, uint32_t headers, uint32_t body, uint32_t length);

/**
 * The answer's status, e.g. 200.
 */
__attribute__((import_module("env"), import_name("__faaslet_http_status")))
uint32_t __faaslet_http_status(uint32_t fd);

/**
 * Copies the value of a header of the answer, at most length bytes of it and no NUL, and returns its size; of
 * a header that came more than once all values, a line feed between them.
 */
__attribute__((import_module("env"), import_name("__faaslet_http_header")))
uint32_t __faaslet_http_header(uint32_t fd, uint32_t name, uint32_t buffer, uint32_t length);

/**
 * Copies what TLS did not like about the server of the last request that failed with EPROTO, e.g. `invalid
 * peer certificate: Expired`, at most length bytes of it and no NUL, and returns its size; 0 when that was
 * not it.
 */
__attribute__((import_module("env"), import_name("__faaslet_http_problem")))
uint32_t __faaslet_http_problem(uint32_t buffer, uint32_t length);

#ifdef __cplusplus
}
#endif

#endif
