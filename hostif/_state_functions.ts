/** State: values by keys, in memory that the Faaslets of a host share, and in the global tier. */
import type { HostFunction, ValueType } from "./table.ts";

const KEY_ERRORS = [
  "trap ERR_GUEST_POINTER: the key, or a buffer, is not inside linear memory",
  "trap ERR_NAME_INVALID, ERR_GUEST_MISUSE: the key is not 1 to 512 bytes of UTF-8 that fit the grammar of keys",
] as const;
const PULL_ERRORS = [
  ...KEY_ERRORS,
  "trap ERR_STORAGE: the global tier failed",
  "trap ERR_QUOTA: there is no room for it in this host's memory for state",
  "trap ERR_GUEST_MISUSE: an initialiser asks for what is not on this host",
] as const;
const RANGE_ERROR = "trap ERR_GUEST_MISUSE: the part is not within total, or not within the value";
const HOLDS_ERROR = "trap ERR_GUEST_MISUSE: the call holds this lock already, or does not hold what it frees";
const LOCAL_LIMITS = [
  "STATE_LIMITS.keyBytesMax",
  "STATE_LIMITS.valueBytesMax",
  "STATE_LIMITS.localBytesDefault",
] as const;
const POINTER_LIMITS = [...LOCAL_LIMITS, "STATE_LIMITS.callMappingsMax", "STATE_LIMITS.localMappingsMax"] as const;

const KEYS_HOSTILE = "A key names a value of the call's own tenant, whatever is in it: no other can be named.";
const RANGES_HOSTILE =
  `${KEYS_HOSTILE} Ranges are compared with 64-bit arithmetic against the value as it is, before anything is copied.`;
const POINTER_HOSTILE =
  `${RANGES_HOSTILE} Pages of other values are never shown, those behind the value's end are zero, and no access to them can ` +
  "fail: a region never shrinks while it is mapped. What the guest's allocator gave is checked like any pointer.";
const LOCK_HOSTILE =
  "Freed when the call ends, in whatever way. Who comes while somebody waits, waits behind: a writer waits for those that were " +
  "there before it, and for nobody else.";

const key = { name: "key", type: "i32" } as const;
const total = { name: "total", type: "i32" } as const;
const offset = { name: "offset", type: "i32" } as const;
const buffer = { name: "buffer", type: "i32" } as const;
const pointer = { name: "pointer", type: "i32" } as const;
const length = { name: "length", type: "i32" } as const;

/** All of them in one shape: what differs is given. */
function define(
  name: string,
  params: readonly { readonly name: string; readonly type: ValueType }[],
  results: readonly ValueType[],
  rest: Pick<HostFunction, "effect"> & Partial<HostFunction>,
): HostFunction {
  return {
    module: "env",
    name,
    params,
    results,
    limits: LOCAL_LIMITS,
    errors: PULL_ERRORS,
    hostile: RANGES_HOSTILE,
    ...rest,
  };
}

export const STATE_FUNCTIONS: readonly HostFunction[] = [
  define("__faasm_read_state", [key, buffer, length], ["i32"], {
    effect: "With length 0 returns the value's size. Else brings the value to this host when it is not here, copies " +
      "min(length, size) bytes of it and returns its size. 0: there is no such value.",
  }),
  define("__faasm_read_state_ptr", [key, length], ["i32"], {
    effect:
      "Maps the first length bytes of the value (all, with length 0) into linear memory and returns their address: the " +
      "pages that all calls of this host share, and the same address for the same value as long as the call runs. The value is " +
      "brought here first; when there is none, it is made, of length zeros. Reads and writes are plain loads and stores; what " +
      "others see of them, and when, is in docs/consistency.md. The address comes from __faaslet_alloc(alignment, size), " +
      "aligned_alloc or malloc when the module exports one and is no command, else from growth of the memory.",
    limits: POINTER_LIMITS,
    errors: [
      ...PULL_ERRORS,
      "trap ERR_GUEST_MISUSE: the value is shorter than length, empty, or not there with length 0; the guest's memory has no " +
      "room, or its allocator gave out a bad block",
      "trap ERR_STATE_LIMIT: length is over the limit of a value",
      "trap ERR_CAPACITY: the process has no room for another mapping",
      "ERR_SNAPSHOT_HANDLE at upload: an initialiser mapped it",
    ],
    hostile: POINTER_HOSTILE,
  }),
  define("__faasm_read_state_offset", [key, total, offset, buffer, length], [], {
    effect:
      "Copies a part of the value, whose size is at most total. Only the chunks of 64 KiB that the part touches are brought.",
    errors: [...PULL_ERRORS, RANGE_ERROR, "trap ERR_GUEST_MISUSE: there is no such value"],
  }),
  define("__faasm_read_state_offset_ptr", [key, total, offset, length], ["i32"], {
    effect:
      "As __faasm_read_state_ptr for a part of the value: only the pages that it touches are mapped, only the chunks of " +
      "64 KiB brought. When there is no value it is made, of total zeros.",
    limits: POINTER_LIMITS,
    errors: [...PULL_ERRORS, RANGE_ERROR, "trap ERR_GUEST_MISUSE: length is 0", "and those of __faasm_read_state_ptr"],
    hostile: POINTER_HOSTILE,
  }),
  define("__faasm_write_state", [key, pointer, length], [], {
    effect:
      "Makes these bytes the value, on this host; others see it once it is pushed. A push of it replaces what is there.",
    errors: [...PULL_ERRORS, "trap ERR_STATE_LIMIT: length is over the limit of a value"],
  }),
  define("__faasm_write_state_offset", [key, total, offset, pointer, length], [], {
    effect:
      "Writes a part of the value, on this host; chunks that it touches are brought first. When there is no value it is " +
      "made, of total zeros.",
    errors: [...PULL_ERRORS, RANGE_ERROR, "trap ERR_STATE_LIMIT: total is over the limit of a value"],
  }),
  define("__faasm_write_state_from_file", [key, { name: "path", type: "i32" }], ["i32"], {
    effect: "Makes the content of a file of the guest's file system the value, on this host, and returns its size.",
    errors: [...PULL_ERRORS, "trap ERR_GUEST_MISUSE: there is no such file, or the guest has no file system"],
    hostile: `${KEYS_HOSTILE} The path leads nowhere but into the guest's own file system.`,
  }),
  define("__faasm_push_state", [key], [], {
    effect:
      "Sends what was changed on this host to the global tier: whole, at one moment, or not at all. In chunks that another " +
      "host changed as well, each byte that was not changed here stays as the other left it. A call that flagged parts of the " +
      "value sends only those. Nothing happens when the value is not here.",
    errors: [
      ...PULL_ERRORS,
      "trap ERR_LOCK_LOST: the call's global lock was taken over, nothing was sent",
      "trap ERR_QUOTA, ERR_CONFLICT: of the global tier",
    ],
  }),
  define("__faasm_push_state_partial", [key], [], {
    effect:
      "As __faasm_push_state; then takes in what others changed in chunks that are here. Bytes that were changed here " +
      "meanwhile stay.",
    errors: [...PULL_ERRORS, "and those of __faasm_push_state"],
  }),
  define("__faasm_push_state_partial_mask", [key, { name: "mask", type: "i32" }], [], {
    effect:
      "As __faasm_push_state_partial; what is sent are the bytes that are not zero in the value of the key mask, which has " +
      "the same size and is zero afterwards.",
    errors: [
      ...PULL_ERRORS,
      "trap ERR_GUEST_MISUSE: one of them is not there, their sizes differ, or both are the same",
    ],
  }),
  define("__faaslet_push_state_if", [key, { name: "version", type: "i64" }], ["i32"], {
    effect:
      "As __faasm_push_state, if the value in the global tier is of this version (0: if there is none). Returns 0, or 1 when " +
      "it is of another one: then nothing was sent.",
    errors: [...PULL_ERRORS, "trap ERR_GUEST_MISUSE: the value is not on this host", "and those of __faasm_push_state"],
  }),
  define("__faaslet_state_version", [key], ["i64"], {
    effect:
      "The version that the value on this host was made from, for __faaslet_push_state_if. 0: it was made here and not pushed " +
      "yet, or there is none. Never negative.",
  }),
  define("__faasm_pull_state", [key, length], [], {
    effect:
      "Fetches the value again, as far as it differs from what is here: the first length bytes, in whole chunks, or all with " +
      "length 0. What was changed here and not pushed is lost. Nothing happens when there is no value in the global tier.",
  }),
  define("__faasm_flag_state_dirty", [key, total], [], {
    effect:
      "Says that the call changed the first total bytes. Never needed: without flags a push finds by itself what changed.",
    errors: KEY_ERRORS,
  }),
  define("__faasm_flag_state_offset_dirty", [key, total, offset, length], [], {
    effect: "Says that the call changed this part. The call's next push of the value looks at flagged parts only.",
    errors: [...KEY_ERRORS, RANGE_ERROR],
  }),
  define("__faasm_append_state", [key, pointer, length], [], {
    effect:
      "Adds these bytes as a record behind all that were appended to the key before, in the global tier, at once. Records " +
      "are apart from the key's value.",
    limits: ["STATE_LIMITS.keyBytesMax", "STATE_LIMITS.recordBytesMax"],
    errors: [...PULL_ERRORS, "trap ERR_STATE_LIMIT: length is over the limit of a record"],
  }),
  define("__faasm_read_appended_state", [key, buffer, length, { name: "count", type: "i32" }], [], {
    effect: "Copies the first count records, one behind the other.",
    limits: ["STATE_LIMITS.keyBytesMax"],
    errors: [
      ...PULL_ERRORS,
      "trap ERR_GUEST_MISUSE: there are fewer records (it says how many), or they do not fit into length bytes",
    ],
  }),
  define("__faasm_clear_appended_state", [key], [], {
    effect: "Drops all records that were appended to the key.",
    limits: ["STATE_LIMITS.keyBytesMax"],
  }),
  ...(["read", "write"] as const).flatMap((kind) => [
    define(`__faasm_lock_state_${kind}`, [key], [], {
      effect:
        `Waits for the value's local ${kind} lock: among the calls of this host. It says nothing about bytes, calls agree on it.`,
      limits: ["STATE_LIMITS.keyBytesMax", "STATE_LIMITS.localKeysMax"],
      errors: [...KEY_ERRORS, HOLDS_ERROR],
      hostile: LOCK_HOSTILE,
    }),
    define(`__faasm_unlock_state_${kind}`, [key], [], {
      effect: `Frees the local ${kind} lock.`,
      limits: ["STATE_LIMITS.keyBytesMax"],
      errors: [...KEY_ERRORS, HOLDS_ERROR],
      hostile: LOCK_HOSTILE,
    }),
  ]),
  ...([["_read", "read"], ["_write", "write"], ["", "write"]] as const).flatMap(([suffix, kind]) => [
    define(`__faasm_lock_state_global${suffix}`, [key], [], {
      effect:
        `Waits for the value's global ${kind} lock: among the calls of all hosts. It is a lease that is renewed while the call ` +
        "lives; a push under it is refused once it was lost.",
      limits: ["STATE_LIMITS.keyBytesMax", "STATE_LIMITS.lockPartiesMax", "STATE_LIMITS.lockLeaseMs"],
      errors: [...PULL_ERRORS, HOLDS_ERROR],
      hostile: "Freed when the call ends, in whatever way; a host that dies loses its locks after their lease.",
    }),
    define(`__faasm_unlock_state_global${suffix}`, [key], [], {
      effect: `Frees the global ${kind} lock.`,
      limits: ["STATE_LIMITS.keyBytesMax"],
      errors: [...PULL_ERRORS, HOLDS_ERROR],
      hostile: "Only what the call holds can be freed.",
    }),
  ]),
];
