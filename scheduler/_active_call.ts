import type { ErrorCode } from "../errors.ts";
import type { CallOutcome, CallStatus, LiveFunction, StartKind } from "../runtime/mod.ts";
import type { Lane } from "./_lane.ts";
import { Ticket } from "./admission.ts";
import type { StatusCounts } from "./call_stats.ts";

/** What a caller hands in. */
export interface CallOptions {
  readonly live: LiveFunction;
  readonly input: Uint8Array;
  /** From admission to the end, time in the queue included. Default: the function's setting. */
  readonly timeoutMs?: number;
  /** Added to the function's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Added after the function's own. */
  readonly arguments?: readonly string[];
  /** At most as warm as this; for measurements. */
  readonly start?: StartKind;
  /** From `Dispatcher.newCallId`, for who needs it before the end, e.g. to cancel. Default: a new one. */
  readonly callId?: string;
}

/** The end of a call. `queueUs` holds the time in admission's queue as well. */
export type CallResult = Omit<CallOutcome, "error"> & {
  readonly error: CallOutcome["error"] | undefined;
  readonly callId: string;
  /** The version that ran, or would have. */
  readonly version: number;
  /** False when the call ended before a Faaslet had it; `start` means nothing then. */
  readonly didRun: boolean;
  /** From admission to the end, microseconds. */
  readonly totalUs: number;
  /** With a refusal that time will cure. */
  readonly retryAfterSeconds: number | undefined;
};

/** A call between admission and end. */
export class ActiveCall extends Ticket {
  readonly callId: string;
  readonly options: CallOptions;
  readonly counts: StatusCounts;
  readonly admittedMs: number;
  readonly deadlineMs: number;
  readonly resolve: (result: CallResult) => void;
  /** The version that runs; another than `options.live` when the function was replaced while the call waited. */
  live: LiveFunction;
  /** The worker group's name for it; 0 until it runs. */
  groupId = 0;
  startedMs: number | undefined = undefined;
  /** Undoes the timer of a waiting call. */
  stopTimer: (() => void) | undefined = undefined;

  constructor(
    lane: Lane,
    counts: StatusCounts,
    callId: string,
    options: CallOptions,
    admittedMs: number,
    resolve: (result: CallResult) => void,
  ) {
    super(lane);
    this.counts = counts;
    this.callId = callId;
    this.options = options;
    this.live = options.live;
    this.admittedMs = admittedMs;
    this.deadlineMs = admittedMs +
      (options.timeoutMs ?? options.live.record.settings.timeoutMs);
    this.resolve = resolve;
  }
}

const NOTHING = new Uint8Array(0);

/** The outcome of a call that no Faaslet ended. */
export function outcomeWithoutRun(status: CallStatus, code: ErrorCode, message: string): CallOutcome {
  return {
    id: 0,
    status,
    returnValue: 0,
    output: NOTHING,
    stdout: NOTHING,
    stderr: NOTHING,
    stdoutBytes: 0,
    stderrBytes: 0,
    error: { code, message },
    start: "cold",
    queueUs: 0,
    startUs: 0,
    execUs: 0,
    cpuUs: 0,
    memoryBytes: 0,
  };
}
