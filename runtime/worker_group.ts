/**
 * The one interface through which the rest of the program sees the part that runs guests.
 *
 * A worker group runs Faaslets of one tenant: in this process (`embedded_group.ts`) or, later, in a process of its own.
 * What crosses it are plain messages: no closures, no shared objects, nothing that a structured clone would not carry.
 * `tests/worker_group_conformance.ts` is the suite that every implementation passes.
 *
 * @module
 */
import type { ErrorCode } from "../errors.ts";
import type { LocalTier, StateOperation } from "../state/mod.ts";

/** How a call's Faaslet came to be: ready before it (reused, or restored ahead), restored for it, or started without a Proto-Faaslet. */
export type StartKind = "warm" | "proto" | "cold";

/** Which export runs when; made by the upload check (`ModuleReport.plan`). */
export interface StartPlan {
  readonly style: "command" | "reactor" | "faasm" | "plain";
  /** Exports that run in order before the snapshot, after the module's own start function. */
  readonly beforeSnapshot: readonly string[];
  /** The export that runs once a call. */
  readonly entry: string;
  /** The export that runs after the entry, e.g. `__wasm_call_dtors`. */
  readonly afterEntry?: string;
}

/** A read-only file that a function brings; `path` is absolute in the guest's file system. No bytes: a directory. */
export interface GuestFile {
  readonly path: string;
  readonly bytes?: Uint8Array;
}

/** A library among a function's files, compiled; opaque here. */
export interface LibraryImage {
  readonly path: string;
  readonly artefact: Uint8Array;
}

/** What one Faaslet may use; every field has its default and maximum in `limits.ts`. */
export interface FaasletLimits {
  readonly initTimeoutMs: number;
  readonly memoryBytes: number;
  readonly outputBytes: number;
  readonly logBytes: number;
  readonly fileBytes: number;
  readonly files: number;
  readonly descriptors: number;
  /** All clocks are multiples of it, microseconds. */
  readonly clockResolutionUs: number;
  /** Idle Faaslets kept after their call. */
  readonly idle: number;
}

/** All that a worker group needs to run one version of a function. */
export interface FunctionImage {
  /** Chosen by the sender, unique in the group for its life, 1 to 2^32 - 1. */
  readonly id: number;
  /** The function's name, for argv[0] and backtraces. */
  readonly name: string;
  /** Machine code and initial memory as the compiler made them; opaque here. */
  readonly artefact: Uint8Array;
  readonly plan: StartPlan;
  readonly limits: FaasletLimits;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly files: readonly GuestFile[];
  /** The libraries among the files that the program may open, compiled. */
  readonly libraries?: readonly LibraryImage[];
  /** What its sockets may reach, as `ADDRESS/PREFIX PORT` or `* PORT` with port 0 for all; nothing by default. */
  readonly network?: readonly string[];
  /** Whether the guest sees a file system at all: one preopen, `/`. */
  readonly hasFileSystem: boolean;
  /**
   * A Proto-Faaslet that `snapshot` gave of the same module with the same settings and files, on the same engine. The
   * initialiser runs only when it cannot be used.
   */
  readonly snapshot?: Uint8Array;
}

/** What installing a function found out and cost. */
export interface InstallReport {
  /** Time to load machine code, microseconds. */
  readonly loadUs: number;
  /** Time of the initialiser, microseconds. */
  readonly initUs: number;
  /** Time to take the snapshot, microseconds. */
  readonly snapshotUs: number;
  /** Linear memory in the Proto-Faaslet, and how much of it is not zero. */
  readonly memoryBytes: number;
  readonly snapshotBytes: number;
  /** True when a Faaslet is restored anew for each call, since it cannot be reset in place. */
  readonly restoredEachCall: boolean;
  /** What the initialiser printed, both streams, up to the log limit. */
  readonly log: string;
  /** True when no initialiser ran: the Proto-Faaslet came with the image. */
  readonly isFromSnapshot: boolean;
  /** Why the one that came with the image was not used. */
  readonly snapshotRefused?: string;
}

/** A Proto-Faaslet on its way out. With neither field there is nothing to keep: no initialiser ran. */
export interface SnapshotExport {
  /** Opaque here; memory first, in pages of 64 KiB. */
  readonly bytes?: Uint8Array;
  /** Why it cannot be written down. */
  readonly hindrance?: string;
}

/** One run of a function. */
export interface CallRequest {
  /** Chosen by the sender, unique among the group's running calls, 1 to 2^32 - 1. */
  readonly id: number;
  readonly functionId: number;
  readonly input: Uint8Array;
  /** From now, monotonic. The call ends at it, wherever it is. */
  readonly timeoutMs: number;
  /** Added to the function's own, e.g. the CGI variables of an HTTP request. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Added after the function's own. */
  readonly arguments?: readonly string[];
  /** At most as warm as this; for measurements. Default: as warm as possible. */
  readonly start?: StartKind;
  /** Enters at this index of the function table, instead of at the plan's entry. */
  readonly tableEntry?: number;
  /** What `__faasm_get_idx` gives. Default: 0. */
  readonly index?: number;
  /** How many calls it may make, and bytes of input it may give them in all. Default: none. */
  readonly chains?: { readonly calls: number; readonly bytes: number };
}

/** What a guest asks of the rest of the program. */
export interface HostCall {
  /** The `CallRequest.id` of the call that asks. */
  readonly callId: number;
  /** Names the answer; unique within the call. */
  readonly ticket: number;
  readonly operation: HostOperation;
  /** What they mean is the operation's. */
  readonly numbers: readonly number[];
  readonly text: string;
  readonly bytes: Uint8Array;
}

/**
 * - `chain`: a call of the function `text`, or of the asking one when that is empty, with `bytes` as its input and
 *   `numbers[0]` as its index
 * - `chain-entry`: a call of the asking function, entered at the table index `numbers[0]`
 * - `await`: the guest waits for the answer to this ticket; it is no request of its own
 * - `file`: the shared file `text`; the answer's value is when it was written, milliseconds since 1970, 0 when it is not there and
 *   -1 when the store failed; its bytes are the digest under which the group was offered it
 * - `state-...`: what is not in the local tier; `text` is a key
 * - `resolve`: the addresses of the name `text`; the answer's value is 0 and its bytes are lines, or 1 when there is none, or -1
 * - `roots`: whom TLS believes; the answer's bytes are certificates as PEM
 */
export type HostOperation = "chain" | "chain-entry" | "await" | "file" | "resolve" | "roots" | StateOperation;

/** The answer to a host call. */
export interface HostAnswer {
  readonly callId: number;
  readonly ticket: number;
  /** A whole number; what it means is the operation's. */
  readonly value: number;
  readonly bytes?: Uint8Array;
  /** The call that asked traps with it. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** How a call ended. Every call ends exactly once. */
export type CallStatus = "ok" | "guest-error" | "trap" | "timeout" | "cancelled" | "refused" | "host-lost";

/** The end of a call, with what it produced and what it cost. */
export interface CallOutcome {
  readonly id: number;
  readonly status: CallStatus;
  /** The entry's return value or the argument of `proc_exit`; 0 when the call did not get that far. */
  readonly returnValue: number;
  /** Empty unless the status is `ok` or `guest-error`: nothing partial leaves. */
  readonly output: Uint8Array;
  /** Header lines that the function set for its answer, each with a line feed; undefined when there are none. */
  readonly head?: Uint8Array | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Bytes that the guest wrote in all; more than is kept when a log was truncated. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  /** Why, unless the status is `ok` or `guest-error`. The message may hold a backtrace. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly start: StartKind;
  /** Waiting for a thread / making the Faaslet ready / inside the guest, microseconds. */
  readonly queueUs: number;
  readonly startUs: number;
  readonly execUs: number;
  /** Thread CPU time of the guest, microseconds. */
  readonly cpuUs: number;
  /** Linear memory at the end of the call. */
  readonly memoryBytes: number;
}

/** What a group holds now. */
export interface GroupStats {
  readonly functions: number;
  readonly idleFaaslets: number;
  readonly runningCalls: number;
  readonly threads: number;
  /** Since the group was opened. */
  readonly restored: number;
  readonly resets: number;
  /** Time of all resets, microseconds. */
  readonly resetUs: number;
  readonly discarded: number;
}

/** Runs Faaslets. Methods reject with a `FaasletError`; a call that was accepted always resolves. */
export interface WorkerGroup {
  /** Loads a function and makes its Proto-Faaslet. `ERR_INIT`, `ERR_ARTEFACT`, `ERR_CAPACITY`, `ERR_SNAPSHOT_HANDLE`. */
  install(image: FunctionImage): Promise<InstallReport>;
  /** Forgets a function; its running calls end as they would have. `ERR_NOT_FOUND`. */
  remove(functionId: number): Promise<void>;
  /** A function's Proto-Faaslet in at most so many bytes, for `FunctionImage.snapshot`. `ERR_NOT_FOUND`. */
  snapshot(functionId: number, bytesMax: number): Promise<SnapshotExport>;
  /** Runs a call to its end; failures of the guest are outcomes, not rejections. */
  call(request: CallRequest): Promise<CallOutcome>;
  /** Ends a running call as `cancelled`; does nothing when it has ended. */
  cancel(callId: number): void;
  /** Drops idle Faaslets of a function down to `idle`. */
  trim(functionId: number, idle: number): Promise<void>;
  /**
   * Restores Faaslets of a function until `idle` are idle, or its limit; gives how many are. `ERR_CAPACITY` when the
   * machine has no room for as many: those that were made stay.
   */
  warm(functionId: number, idle: number): Promise<number>;
  stats(): Promise<GroupStats>;
  /** State of the group's tenant that is on this host. */
  readonly state: LocalTier;
  /** Who is told what guests ask for; to be set before the first call. Host calls nobody listens to are never answered. */
  listen(listener: (call: HostCall) => void): void;
  /** Answers a host call; does nothing when its call has ended. */
  answer(answer: HostAnswer): void;
  /** Cancels what runs, waits for it, frees everything. Idempotent. */
  close(): Promise<void>;
}
