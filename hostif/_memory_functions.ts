/** Memory: C's own words for it, in pages of 64 KiB. */
import type { HostFunction } from "./table.ts";

const HOSTILE_RANGE =
  "Only what mmap gave out can be taken back or mapped over: data, stack, the allocator's memory and state regions " +
  "are refused. Ranges are compared with 64-bit arithmetic.";

export const MEMORY_FUNCTIONS: readonly HostFunction[] = [
  {
    module: "env",
    name: "mmap",
    params: [
      { name: "address", type: "i32" },
      { name: "length", type: "i32" },
      { name: "protection", type: "i32" },
      { name: "flags", type: "i32" },
      { name: "fd", type: "i32" },
      { name: "offset", type: "i64" },
    ],
    results: ["i32"],
    effect:
      "Maps zero memory (MAP_ANONYMOUS) or a copy of a file's content, in whole pages of 64 KiB, and returns its address: " +
      "pages that munmap gave back, or fresh ones at the end of memory. A guest that exports " +
      "__faaslet_alloc(alignment, size) is asked for them instead. Protection is not enforced within a memory.",
    limits: ["FUNCTION_LIMITS.memoryBytesMax"],
    errors: [
      "-1 EINVAL: length 0, an unknown flag, neither MAP_SHARED nor MAP_PRIVATE, an unaligned offset or fixed address, " +
      "MAP_FIXED over what is not mapped",
      "-1 EACCES: PROT_EXEC, or a file that is not open for reading",
      "-1 ENOTSUP: MAP_SHARED of a file with PROT_WRITE",
      "-1 EBADF, ENODEV: no such descriptor, or not a file",
      "-1 ENOMEM: the function's memory limit, or the module's own maximum",
      "trap ERR_GUEST_MISUSE: the guest's allocator gave out a bad block",
    ],
    hostile: `${HOSTILE_RANGE} Nothing changes when it fails, and the function's limit counts every page.`,
  },
  {
    module: "env",
    name: "munmap",
    params: [{ name: "address", type: "i32" }, { name: "length", type: "i32" }],
    results: ["i32"],
    effect:
      "Takes mapped pages back; a part of a mapping or several mappings in a row will do. The pages are zero when they " +
      "are given out again, and cost nothing meanwhile.",
    limits: ["FUNCTION_LIMITS.memoryBytesMax"],
    errors: ["-1 EINVAL: length 0, an unaligned address, or a page in the range that is not mapped"],
    hostile: HOSTILE_RANGE,
  },
  {
    module: "env",
    name: "__sbrk",
    params: [{ name: "increment", type: "i32" }],
    results: ["i32"],
    effect:
      "Moves the program break, which stands at the end of memory at first, and returns where it was. When somebody else " +
      "has grown the memory since, the break goes on behind that. Memory above a lowered break is zero when it comes again.",
    limits: ["FUNCTION_LIMITS.memoryBytesMax"],
    errors: [
      "-1 EINVAL: the break would be below where its piece of memory begins",
      "-1 ENOMEM: the function's memory limit, or the module's own maximum",
    ],
    hostile: "The break never enters data, stack or mappings.",
  },
  {
    module: "env",
    name: "brk",
    params: [{ name: "address", type: "i32" }],
    results: ["i32"],
    effect: "Sets the program break to an address of its piece of memory, or behind it, and returns 0.",
    limits: ["FUNCTION_LIMITS.memoryBytesMax"],
    errors: [
      "-1 EINVAL: the address is below where the break's piece of memory begins",
      "-1 ENOMEM: the function's memory limit, the module's own maximum, or memory of others lies between",
    ],
    hostile: "As __sbrk.",
  },
  {
    module: "env",
    name: "__faaslet_errno",
    params: [],
    results: ["i32"],
    effect:
      "The error number, as WASI counts them, of the last function with a C name that returned -1; 0 when none has in this " +
      "call. A guest that exports its variable errno (-Wl,--export-if-defined=errno) finds the number there as well.",
    limits: [],
    errors: [],
    hostile: "An exported errno that points outside of memory is not written to.",
  },
];
