/**
 * Every host function of ours that a guest may import, in one list: name, types, effect, limits, errors.
 *
 * The add-on's list is generated from it (`deno task native` writes `runtime/native/src/host/_table.rs`); the upload
 * check compares a module's imports with it. WASI preview 1 is not listed here: its list comes from its own witx files.
 *
 * @module
 */
import { ANSWER_FUNCTIONS } from "./_answer_functions.ts";
import { FILE_FUNCTIONS } from "./_file_functions.ts";
import { HTTP_FUNCTIONS } from "./_http_functions.ts";
import { LINKING_FUNCTIONS } from "./_linking_functions.ts";
import { MEMORY_FUNCTIONS } from "./_memory_functions.ts";
import { NETWORK_FUNCTIONS } from "./_network_functions.ts";
import { SYSTEM_FUNCTIONS } from "./_system_functions.ts";
import { STATE_FUNCTIONS } from "./_state_functions.ts";

/** A WebAssembly value type of the interface. */
export type ValueType = "i32" | "i64";

/** One function of the host interface. */
export interface HostFunction {
  readonly module: "env";
  readonly name: string;
  readonly params: readonly { readonly name: string; readonly type: ValueType }[];
  readonly results: readonly ValueType[];
  /** What it does, for the guest's author. */
  readonly effect: string;
  /** Which limits of `limits.ts` bound it. */
  readonly limits: readonly string[];
  /** How it fails; `trap` entries name the error code the call ends with. */
  readonly errors: readonly string[];
  /** What a malicious guest can try, and what it gets. */
  readonly hostile: string;
}

const CHAIN_INPUT = [{ name: "input", type: "i32" }, { name: "length", type: "i32" }] as const;
const CHAIN_LIMITS = [
  "CHAIN_LIMITS.depthMax",
  "CHAIN_LIMITS.callsMax",
  "CHAIN_LIMITS.inFlightMax",
  "CHAIN_LIMITS.inputBytesMax",
  "FUNCTION_LIMITS.inputBytesMax",
] as const;
const CHAIN_ERRORS = [
  "trap ERR_GUEST_POINTER: name or input is not inside linear memory",
  "trap ERR_GUEST_MISUSE: the name is empty, longer than 255 bytes or not UTF-8, or an initialiser asks",
  "trap ERR_CHAIN_BUDGET, ERR_CHAIN_DEPTH: of the root call, whose budget the whole tree shares",
] as const;
const CHAIN_HOSTILE =
  "The budget is the root call's and is looked at before anything is copied; a handle is a number of " +
  "this call's own, so nobody else's call can be named.";
const AWAIT_ERRORS = [
  "trap ERR_GUEST_MISUSE: the call holds no such handle, or it was awaited before",
  "trap ERR_CAPACITY: too many calls of the host wait for others",
] as const;
const AWAIT_HOSTILE = "A guessed handle, one of another call and one that was awaited are the same error.";

/** The list. Order is that of the reference page. */
export const HOST_FUNCTIONS: readonly HostFunction[] = [
  {
    module: "env",
    name: "__faasm_read_input",
    params: [{ name: "buffer", type: "i32" }, { name: "length", type: "i32" }],
    results: ["i32"],
    effect: "With length 0 returns the input's size; else copies min(length, size) bytes and returns their number.",
    limits: ["FUNCTION_LIMITS.inputBytesMax"],
    errors: ["trap ERR_GUEST_POINTER: the buffer is not inside linear memory"],
    hostile: "The range is checked with 64-bit arithmetic before anything is copied; never writes past length.",
  },
  {
    module: "env",
    name: "__faasm_write_output",
    params: [{ name: "pointer", type: "i32" }, { name: "length", type: "i32" }],
    results: [],
    effect: "Replaces the call's output with these bytes; any bytes, NUL included.",
    limits: ["FUNCTION_LIMITS.outputBytesMax"],
    errors: [
      "trap ERR_GUEST_POINTER: the range is not inside linear memory",
      "trap ERR_OUTPUT_LIMIT: the output is larger than the function's limit",
    ],
    hostile: "The length is compared with the limit before anything is allocated; a call that fails gives no output.",
  },
  ...ANSWER_FUNCTIONS,
  {
    module: "env",
    name: "__faasm_memory_layout_protection",
    params: [],
    results: [],
    effect: "Does nothing. FAASM's own headers import it.",
    limits: [],
    errors: [],
    hostile: "Nothing to gain.",
  },
  {
    module: "env",
    name: "__faasm_host_interface_test",
    params: [{ name: "number", type: "i32" }],
    results: [],
    effect:
      "Raises a fault of the host on purpose. FAASM's own tests import it; ours show with it that a fault is contained.",
    limits: [],
    errors: ["trap ERR_BUG: always"],
    hostile: "Ends the call that asked for it, and nothing else.",
  },
  {
    module: "env",
    name: "__faasm_chain_name",
    params: [{ name: "name", type: "i32" }, ...CHAIN_INPUT],
    results: ["i32"],
    effect:
      "Starts a call of the tenant's function of that name (NUL-terminated UTF-8) with a copy of the input, and " +
      "returns a handle for it: 1, 2, 3 ... of this call's own. A call of a function that is not there fails when awaited.",
    limits: CHAIN_LIMITS,
    errors: CHAIN_ERRORS,
    hostile: CHAIN_HOSTILE,
  },
  {
    module: "env",
    name: "__faasm_chain_function",
    params: [{ name: "name", type: "i32" }, ...CHAIN_INPUT],
    results: ["i32"],
    effect: "The older name of __faasm_chain_name.",
    limits: CHAIN_LIMITS,
    errors: CHAIN_ERRORS,
    hostile: CHAIN_HOSTILE,
  },
  {
    module: "env",
    name: "__faasm_chain_ptr",
    params: [{ name: "entry", type: "i32" }, ...CHAIN_INPUT],
    results: ["i32"],
    effect:
      "Starts a call of this same function and version, in a Faaslet of its own that starts from the Proto-Faaslet " +
      "and is entered at that index of the function table; what stands there is of the type () -> i32.",
    limits: CHAIN_LIMITS,
    errors: [...CHAIN_ERRORS, "the called one traps with ERR_GUEST_MISUSE: nothing of that type stands there"],
    hostile: CHAIN_HOSTILE,
  },
  {
    module: "env",
    name: "__faasm_chain_this",
    params: [{ name: "index", type: "i32" }, ...CHAIN_INPUT],
    results: ["i32"],
    effect: "Starts a call of this same function and version at its usual entry, where __faasm_get_idx returns index.",
    limits: CHAIN_LIMITS,
    errors: CHAIN_ERRORS,
    hostile: CHAIN_HOSTILE,
  },
  {
    module: "env",
    name: "__faasm_get_idx",
    params: [],
    results: ["i32"],
    effect: "The index with which __faasm_chain_this made this call; 0 for every other call.",
    limits: [],
    errors: [],
    hostile: "Nothing to gain.",
  },
  {
    module: "env",
    name: "__faasm_await_call",
    params: [{ name: "handle", type: "i32" }],
    results: ["i32"],
    effect:
      "Waits until the chained call has ended, without a place among the running calls; returns its return value, or " +
      "1 when it trapped, ran out of time, was refused or is not there. The handle is of no use after it.",
    limits: ["HOST_LIMITS.waitingMax"],
    errors: AWAIT_ERRORS,
    hostile: AWAIT_HOSTILE,
  },
  {
    module: "env",
    name: "__faasm_await_call_output",
    params: [{ name: "handle", type: "i32" }, { name: "pointer", type: "i32" }, { name: "length", type: "i32" }],
    results: ["i32"],
    effect:
      "As __faasm_await_call; the output goes into memory of the guest's own malloc, whose address and length are " +
      "stored at pointer and length. An empty output is address 0.",
    limits: ["HOST_LIMITS.waitingMax"],
    errors: [
      ...AWAIT_ERRORS,
      "trap ERR_GUEST_POINTER: pointer, length or what malloc gave is not inside linear memory",
      "trap ERR_GUEST_MISUSE: the module exports no malloc, or it has no room",
    ],
    hostile: `${AWAIT_HOSTILE} What malloc returns is checked like any pointer.`,
  },
  ...STATE_FUNCTIONS,
  ...MEMORY_FUNCTIONS,
  ...FILE_FUNCTIONS,
  ...LINKING_FUNCTIONS,
  ...SYSTEM_FUNCTIONS,
  ...NETWORK_FUNCTIONS,
  ...HTTP_FUNCTIONS,
];
