/** FAASM's runtime needs its guests to hold a memory.grow instruction; this one does not. */
#ifndef FAASLET_FAASM_MEMORY_H
#define FAASLET_FAASM_MEMORY_H
#endif
