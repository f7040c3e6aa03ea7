/** FAASM's C names over this host's imports, so that sources written for FAASM compile here unchanged. */
#ifndef FAASLET_FAASM_CORE_H
#define FAASLET_FAASM_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../faaslet_imports.h"
#include "memory.h"

#ifdef __cplusplus
#define BYTES(arr) reinterpret_cast<uint8_t *>(arr)
#define FAASM_ZYGOTE() extern "C" __attribute__((export_name("_faasm_zygote"))) int _faasm_zygote()
extern "C" {
#else
#define BYTES(arr) ((uint8_t *)(arr))
#define FAASM_ZYGOTE() __attribute__((export_name("_faasm_zygote"))) int _faasm_zygote(void)
#endif

#define FAASM_AT_(pointer) ((uint32_t)(uintptr_t)(pointer))

typedef int (*FaasmFuncPtr)();

static inline long faasmGetInputSize() { return (long)__faasm_read_input(0, 0); }

static inline void faasmGetInput(uint8_t *buffer, long length) {
  if (length > 0) __faasm_read_input(FAASM_AT_(buffer), (uint32_t)length);
}

static inline void faasmSetOutput(const uint8_t *output, long length) {
  __faasm_write_output(FAASM_AT_(output), (uint32_t)length);
}

static inline unsigned int faasmChainNamed(const char *name, const uint8_t *input, long length) {
  return __faasm_chain_name(FAASM_AT_(name), FAASM_AT_(input), (uint32_t)length);
}

static inline unsigned int faasmChain(FaasmFuncPtr entry, const uint8_t *input, long length) {
  return __faasm_chain_ptr(FAASM_AT_(entry), FAASM_AT_(input), (uint32_t)length);
}

static inline unsigned int faasmAwaitCall(unsigned int call) { return __faasm_await_call(call); }

/** Copies at most `length` bytes of the output. The program exports `malloc`. */
static inline unsigned int faasmAwaitCallOutput(unsigned int call, uint8_t *buffer, long length) {
  uint32_t at = 0, size = 0;
  unsigned int value = __faasm_await_call_output(call, FAASM_AT_(&at), FAASM_AT_(&size));
  memcpy(buffer, (void *)(uintptr_t)at, length < (long)size ? (size_t)length : size);
  free((void *)(uintptr_t)at);
  return value;
}

/** Calls `entry` so many times at once and waits for all; 0 when all returned 0. */
static inline unsigned int faasmChainBatch(FaasmFuncPtr entry, const char *input, int count) {
  unsigned int *calls = (unsigned int *)malloc(sizeof(unsigned int) * (size_t)count);
  unsigned int failed = calls == NULL;
  for (int at = 0; calls != NULL && at < count; at++) {
    calls[at] = faasmChain(entry, (const uint8_t *)input, (long)strlen(input));
  }
  for (int at = 0; calls != NULL && at < count; at++) failed |= faasmAwaitCall(calls[at]) != 0;
  free(calls);
  return failed;
}

#ifdef __cplusplus
}
#endif

#endif
