import type { ErrorCode } from "../errors.ts";
import type { CallOutcome, CallStatus, HostAnswer, LiveFunction, StartKind } from "../runtime/mod.ts";
import type { Lane } from "./_lane.ts";
import { Ticket } from "./admission.ts";
import type { StatusCounts } from "./call_stats.ts";
import type { ChainTree } from "./_chain_tree.ts";
import type { ChainLink } from "./_chains.ts";

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
  /** Enters at this index of the function table. */
  readonly tableEntry?: number;
  /** What the guest gets from `__faasm_get_idx`. */
  readonly index?: number;
  /** From `Dispatcher.newCallId`, for who needs it before the end, e.g. to cancel. Default: a new one. */
  readonly callId?: string;
  /** True for a call whose record is kept elsewhere, e.g. an asynchronous one. */
  readonly isRecordedElsewhere?: boolean;
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

/** What a call that makes calls has of them. */
export class MadeCalls {
  /** Tickets that have not been answered. */
  readonly open = new Set<number>();
  /** Those that have not ended. */
  readonly running = new Set<ActiveCall>();
  /** The ticket that the call waits for; it has no slot then. */
  awaited: number | undefined = undefined;
  /** The answer that the call gets once it has a slot again. */
  owed: HostAnswer | undefined = undefined;
  /** From the wait's beginning until the call has a slot again. */
  isWaiting = false;
  /** Outputs that are kept for the call. */
  heldBytes = 0;
}

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
  /** Its place in the tree below a call from outside; undefined for that call itself. */
  readonly link: ChainLink | undefined;
  /** Undefined as long as neither it nor a call that led to it has chained. */
  tree: ChainTree | undefined;
  /** The calls that it made; undefined until it makes one. */
  made: MadeCalls | undefined = undefined;
  hasFailed = false;
  /** Tells whoever answers its host calls that it has ended; undefined until it makes one. */
  ended: AbortController | undefined = undefined;

  /** 1 for a call from outside. */
  get depth(): number {
    return this.link?.depth ?? 1;
  }

  constructor(
    lane: Lane,
    counts: StatusCounts,
    callId: string,
    options: CallOptions,
    admittedMs: number,
    resolve: (result: CallResult) => void,
    link?: ChainLink,
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
    this.link = link;
    this.tree = link?.tree;
  }
}

/** Whether a call that waits needs a timer: a chained one ends with its root, unless its own time is shorter. */
export function needsTimer({ link, deadlineMs }: ActiveCall): boolean {
  return link === undefined || deadlineMs < link.tree.root.deadlineMs;
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
