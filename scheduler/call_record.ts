/** What is kept of a call. */
import type { ErrorCode } from "../errors.ts";
import type { CallStatus, StartKind } from "../runtime/mod.ts";

/** Of a call that has ended. */
export interface CallRecord {
  readonly callId: string;
  /** `async`: accepted before it ran; its output is kept too. */
  readonly kind: "sync" | "async";
  /** The call that made it, and the call from outside that led to it; undefined where there is none. */
  readonly parentId: string | undefined;
  readonly rootId: string | undefined;
  readonly tenant: string;
  readonly function: string;
  readonly version: number;
  readonly status: CallStatus;
  readonly returnValue: number;
  readonly code: ErrorCode | undefined;
  /** Why it failed, its frames below; cut at `CALL_LIMITS.messageBytesMax`. */
  readonly message: string | undefined;
  readonly start: StartKind;
  /** Wall clock of acceptance and end, milliseconds since 1970. */
  readonly acceptedAtMs: number;
  readonly endedAtMs: number;
  readonly queueUs: number;
  readonly startUs: number;
  readonly execUs: number;
  readonly cpuUs: number;
  readonly memoryBytes: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** What it wrote in all; more than is kept when a log was truncated. */
  readonly stdoutBytes: number;
  readonly stderrBytes: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** A call that has not ended. */
export interface OpenCall {
  readonly callId: string;
  readonly kind: CallRecord["kind"];
  readonly parentId?: string | undefined;
  readonly rootId?: string | undefined;
  readonly tenant: string;
  readonly function: string;
  readonly version: number;
  readonly status: "queued" | "running";
  readonly acceptedAtMs: number;
}

/** Whether a call did what it was made for. */
export function isFailed(record: Pick<CallRecord, "status">): boolean {
  return record.status !== "ok";
}

/** A log as bytes that keep nothing else alive: what comes from the add-on may be a part of a larger block. */
export function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.length > 0 && bytes.buffer.byteLength > 2 * bytes.length ? bytes.slice() : bytes;
}
