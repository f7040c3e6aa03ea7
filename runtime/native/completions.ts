/**
 * Completions as the add-on packs them: for each one seventeen numbers, then all byte strings in the same order
 * (`src/edge/drain.rs` writes them). Reading them is on the path of every call.
 *
 * @module
 */
import { assert, type ErrorCode, isErrorCode } from "../../errors.ts";
import type { CallOutcome, CallStatus, HostCall, HostOperation, InstallReport, StartKind } from "../worker_group.ts";

const FIELDS = 17;
const STATUSES: readonly CallStatus[] = ["ok", "guest-error", "trap", "timeout", "cancelled", "refused"];
/** As `slow.rs` numbers them. */
const OPERATIONS: readonly HostOperation[] = [
  "chain",
  "chain-entry",
  "await",
  "file",
  "state-pull",
  "state-push",
  "state-version",
  "state-room",
  "state-append",
  "state-read-appended",
  "state-clear-appended",
  "state-lock",
  "state-unlock",
  "resolve",
  "roots",
];
const STARTS: readonly StartKind[] = ["cold", "proto", "warm"];
const NOTHING = new Uint8Array(0);
const TEXT = new TextDecoder();

/** An error that crossed: our code and a message. */
export interface CrossedError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What looking through a region gave; what it means is the question's. */
export interface RegionFound {
  readonly isThere: boolean;
  readonly bytes: number;
  /** -1: it has no base. */
  readonly baseBytes: number;
  readonly version: string;
  readonly hashes: Uint8Array;
  readonly chunks: readonly number[];
}

/** Who is told what ended. */
export interface CompletionSink {
  ended(outcome: CallOutcome): void;
  installed(id: number, report: InstallReport): void;
  notInstalled(id: number, error: CrossedError): void;
  /** Faaslets that are idle now, or why there are not as many as asked for. */
  warmed(id: number, idle: number | CrossedError): void;
  /** A guest asks for something. */
  asked(call: HostCall): void;
  /** What was found out about a region, or why nothing was. */
  regionAnswered(id: number, found: RegionFound | CrossedError): void;
  closed(): void;
}

/** What fits into the buffer that is used again and again; more gets one of its own. */
const BUFFER_BYTES = 64 * 1_024;

/** Takes what ended out of the add-on. A new array for each block would cost more than all else on this side of a call. */
export class Completions {
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #numbers = new Float64Array(this.#buffer.buffer);

  /**
   * Hands each completion to `sink`, in the order in which they ended; false when there was none. `drain` is the add-on's: it
   * fills an array and gives the block's length, which may be more than the array has.
   */
  drain(drain: (into: Uint8Array) => number, sink: CompletionSink): boolean {
    const length = drain(this.#buffer);
    if (length === 0) return false;
    if (length <= BUFFER_BYTES) {
      readCompletions(this.#numbers, { block: this.#buffer, end: length, at: 0, isReused: true }, sink);
      return true;
    }
    const block = new Uint8Array(length);
    assert(drain(block) === length, "a block that did not fit is given again");
    const numbers = new Float64Array(block.buffer, 0, Math.floor(length / 8));
    readCompletions(numbers, { block, end: length, at: 0, isReused: false }, sink);
    return true;
  }
}

function readCompletions(n: Float64Array, cursor: Cursor, sink: CompletionSink): void {
  const count = countOf(n, cursor.end);
  cursor.at = count * FIELDS * 8;
  for (let entry = 0; entry < count; entry++) {
    const at = entry * FIELDS;
    const kind = n[at]!;
    if (kind === 0) sink.ended(callOutcome(n, at, cursor));
    else if (kind === 4) sink.asked(hostCall(n, at, cursor));
    else if (kind === 5) sink.regionAnswered(n[at + 1]!, regionFound(n, at, cursor));
    else if (kind === 2) sink.closed();
    else if (kind === 3) sink.warmed(n[at + 1]!, crossedError(take(cursor, n[at + 15]!)) ?? n[at + 3]!);
    else if (n[at + 2] === 0) sink.installed(n[at + 1]!, installReport(n, at, cursor));
    else sink.notInstalled(n[at + 1]!, crossedError(take(cursor, n[at + 15]!))!);
  }
  assert(cursor.at === cursor.end, "a block of completions is read to its end");
}

interface Cursor {
  readonly block: Uint8Array;
  readonly end: number;
  at: number;
  /** Whether the block is used again, so that nothing may refer to it. */
  readonly isReused: boolean;
}

/** How many entries there are: their byte strings fill the rest of the block exactly. */
function countOf(numbers: Float64Array, blockBytes: number): number {
  let bytes = 0;
  let count = 0;
  while (count * FIELDS * 8 + bytes < blockBytes) {
    const at = count * FIELDS;
    bytes += numbers[at + 12]! + numbers[at + 13]! + numbers[at + 14]! + numbers[at + 15]! + numbers[at + 16]!;
    count++;
  }
  return count;
}

function take(cursor: Cursor, length: number): Uint8Array {
  if (length === 0) return NOTHING;
  const start = cursor.at;
  cursor.at += length;
  // A large string keeps the block it came in; a small one is copied, so that it does not keep its neighbours.
  if (!cursor.isReused && length * 2 > cursor.end) return cursor.block.subarray(start, cursor.at);
  return cursor.block.slice(start, cursor.at);
}

function callOutcome(n: Float64Array, at: number, cursor: Cursor): CallOutcome {
  const output = take(cursor, n[at + 12]!);
  const stdout = take(cursor, n[at + 13]!);
  const stderr = take(cursor, n[at + 14]!);
  const error = crossedError(take(cursor, n[at + 15]!));
  const head = n[at + 16] === 0 ? undefined : take(cursor, n[at + 16]!);
  const outcome = {
    id: n[at + 1]!,
    status: STATUSES[n[at + 2]!]!,
    returnValue: n[at + 3]!,
    output,
    head,
    stdout,
    stderr,
    stdoutBytes: n[at + 10]!,
    stderrBytes: n[at + 11]!,
    start: STARTS[n[at + 4]!]!,
    queueUs: n[at + 5]!,
    startUs: n[at + 6]!,
    execUs: n[at + 7]!,
    cpuUs: n[at + 8]!,
    memoryBytes: n[at + 9]!,
  };
  return error === undefined ? outcome : { ...outcome, error };
}

function hostCall(n: Float64Array, at: number, cursor: Cursor): HostCall {
  return {
    callId: n[at + 1]!,
    ticket: n[at + 2]!,
    operation: OPERATIONS[n[at + 3]!]!,
    numbers: [n[at + 4]!, n[at + 5]!, n[at + 6]!, n[at + 7]!],
    text: TEXT.decode(take(cursor, n[at + 12]!)),
    bytes: take(cursor, n[at + 13]!),
  };
}

function regionFound(n: Float64Array, at: number, cursor: Cursor): RegionFound | CrossedError {
  const version = TEXT.decode(take(cursor, n[at + 12]!));
  const hashes = take(cursor, n[at + 13]!);
  const indexes = take(cursor, n[at + 14]!);
  const view = new DataView(indexes.buffer, indexes.byteOffset, indexes.length);
  const chunks = Array.from({ length: indexes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
  const found = { isThere: n[at + 3] === 1, bytes: n[at + 4]!, baseBytes: n[at + 5]!, version, hashes, chunks };
  return crossedError(take(cursor, n[at + 15]!)) ?? found;
}

function installReport(n: Float64Array, at: number, cursor: Cursor): InstallReport {
  const report = {
    loadUs: n[at + 5]!,
    initUs: n[at + 6]!,
    snapshotUs: n[at + 7]!,
    memoryBytes: n[at + 9]!,
    snapshotBytes: n[at + 10]!,
    restoredEachCall: n[at + 3] === 1,
    log: TEXT.decode(take(cursor, n[at + 12]!)),
    isFromSnapshot: n[at + 4] === 1,
  };
  const refused = crossedError(take(cursor, n[at + 13]!));
  return refused === undefined ? report : { ...report, snapshotRefused: refused.message };
}

function crossedError(bytes: Uint8Array): CrossedError | undefined {
  if (bytes.length === 0) return undefined;
  const text = TEXT.decode(bytes);
  const end = text.indexOf("\n");
  const code = text.slice(0, end);
  return { code: isErrorCode(code) ? code : "ERR_BUG", message: text.slice(end + 1) };
}
