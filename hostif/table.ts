/**
 * Every host function of ours that a guest may import, in one list: name, types, effect, limits, errors.
 *
 * The add-on's list is generated from it (`deno task native` writes `runtime/native/src/host/_table.rs`); the upload
 * check compares a module's imports with it. WASI preview 1 is not listed here: its list comes from its own witx files.
 *
 * @module
 */

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
];
