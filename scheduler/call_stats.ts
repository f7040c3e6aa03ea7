import type { CallStatus, StartKind } from "../runtime/mod.ts";
import { Histogram, type HistogramSnapshot } from "./histogram.ts";

/** Where calls are counted whose function has no counters of its own. Not a name: the grammar has no underscore. */
export const OTHER_FUNCTIONS = "_other";

export type StatusCounts = Record<CallStatus, number>;

/** All that metrics are made of. Counters only grow, except that a forgotten function's end. */
export interface CallStatsSnapshot {
  /** By `tenant/name`, or {@link OTHER_FUNCTIONS}. */
  readonly functions: ReadonlyMap<string, Readonly<StatusCounts>>;
  readonly starts: Readonly<Record<StartKind, number>>;
  readonly queue: HistogramSnapshot;
  readonly start: HistogramSnapshot;
  readonly exec: HistogramSnapshot;
}

/** Counts of ended calls. The set of labels is bounded: the first functions seen have their own, others share one. */
export class CallStats {
  readonly #functionsMax: number;
  readonly #functions = new Map<string, StatusCounts>();
  readonly #starts: Record<StartKind, number> = { warm: 0, proto: 0, cold: 0 };
  readonly #queue = new Histogram();
  readonly #start = new Histogram();
  readonly #exec = new Histogram();

  constructor(functionsMax: number) {
    this.#functionsMax = functionsMax;
  }

  /** The counters to use for a function; the caller keeps them, so that counting needs no look-up. */
  countsOf(key: string): StatusCounts {
    const label = this.#functions.has(key) || this.#functions.size < this.#functionsMax ? key : OTHER_FUNCTIONS;
    let counts = this.#functions.get(label);
    if (counts === undefined) this.#functions.set(label, counts = noCounts());
    return counts;
  }

  /** The times of a call that ran. */
  observe(start: StartKind, queueUs: number, startUs: number, execUs: number): void {
    this.#starts[start]++;
    this.#queue.observe(queueUs);
    this.#start.observe(startUs);
    this.#exec.observe(execUs);
  }

  forget(key: string): void {
    this.#functions.delete(key);
  }

  snapshot(): CallStatsSnapshot {
    return {
      functions: this.#functions,
      starts: this.#starts,
      queue: this.#queue.snapshot(),
      start: this.#start.snapshot(),
      exec: this.#exec.snapshot(),
    };
  }
}

function noCounts(): StatusCounts {
  return { ok: 0, "guest-error": 0, trap: 0, timeout: 0, cancelled: 0, refused: 0, "host-lost": 0 };
}
