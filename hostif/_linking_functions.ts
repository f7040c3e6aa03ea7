/** Dynamic linking: libraries as `clang -fPIC -shared` makes them, from among the function's files. */
import type { HostFunction } from "./table.ts";

const TEXT_TRAPS = [
  "trap ERR_GUEST_POINTER: the text does not end in linear memory",
  "trap ERR_GUEST_MISUSE: the text is too long or is not UTF-8",
];

export const LINKING_FUNCTIONS: readonly HostFunction[] = [
  {
    module: "env",
    name: "dlopen",
    params: [{ name: "path", type: "i32" }, { name: "flags", type: "i32" }],
    results: ["i32"],
    effect:
      "Opens a library that came with the function, and what it needs, or gives another handle of one that is open: " +
      "takes memory and table space, fills the global offset table, runs constructors. No path: the program itself. A name " +
      "without a slash is looked for in /, /lib, /usr/lib and /usr/local/lib. RTLD_GLOBAL shows its symbols to libraries " +
      "that are opened later; RTLD_NOLOAD opens nothing. What is opened before the snapshot is part of the Proto-Faaslet.",
    limits: [
      "FUNCTION_LIMITS.memoryBytesMax",
      "FUNCTION_LIMITS.tableElementsMax",
      "FUNCTION_LIMITS.deployedFileBytesMax",
    ],
    errors: [
      "0, and dlerror tells why: no such library, a file that the guest wrote to, undefined symbols, no memory or table space, " +
      "a library that needs itself, a program whose exports construct it anew",
      ...TEXT_TRAPS,
    ],
    hostile:
      "Only files as they were deployed can be opened: their code was checked and compiled then. A library has the rights and " +
      "the memory of its program, no others. 256 libraries at most.",
  },
  {
    module: "env",
    name: "dlsym",
    params: [{ name: "handle", type: "i32" }, { name: "name", type: "i32" }],
    results: ["i32"],
    effect:
      "Where a symbol is: a function's place in the table, which is a C function pointer, or the address of data. Handle 0 " +
      "looks in the program, which has to export it, and in what was opened with RTLD_GLOBAL; another handle in that library " +
      "and what it needs.",
    limits: ["FUNCTION_LIMITS.tableElementsMax"],
    errors: ["0, and dlerror tells why: no such symbol or handle, no table space", ...TEXT_TRAPS],
    hostile: "A handle is a number of this Faaslet's own; a place in the table is checked by every call through it.",
  },
  {
    module: "env",
    name: "dlclose",
    params: [{ name: "handle", type: "i32" }],
    results: ["i32"],
    effect: "Ends the use of a handle and returns 0. The library stays in memory.",
    limits: [],
    errors: ["-1, and dlerror tells why: no such handle"],
    hostile: "Nothing is freed, so that nothing can be used after it.",
  },
  {
    module: "env",
    name: "dlerror",
    params: [],
    results: ["i32"],
    effect:
      "The address of a text that tells what went wrong since the last time; 0 when nothing did. The next one replaces it.",
    limits: ["FUNCTION_LIMITS.memoryBytesMax"],
    errors: ["0: no memory for the text"],
    hostile: "The text is written once, into a page that the host took for it.",
  },
];
