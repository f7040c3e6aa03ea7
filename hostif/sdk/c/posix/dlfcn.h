/** <dlfcn.h>: libraries among the function's files, opened while it runs. */
#ifndef FAASLET_DLFCN_H
#define FAASLET_DLFCN_H

#define RTLD_LAZY 1
#define RTLD_NOW 2
#define RTLD_NOLOAD 4
#define RTLD_GLOBAL 256
#define RTLD_LOCAL 0
#define RTLD_DEFAULT ((void *)0)

#ifdef __cplusplus
extern "C" {
#endif

/* The symbols are others than C's, which newer libraries of WASI have for a purpose of their own. */
#define FAASLET_LIBRARY(name) \
  __asm__("__faaslet_" #name) __attribute__((import_module("env"), import_name(#name)))

extern void *__faaslet_dlopen(const char *, int) FAASLET_LIBRARY(dlopen);
extern void *__faaslet_dlsym(void *, const char *) FAASLET_LIBRARY(dlsym);
extern int __faaslet_dlclose(void *) FAASLET_LIBRARY(dlclose);
extern char *__faaslet_dlerror(void) FAASLET_LIBRARY(dlerror);

static inline void *dlopen(const char *path, int flags) { return __faaslet_dlopen(path, flags); }
static inline void *dlsym(void *handle, const char *name) { return __faaslet_dlsym(handle, name); }
static inline int dlclose(void *handle) { return __faaslet_dlclose(handle); }
static inline char *dlerror(void) { return __faaslet_dlerror(); }

#ifdef __cplusplus
}
#endif

#endif
