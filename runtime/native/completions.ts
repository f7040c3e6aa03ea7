/**
 * Completions as the add-on packs them: for each one sixteen numbers, then all byte strings in the same order
 * (`src/edge/drain.rs` writes them). Reading them is on the path of every call.
 *
 * @module
 */
import { assert, type ErrorCode, isErrorCode } from "../../errors.ts";
import type { CallOutcome, CallStatus, HostCall, HostOperation, InstallReport, StartKind } from "../worker_group.ts";

const FIELDS = 16;
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

/** Hands each completion of a block to `sink`, in the order in which they ended. */
export function readCompletions(block: Uint8Array, sink: CompletionSink): void {
  if (block.length === 0) return;
  const numbers = new Float64Array(block.buffer, block.byteOffset, Math.floor(block.byteLength / 8));
  const count = countOf(numbers, block.byteLength);
  const cursor = { block, at: count * FIELDS * 8 };
  for (let entry = 0; entry < count; entry++) {
    const n = numbers.subarray(entry * FIELDS, (entry + 1) * FIELDS);
    if (n[0] === 0) sink.ended(callOutcome(n, cursor));
    else if (n[0] === 4) sink.asked(hostCall(n, cursor));
    else if (n[0] === 5) sink.regionAnswered(n[1]!, regionFound(n, cursor));
    else if (n[0] === 2) sink.closed();
    else if (n[0] === 3) sink.warmed(n[1]!, crossedError(take(cursor, n[15]!)) ?? n[3]!);
    else if (n[2] === 0) sink.installed(n[1]!, installReport(n, cursor));
    else sink.notInstalled(n[1]!, crossedError(take(cursor, n[15]!))!);
  }
  assert(cursor.at === block.byteLength, "a block of completions is read to its end");
}

interface Cursor {
  readonly block: Uint8Array;
  at: number;
}

/** How many entries there are: their byte strings fill the rest of the block exactly. */
function countOf(numbers: Float64Array, blockBytes: number): number {
  let bytes = 0;
  let count = 0;
  while (count * FIELDS * 8 + bytes < blockBytes) {
    const at = count * FIELDS;
    bytes += numbers[at + 12]! + numbers[at + 13]! + numbers[at + 14]! + numbers[at + 15]!;
    count++;
  }
  return count;
}

function take(cursor: Cursor, length: number): Uint8Array {
  if (length === 0) return NOTHING;
  const start = cursor.at;
  cursor.at += length;
  // A large string keeps the block it came in; a small one is copied, so that it does not keep its neighbours.
  if (length * 2 > cursor.block.byteLength) return cursor.block.subarray(start, cursor.at);
  return cursor.block.slice(start, cursor.at);
}

function callOutcome(n: Float64Array, cursor: Cursor): CallOutcome {
  const output = take(cursor, n[12]!);
  const stdout = take(cursor, n[13]!);
  const stderr = take(cursor, n[14]!);
  const error = crossedError(take(cursor, n[15]!));
  const outcome = {
    id: n[1]!,
    status: STATUSES[n[2]!]!,
    returnValue: n[3]!,
    output,
    stdout,
    stderr,
    stdoutBytes: n[10]!,
    stderrBytes: n[11]!,
    start: STARTS[n[4]!]!,
    queueUs: n[5]!,
    startUs: n[6]!,
    execUs: n[7]!,
    cpuUs: n[8]!,
    memoryBytes: n[9]!,
  };
  return error === undefined ? outcome : { ...outcome, error };
}

function hostCall(n: Float64Array, cursor: Cursor): HostCall {
  return {
    callId: n[1]!,
    ticket: n[2]!,
    operation: OPERATIONS[n[3]!]!,
    numbers: [n[4]!, n[5]!, n[6]!, n[7]!],
    text: TEXT.decode(take(cursor, n[12]!)),
    bytes: take(cursor, n[13]!),
  };
}

function regionFound(n: Float64Array, cursor: Cursor): RegionFound | CrossedError {
  const version = TEXT.decode(take(cursor, n[12]!));
  const hashes = take(cursor, n[13]!);
  const indexes = take(cursor, n[14]!);
  const view = new DataView(indexes.buffer, indexes.byteOffset, indexes.length);
  const chunks = Array.from({ length: indexes.length / 4 }, (_, at) => view.getUint32(at * 4, true));
  const found = { isThere: n[3] === 1, bytes: n[4]!, baseBytes: n[5]!, version, hashes, chunks };
  return crossedError(take(cursor, n[15]!)) ?? found;
}

function installReport(n: Float64Array, cursor: Cursor): InstallReport {
  return {
    loadUs: n[5]!,
    initUs: n[6]!,
    snapshotUs: n[7]!,
    memoryBytes: n[9]!,
    snapshotBytes: n[10]!,
    restoredEachCall: n[3] === 1,
    log: TEXT.decode(take(cursor, n[12]!)),
  };
}

function crossedError(bytes: Uint8Array): CrossedError | undefined {
  if (bytes.length === 0) return undefined;
  const text = TEXT.decode(bytes);
  const end = text.indexOf("\n");
  const code = text.slice(0, end);
  return { code: isErrorCode(code) ? code : "ERR_BUG", message: text.slice(end + 1) };
}
