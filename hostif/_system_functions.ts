/** What FAASM's guests ask of the system: fixed, harmless answers. */
import type { HostFunction } from "./table.ts";

const HOSTILE = "Nothing of the machine is in the answer.";

export const SYSTEM_FUNCTIONS: readonly HostFunction[] = [
  {
    module: "env",
    name: "__faasm_conf_flag",
    params: [{ name: "name", type: "i32" }],
    results: ["i32"],
    effect: "1 when the environment has a variable of that name whose value is on; else 0.",
    limits: ["FUNCTION_LIMITS.environmentBytesMax"],
    errors: [
      "trap ERR_GUEST_POINTER: the name does not end in linear memory",
      "trap ERR_GUEST_MISUSE: the name is longer than 1,024 bytes or is not UTF-8",
    ],
    hostile: "Sees what environ_get shows, nothing of the host's own environment.",
  },
  {
    module: "env",
    name: "__faasm_backtrace",
    params: [{ name: "depth", type: "i32" }],
    results: [],
    effect:
      "Writes the innermost frames of the guest's stack to its standard error, with names when the module has a name section; " +
      "depth 0 or less is as many as there are, 32 at most.",
    limits: ["FUNCTION_LIMITS.logBytesMax"],
    errors: [],
    hostile: "Names are the guest's own; control characters in them become question marks. The log's limit holds.",
  },
  {
    module: "env",
    name: "uname",
    params: [{ name: "buffer", type: "i32" }],
    results: ["i32"],
    effect: "Fills musl's struct utsname with fixed texts and returns 0.",
    limits: [],
    errors: ["-1 EFAULT: the buffer is not inside linear memory"],
    hostile: HOSTILE,
  },
  {
    module: "env",
    name: "getpwuid",
    params: [{ name: "uid", type: "i32" }],
    results: ["i32"],
    effect: "For 1000 the address of musl's struct passwd: the user faaslet, home /. For others 0.",
    limits: ["FUNCTION_LIMITS.memoryBytesMax"],
    errors: ["0: another user, or no memory"],
    hostile: HOSTILE,
  },
  {
    module: "env",
    name: "sysconf",
    params: [{ name: "name", type: "i32" }],
    results: ["i32"],
    effect: "Fixed values for musl's numbers: one processor, pages of 64 KiB, 65,536 of them.",
    limits: [],
    errors: ["-1 EINVAL: another number"],
    hostile: HOSTILE,
  },
  ...["getuid", "geteuid", "getgid", "getegid"].map((name): HostFunction => ({
    module: "env",
    name,
    params: [],
    results: ["i32"],
    effect: "1000.",
    limits: [],
    errors: [],
    hostile: HOSTILE,
  })),
];
