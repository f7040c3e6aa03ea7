import { CALL_LIMITS } from "../limits.ts";
import type { CallRecord } from "./call_record.ts";
import type { CallTable, Marks } from "./call_table.ts";
import type { Clock } from "./clock.ts";

/** Where records of synchronous calls outlive the host. */
export interface RecordStore {
  /** Adds records that ended well, or that failed, oldest first, and forgets what is too old or too much. */
  append(kind: "good" | "failed", records: readonly CallRecord[], nowMs: number): Promise<void>;
  /** All that are kept, oldest first. */
  read(): AsyncIterable<CallRecord>;
}

/** What a recorder is made of. */
export interface CallRecorderOptions {
  readonly table: CallTable;
  readonly store: RecordStore;
  readonly clock: Clock;
  /** Told of a failure of the store; the recorder goes on. */
  readonly onError: (thrown: unknown) => void;
}

/**
 * Writes what the table of calls holds to the store, a batch every `CALL_LIMITS.flushMs`, and reads it back at the start.
 *
 * A call does not wait for it: a crash loses the records of the last flush interval, and of an interval with more than
 * `CALL_LIMITS.flushRecordsMax` calls only the newest are written. Failed ones are written apart, so that no flood of good
 * ones costs one of them.
 */
export class CallRecorder {
  readonly #options: CallRecorderOptions;
  #marks: Marks;
  #skipped = 0;
  #written = 0;
  #stopTimer: (() => void) | undefined;
  #flushing: Promise<void> = Promise.resolve();

  private constructor(options: CallRecorderOptions) {
    this.#options = options;
    this.#marks = options.table.marks;
  }

  /** Fills the table from the store, and begins. */
  static async start(options: CallRecorderOptions): Promise<CallRecorder> {
    for await (const record of options.store.read()) options.table.add(record);
    const recorder = new CallRecorder(options);
    recorder.#arm();
    return recorder;
  }

  /** Records that were too many for their batch; they are in memory only. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Records that are on disk, or were. */
  get written(): number {
    return this.#written;
  }

  /** Writes what is new now. Never rejects. */
  async flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flush());
    await this.#flushing;
  }

  /** Writes what is new, a last time. */
  async close(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    await this.flush();
  }

  #arm(): void {
    this.#stopTimer = this.#options.clock.after(CALL_LIMITS.flushMs, () => {
      void this.flush().then(() => {
        if (this.#stopTimer !== undefined) this.#arm();
      });
    });
  }

  async #flush(): Promise<void> {
    const { table, store, clock, onError } = this.#options;
    const marks = table.marks;
    const fresh = table.since(this.#marks, CALL_LIMITS.flushRecordsMax);
    this.#skipped += marks.good - this.#marks.good - fresh.good.length;
    this.#skipped += marks.failed - this.#marks.failed - fresh.failed.length;
    this.#marks = marks;
    try {
      for (const kind of ["good", "failed"] as const) {
        if (fresh[kind].length === 0) continue;
        await store.append(kind, fresh[kind], clock.epochMs());
        this.#written += fresh[kind].length;
      }
    } catch (thrown) {
      onError(thrown);
    }
  }
}
