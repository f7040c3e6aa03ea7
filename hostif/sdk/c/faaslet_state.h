/**
 * faaslet_state.h: shared state in C and C++, in the words of FAASM (USENIX ATC 2020, Table 2). A key is NUL-terminated UTF-8.
 * What a reader may see, and when, is in docs/consistency.md. `faaslet.h` includes this file.
 */
#ifndef FAASLET_STATE_H
#define FAASLET_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "faaslet_imports.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The value's size in bytes; 0 when there is none. */
static inline size_t state_size(const char *key) { return __faasm_read_state(FAASLET_AT(key), 0, 0); }

/** Copies at most `length` bytes of the value; returns its size, 0 when there is none. */
static inline size_t read_state(const char *key, void *buffer, size_t length) {
  return length == 0 ? 0 : __faasm_read_state(FAASLET_AT(key), FAASLET_AT(buffer), (uint32_t)length);
}

/** Copies a part of a value of `total` bytes. */
static inline void read_state_offset(const char *key, size_t total, size_t offset, void *buffer, size_t length) {
  __faasm_read_state_offset(FAASLET_AT(key), (uint32_t)total, (uint32_t)offset, FAASLET_AT(buffer), (uint32_t)length);
}

/**
 * The value itself: memory that all calls of this host share. `length` 0 is all of a value that is there; otherwise a
 * value that is not there is made, of zeros.
 */
static inline void *get_state(const char *key, size_t length) {
  return (void *)(uintptr_t)__faasm_read_state_ptr(FAASLET_AT(key), (uint32_t)length);
}

/** A part of the value itself; only the pages that it touches are mapped and brought here. */
static inline void *get_state_offset(const char *key, size_t total, size_t offset, size_t length) {
  return (void *)(uintptr_t)__faasm_read_state_offset_ptr(FAASLET_AT(key), (uint32_t)total, (uint32_t)offset,
                                                          (uint32_t)length);
}

/** Makes these bytes the value, on this host. */
static inline void set_state(const char *key, const void *bytes, size_t length) {
  __faasm_write_state(FAASLET_AT(key), FAASLET_AT(bytes), (uint32_t)length);
}

/** Writes a part of a value of `total` bytes, on this host. */
static inline void set_state_offset(const char *key, size_t total, size_t offset, const void *bytes, size_t length) {
  __faasm_write_state_offset(FAASLET_AT(key), (uint32_t)total, (uint32_t)offset, FAASLET_AT(bytes), (uint32_t)length);
}

/** Makes a file's content the value, on this host; returns its size. */
static inline size_t set_state_from_file(const char *key, const char *path) {
  return __faasm_write_state_from_file(FAASLET_AT(key), FAASLET_AT(path));
}

/** Sends what was changed on this host to the global tier, at one moment. */
static inline void push_state(const char *key) { __faasm_push_state(FAASLET_AT(key)); }

/** Sends what was changed in a part of the value. */
static inline void push_state_offset(const char *key, size_t total, size_t offset, size_t length) {
  __faasm_flag_state_offset_dirty(FAASLET_AT(key), (uint32_t)total, (uint32_t)offset, (uint32_t)length);
  __faasm_push_state(FAASLET_AT(key));
}

/** As `push_state`; then takes in what other hosts changed. */
static inline void push_state_partial(const char *key) { __faasm_push_state_partial(FAASLET_AT(key)); }

/** As `push_state_partial`, of the bytes that are not zero in the value of `mask`, which is zero afterwards. */
static inline void push_state_masked(const char *key, const char *mask) {
  __faasm_push_state_partial_mask(FAASLET_AT(key), FAASLET_AT(mask));
}

/** Fetches the value again; what was changed here and not pushed is lost. */
static inline void pull_state(const char *key) { __faasm_pull_state(FAASLET_AT(key), 0); }

/** Fetches the chunks again in which the value's first bytes are, up to `offset + length`. */
static inline void pull_state_offset(const char *key, size_t offset, size_t length) {
  __faasm_pull_state(FAASLET_AT(key), (uint32_t)(offset + length));
}

/** The version that the value on this host was made from; 0 when it was not pushed yet. */
static inline uint64_t state_version(const char *key) { return __faaslet_state_version(FAASLET_AT(key)); }

/** As `push_state`, if the global value is of that version; 0, or 1 when it is not: then nothing was sent. */
static inline int push_state_if(const char *key, uint64_t version) {
  return (int)__faaslet_push_state_if(FAASLET_AT(key), version);
}

/** Adds a record behind all others of the key, in the global tier, at once. */
static inline void append_state(const char *key, const void *bytes, size_t length) {
  __faasm_append_state(FAASLET_AT(key), FAASLET_AT(bytes), (uint32_t)length);
}

/** Copies the first `count` records, one behind the other. */
static inline void read_appended_state(const char *key, void *buffer, size_t length, unsigned count) {
  __faasm_read_appended_state(FAASLET_AT(key), FAASLET_AT(buffer), (uint32_t)length, count);
}

static inline void clear_appended_state(const char *key) { __faasm_clear_appended_state(FAASLET_AT(key)); }

/** Locks among the calls of this host. They end with the call at the latest. */
static inline void lock_state_read(const char *key) { __faasm_lock_state_read(FAASLET_AT(key)); }
static inline void unlock_state_read(const char *key) { __faasm_unlock_state_read(FAASLET_AT(key)); }
static inline void lock_state_write(const char *key) { __faasm_lock_state_write(FAASLET_AT(key)); }
static inline void unlock_state_write(const char *key) { __faasm_unlock_state_write(FAASLET_AT(key)); }

/** Locks among the calls of all hosts. They end with the call at the latest. */
static inline void lock_state_global_read(const char *key) { __faasm_lock_state_global_read(FAASLET_AT(key)); }
static inline void unlock_state_global_read(const char *key) { __faasm_unlock_state_global_read(FAASLET_AT(key)); }
static inline void lock_state_global_write(const char *key) { __faasm_lock_state_global_write(FAASLET_AT(key)); }
static inline void unlock_state_global_write(const char *key) { __faasm_unlock_state_global_write(FAASLET_AT(key)); }

/** Changes a value that other hosts change as well: global lock, pull, `change`, push, unlock. */
static inline void with_global_lock(const char *key, void (*change)(const char *key, void *context), void *context) {
  lock_state_global_write(key);
  pull_state(key);
  change(key, context);
  push_state(key);
  unlock_state_global_write(key);
}

#ifdef __cplusplus
}

namespace faaslet {

/** A view of a value as an array of `T`: the host's shared memory itself, as long as the call runs. */
template <typename T>
class StateArray {
 public:
  /** All of a value that is there. */
  explicit StateArray(const char *key) : data_(static_cast<T *>(get_state(key, 0))), size_(state_size(key) / sizeof(T)) {}
  /** A value of `size` elements; made, of zeros, when it is not there. */
  StateArray(const char *key, size_t size) : data_(static_cast<T *>(get_state(key, size * sizeof(T)))), size_(size) {}
  /** `size` elements from `first` on, of a value that has `total`. */
  StateArray(const char *key, size_t total, size_t first, size_t size)
      : data_(static_cast<T *>(get_state_offset(key, total * sizeof(T), first * sizeof(T), size * sizeof(T)))), size_(size) {}

  T *data() const { return data_; }
  size_t size() const { return size_; }
  T &operator[](size_t at) const { return data_[at]; }
  T *begin() const { return data_; }
  T *end() const { return data_ + size_; }

 private:
  T *data_;
  size_t size_;
};

}  // namespace faaslet
#endif

#endif
