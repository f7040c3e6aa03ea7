/** <sys/mman.h>: memory of the host's giving, and files mapped by copying them. */
#ifndef FAASLET_SYS_MMAN_H
#define FAASLET_SYS_MMAN_H

#include <errno.h>
#include <stddef.h>
#include <sys/types.h>

#include "../../faaslet_imports.h"

#define PROT_NONE 0
#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_FIXED 0x10
#define MAP_ANON 0x20
#define MAP_ANONYMOUS MAP_ANON
#define MAP_NORESERVE 0x4000
#define MAP_POPULATE 0x8000
#define MAP_STACK 0x20000
#define MAP_FAILED ((void *)-1)

#ifdef __cplusplus
extern "C" {
#endif

/* The symbols are others than C's: WASI's library can emulate these, with memory of malloc's. */
#define FAASLET_MEMORY(name) \
  __asm__("__faaslet_" #name) __attribute__((import_module("env"), import_name(#name)))

extern void *__faaslet_mmap(void *, size_t, int, int, int, long long) FAASLET_MEMORY(mmap);
extern int __faaslet_munmap(void *, size_t) FAASLET_MEMORY(munmap);

static inline void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
  void *mapped = __faaslet_mmap(address, length, protection, flags, fd, offset);
  if (mapped == MAP_FAILED) errno = (int)__faaslet_errno();
  return mapped;
}

static inline int munmap(void *address, size_t length) {
  int result = __faaslet_munmap(address, length);
  if (result == -1) errno = (int)__faaslet_errno();
  return result;
}

#ifdef __cplusplus
}
#endif

#endif
