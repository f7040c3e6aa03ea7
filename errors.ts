/**
 * Every error that can leave this program, by its stable code: what it means, and the HTTP status it becomes.
 *
 * One table, three views: a guest sees an errno or a trap, an HTTP client sees code and status, the log sees the cause.
 * Codes are never renamed or reused. The add-on's codes are in here too; a test holds both lists equal.
 *
 * @module
 */

interface ErrorKind {
  /** HTTP status of an answer that carries this error. */
  readonly status: number;
  /** One sentence for people: the title of the problem document (RFC 9457). */
  readonly title: string;
}

/** All codes. The order is that of a request's life: edge, upload, admission, run, ours. */
export const ERRORS = {
  ERR_REQUEST_INVALID: { status: 400, title: "The request is not understood" },
  ERR_NAME_INVALID: { status: 400, title: "The name does not fit the grammar of names" },
  ERR_UNAUTHENTICATED: { status: 401, title: "The caller is not known" },
  ERR_FORBIDDEN: { status: 403, title: "The caller may not do this" },
  ERR_NOT_FOUND: { status: 404, title: "There is nothing of that name" },
  ERR_METHOD: { status: 405, title: "The method does not apply here" },
  ERR_REQUEST_TIMEOUT: { status: 408, title: "The request body came too slowly" },
  ERR_CONFLICT: { status: 409, title: "The state of the target does not allow this" },
  ERR_LOCK_LOST: { status: 409, title: "The global lock was lost to another holder" },
  ERR_PRECONDITION: { status: 412, title: "The value is not of the version that was asked for" },
  ERR_REQUEST_TOO_LARGE: { status: 413, title: "The request body is larger than the limit" },
  ERR_STATE_LIMIT: { status: 413, title: "The value is over a limit of state" },
  ERR_RANGE: { status: 416, title: "The value has no such range" },
  ERR_HOST_HEADER: { status: 421, title: "The request is meant for another host" },
  ERR_MODULE_FORMAT: { status: 415, title: "The upload is not a WebAssembly module" },
  ERR_MODULE_INVALID: { status: 422, title: "The module does not validate" },
  ERR_MODULE_FEATURE: { status: 422, title: "The module uses a feature that is not supported" },
  ERR_MODULE_IMPORT: { status: 422, title: "The module imports what the host interface does not have" },
  ERR_MODULE_LIMIT: { status: 422, title: "The module is over a limit" },
  ERR_MODULE_ENTRY: { status: 422, title: "The module has no usable entry or initialiser" },
  ERR_SETTINGS_INVALID: { status: 422, title: "The function's settings are wrong" },
  ERR_COMPILE_LIMIT: { status: 422, title: "Compiling the module took more time or memory than its size allows" },
  ERR_COMPILE: { status: 422, title: "The module could not be compiled" },
  ERR_INIT: { status: 422, title: "The function's initialiser failed" },
  ERR_SNAPSHOT_HANDLE: { status: 422, title: "The initialiser left open what a snapshot cannot hold" },
  ERR_ARTEFACT: { status: 500, title: "A stored artefact is not what was stored" },
  ERR_QUEUE_FULL: { status: 429, title: "The function's queue is full" },
  ERR_CAPACITY: { status: 503, title: "The host has no room for another Faaslet" },
  ERR_DRAINING: { status: 503, title: "The host is shutting down" },
  ERR_GUEST_EXIT: { status: 502, title: "The function returned an error value" },
  ERR_GUEST_TRAP: { status: 502, title: "The function trapped" },
  ERR_GUEST_STACK: { status: 502, title: "The function ran out of stack" },
  ERR_GUEST_POINTER: { status: 502, title: "The function gave the host a bad pointer" },
  ERR_GUEST_MISUSE: { status: 502, title: "The function misused the host interface" },
  ERR_OUTPUT_LIMIT: { status: 502, title: "The function's output is larger than its limit" },
  ERR_CHAIN_DEPTH: { status: 502, title: "Calls made calls deeper than the limit" },
  ERR_CHAIN_BUDGET: { status: 502, title: "The calls that a call led to are over its budget" },
  ERR_CALL_TIMEOUT: { status: 504, title: "The call ran past its deadline" },
  ERR_CALL_CANCELLED: { status: 499, title: "The call was cancelled" },
  ERR_WORKER_LOST: { status: 503, title: "The worker that ran the call is gone" },
  ERR_QUOTA: { status: 507, title: "The tenant's quota is used up" },
  ERR_STORAGE: { status: 507, title: "The host's storage did not take the data" },
  ERR_USAGE: { status: 400, title: "The command line is not understood" },
  ERR_TOOLCHAIN: { status: 422, title: "A tool that is needed is missing or failed" },
  ERR_UNREACHABLE: { status: 503, title: "No host answers at that address" },
  ERR_BUG: { status: 500, title: "A fault of ours" },
} as const satisfies Record<string, ErrorKind>;

/** A stable error code. */
export type ErrorCode = keyof typeof ERRORS;

/** True when `code` is one of {@link ERRORS}. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

/** The one error class: a stable code, a message for people, and details that travel with it. */
export class FaasletError extends Error {
  readonly code: ErrorCode;
  /** What a problem document lists beside the message, e.g. every unknown import. */
  readonly details: readonly string[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: readonly string[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FaasletError";
    this.code = code;
    this.details = options.details ?? [];
  }

  /** The HTTP status of an answer that carries this error. */
  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** Whatever was thrown, as a {@link FaasletError}; what is not one of ours is a bug of ours. */
export function toFaasletError(thrown: unknown): FaasletError {
  if (thrown instanceof FaasletError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new FaasletError("ERR_BUG", message, { cause: thrown });
}

/** Throws `ERR_BUG` unless `condition` holds. For errors of programmers; it stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new FaasletError("ERR_BUG", `assertion failed: ${message}`);
}
