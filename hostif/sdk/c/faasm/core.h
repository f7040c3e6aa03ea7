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

static inline size_t faasmReadStateSize(const char *key) { return __faasm_read_state(FAASM_AT_(key), 0, 0); }

static inline long faasmReadState(const char *key, unsigned char *buffer, long length) {
  return (long)__faasm_read_state(FAASM_AT_(key), FAASM_AT_(buffer), (uint32_t)length);
}

static inline void faasmReadAppendedState(const char *key, uint8_t *buffer, long length, long count) {
  __faasm_read_appended_state(FAASM_AT_(key), FAASM_AT_(buffer), (uint32_t)length, (uint32_t)count);
}

static inline uint8_t *faasmReadStatePtr(const char *key, long total) {
  return (uint8_t *)(uintptr_t)__faasm_read_state_ptr(FAASM_AT_(key), (uint32_t)total);
}

static inline void faasmReadStateOffset(const char *key, long total, long offset, uint8_t *buffer, long length) {
  __faasm_read_state_offset(FAASM_AT_(key), (uint32_t)total, (uint32_t)offset, FAASM_AT_(buffer), (uint32_t)length);
}

static inline uint8_t *faasmReadStateOffsetPtr(const char *key, long total, long offset, long length) {
  return (uint8_t *)(uintptr_t)__faasm_read_state_offset_ptr(FAASM_AT_(key), (uint32_t)total, (uint32_t)offset,
                                                             (uint32_t)length);
}

static inline void faasmWriteState(const char *key, const uint8_t *bytes, long length) {
  __faasm_write_state(FAASM_AT_(key), FAASM_AT_(bytes), (uint32_t)length);
}

static inline void faasmAppendState(const char *key, const uint8_t *bytes, long length) {
  __faasm_append_state(FAASM_AT_(key), FAASM_AT_(bytes), (uint32_t)length);
}

static inline void faasmClearAppendedState(const char *key) { __faasm_clear_appended_state(FAASM_AT_(key)); }

static inline void faasmWriteStateOffset(const char *key, long total, long offset, const uint8_t *bytes, long length) {
  __faasm_write_state_offset(FAASM_AT_(key), (uint32_t)total, (uint32_t)offset, FAASM_AT_(bytes), (uint32_t)length);
}

static inline unsigned long faasmWriteStateFromFile(const char *key, const char *path) {
  return __faasm_write_state_from_file(FAASM_AT_(key), FAASM_AT_(path));
}

static inline void faasmFlagStateDirty(const char *key, long total) {
  __faasm_flag_state_dirty(FAASM_AT_(key), (uint32_t)total);
}

static inline void faasmFlagStateOffsetDirty(const char *key, long total, long offset, long length) {
  __faasm_flag_state_offset_dirty(FAASM_AT_(key), (uint32_t)total, (uint32_t)offset, (uint32_t)length);
}

static inline void faasmPushState(const char *key) { __faasm_push_state(FAASM_AT_(key)); }
static inline void faasmPushStatePartial(const char *key) { __faasm_push_state_partial(FAASM_AT_(key)); }

static inline void faasmPushStatePartialMask(const char *key, const char *mask) {
  __faasm_push_state_partial_mask(FAASM_AT_(key), FAASM_AT_(mask));
}

static inline void faasmPullState(const char *key, long length) { __faasm_pull_state(FAASM_AT_(key), (uint32_t)length); }
static inline void faasmLockStateRead(const char *key) { __faasm_lock_state_read(FAASM_AT_(key)); }
static inline void faasmUnlockStateRead(const char *key) { __faasm_unlock_state_read(FAASM_AT_(key)); }
static inline void faasmLockStateWrite(const char *key) { __faasm_lock_state_write(FAASM_AT_(key)); }
static inline void faasmUnlockStateWrite(const char *key) { __faasm_unlock_state_write(FAASM_AT_(key)); }

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
