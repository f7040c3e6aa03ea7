/**
 * faaslet.h: the host interface in C and C++, in the words of FAASM (USENIX ATC 2020, Table 2). Everything here is
 * `static inline` over the imports of `faaslet_imports.h`; there is nothing to link.
 */
#ifndef FAASLET_H
#define FAASLET_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "faaslet_http.h"
#include "faaslet_imports.h"
#include "faaslet_state.h"

/** The initialiser: runs once, and every call starts from the memory that it left. Returns 0. */
#ifdef __cplusplus
#define FAASLET_INIT() extern "C" __attribute__((export_name("_faasm_zygote"))) int _faasm_zygote(void)
#else
#define FAASLET_INIT() __attribute__((export_name("_faasm_zygote"))) int _faasm_zygote(void)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The size of the call's input, in bytes. */
static inline size_t call_input_size(void) { return __faasm_read_input(0, 0); }

/** Copies at most `length` bytes of the input and returns how many. */
static inline size_t read_call_input(void *buffer, size_t length) {
  return length == 0 ? 0 : __faasm_read_input(FAASLET_AT(buffer), (uint32_t)length);
}

/** Makes these bytes the call's output; the last one wins. */
static inline void write_call_output(const void *bytes, size_t length) {
  __faasm_write_output(FAASLET_AT(bytes), (uint32_t)length);
}

/** Makes it the status of this call's answer over HTTP. Returns 0, or -1 and `errno` when it is none (200 to 599). */
static inline int set_status(int status) {
  int result = (int)__faaslet_set_status((uint32_t)status);
  if (result == -1) errno = (int)__faaslet_errno();
  return result;
}

/** Makes it a header of this call's answer over HTTP. Returns 0, or -1 and `errno` when it cannot be one. */
static inline int set_header(const char *name, const char *value) {
  int result = (int)__faaslet_set_header(FAASLET_AT(name), FAASLET_AT(value));
  if (result == -1) errno = (int)__faaslet_errno();
  return result;
}

/** A chained call, as this call names it. */
typedef uint32_t call_handle;

/** Starts a call of the function of that name; its input is copied. */
static inline call_handle chain_call(const char *name, const void *input, size_t length) {
  return __faasm_chain_name(FAASLET_AT(name), FAASLET_AT(input), (uint32_t)length);
}

/** Starts a call of this same program that enters at `entry`, in a Faaslet of its own. */
static inline call_handle chain_entry(int (*entry)(void), const void *input, size_t length) {
  return __faasm_chain_ptr(FAASLET_AT(entry), FAASLET_AT(input), (uint32_t)length);
}

/** Starts a call of this same function, in which `call_index` returns `index`. */
static inline call_handle chain_index(int index, const void *input, size_t length) {
  return __faasm_chain_this((uint32_t)index, FAASLET_AT(input), (uint32_t)length);
}

/** What `chain_index` was given for this call; 0 for every other one. */
static inline int call_index(void) { return (int)__faasm_get_idx(); }

/** Waits for a call; what it returned, or 1 when it failed. The handle is of no use after it. */
static inline int await_call(call_handle call) { return (int)__faasm_await_call(call); }

/** As `await_call`; the output, which the caller frees, and its length. The program exports `malloc`: `faaslet build`
 * links it so, other tools with -Wl,--export=malloc. */
static inline int await_call_output(call_handle call, void **output, size_t *length) {
  uint32_t at = 0, size = 0;
  int value = (int)__faasm_await_call_output(call, FAASLET_AT(&at), FAASLET_AT(&size));
  *output = (void *)(uintptr_t)at;
  *length = size;
  return value;
}

#ifdef __cplusplus
}
#endif

#endif
