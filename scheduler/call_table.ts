import type { ErrorCode } from "../errors.ts";
import type { CallStatus, StartKind } from "../runtime/mod.ts";

/** What is kept of a call after its end: no input, no output, no log. */
export interface CallRecord {
  readonly callId: string;
  /** The call that made it, and the call from outside that led to it; undefined where there is none. */
  readonly parentId: string | undefined;
  readonly rootId: string | undefined;
  readonly tenant: string;
  readonly function: string;
  readonly version: number;
  readonly status: CallStatus;
  readonly returnValue: number;
  readonly code: ErrorCode | undefined;
  readonly start: StartKind;
  /** Wall clock of the end, milliseconds since 1970. */
  readonly endedAtMs: number;
  readonly queueUs: number;
  readonly startUs: number;
  readonly execUs: number;
  readonly cpuUs: number;
  readonly memoryBytes: number;
}

/**
 * The last calls that ran, oldest overwritten first.
 *
 * Refused calls are counted elsewhere but not kept: a flood of them would wash out the records that explain it.
 */
export class CallTable {
  readonly #records: (CallRecord | undefined)[];
  #written = 0;

  constructor(recordsMax: number) {
    this.#records = new Array(recordsMax).fill(undefined);
  }

  get size(): number {
    return Math.min(this.#written, this.#records.length);
  }

  add(record: CallRecord): void {
    if (this.#records.length === 0) return;
    this.#records[this.#written % this.#records.length] = record;
    this.#written++;
  }

  /** Linear, newest first: people ask for a call now and then, calls end all the time. */
  get(callId: string): CallRecord | undefined {
    for (const record of this.newestFirst()) {
      if (record.callId === callId) return record;
    }
    return undefined;
  }

  /** Newest first; calls that end during the iteration may show up in it. */
  *newestFirst(): Generator<CallRecord> {
    const length = this.#records.length;
    const end = this.#written;
    for (let at = end - 1; at >= Math.max(0, end - length); at--) {
      yield this.#records[at % length]!;
    }
  }
}
