/** Files, where WASI has no word for it. */
import type { HostFunction } from "./table.ts";

const HOSTILE = "Each duplicate counts as a descriptor, and is gone with the call.";

export const FILE_FUNCTIONS: readonly HostFunction[] = [
  {
    module: "env",
    name: "dup",
    params: [{ name: "fd", type: "i32" }],
    results: ["i32"],
    effect: "Opens the lowest free descriptor for what fd leads to; both share one offset and one set of flags.",
    limits: ["FUNCTION_LIMITS.descriptorsMax"],
    errors: ["-1 EBADF: no such descriptor", "-1 EMFILE: the function's limit of descriptors"],
    hostile: HOSTILE,
  },
  {
    module: "env",
    name: "__wasi_fd_dup",
    params: [{ name: "fd", type: "i32" }, { name: "result", type: "i32" }],
    results: ["i32"],
    effect: "As dup, in WASI's manner: stores the new descriptor and returns an error number.",
    limits: ["FUNCTION_LIMITS.descriptorsMax"],
    errors: ["EBADF: no such descriptor", "EMFILE: the function's limit of descriptors", "EFAULT: a bad pointer"],
    hostile: HOSTILE,
  },
];
