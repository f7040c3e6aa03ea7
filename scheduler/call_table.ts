import { type CallRecord, isFailed } from "./call_record.ts";

/** How much a table holds. */
export interface CallTableLimits {
  /** Of those that ended well, and of those that failed, each. */
  readonly recordsMax: number;
  /** Standard output and error of all records together. */
  readonly logBytesMax: number;
}

const NOTHING = new Uint8Array(0);

/**
 * The last calls that ran, oldest overwritten first; failed ones among themselves, so that the many that went well do not
 * wash out the few that people ask about.
 *
 * Refused calls are counted elsewhere but not kept: a flood of them would do just that.
 */
export class CallTable {
  readonly #isKeeping: boolean;
  readonly #good: Ring;
  readonly #failed: Ring;
  readonly #listeners = new Set<(record: CallRecord) => void>();

  constructor(limits: CallTableLimits) {
    const { recordsMax, logBytesMax } = limits;
    this.#isKeeping = recordsMax > 0;
    this.#good = new Ring(recordsMax, logBytesMax / 2);
    this.#failed = new Ring(recordsMax, logBytesMax / 2);
  }

  get size(): number {
    return this.#good.size + this.#failed.size;
  }

  /** Whether a record that is added now is kept, or heard of. */
  get isWanted(): boolean {
    return this.#isKeeping || this.#listeners.size > 0;
  }

  add(record: CallRecord): void {
    (isFailed(record) ? this.#failed : this.#good).add(record);
    if (this.#listeners.size > 0) this.announce(record);
  }

  /** Tells whoever follows the logs of a call that is kept elsewhere. */
  announce(record: CallRecord): void {
    for (const listener of this.#listeners) listener(record);
  }

  /** `listener` hears of every call that ends from now on; the result stops that. */
  listen(listener: (record: CallRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Linear, newest first: people ask for a call now and then, calls end all the time. */
  get(callId: string): CallRecord | undefined {
    return this.#failed.get(callId) ?? this.#good.get(callId);
  }

  /** In no order between failed and other ones; calls that end during the iteration may show up in it. */
  *newestFirst(): Generator<CallRecord> {
    yield* this.#failed.newestFirst();
    yield* this.#good.newestFirst();
  }

  /** How many records have been added, of each kind. */
  get marks(): Marks {
    return { good: this.#good.written, failed: this.#failed.written };
  }

  /** The newest records after a mark, oldest first, `max` of each kind at most. */
  since(marks: Marks, max: number): { good: CallRecord[]; failed: CallRecord[] } {
    return { good: this.#good.since(marks.good, max), failed: this.#failed.since(marks.failed, max) };
  }
}

/** Positions in the two rings of a table. */
export interface Marks {
  readonly good: number;
  readonly failed: number;
}

/** The last records, in as many places. */
class Ring {
  readonly #records: (CallRecord | undefined)[];
  readonly #logBytesMax: number;
  #written = 0;
  #logBytes = 0;
  /** The oldest record that may have its logs still. */
  #loggedFrom = 0;

  constructor(recordsMax: number, logBytesMax: number) {
    this.#records = new Array(recordsMax).fill(undefined);
    this.#logBytesMax = logBytesMax;
  }

  get size(): number {
    return Math.min(this.#written, this.#records.length);
  }

  get written(): number {
    return this.#written;
  }

  add(record: CallRecord): void {
    const length = this.#records.length;
    if (length === 0) return;
    const at = this.#written % length;
    const before = this.#records[at];
    if (before !== undefined) this.#logBytes -= logBytesOf(before);
    this.#records[at] = record;
    this.#written++;
    const bytes = logBytesOf(record);
    if (bytes === 0) return;
    this.#logBytes += bytes;
    while (this.#logBytes > this.#logBytesMax) this.#dropOldestLog();
  }

  get(callId: string): CallRecord | undefined {
    for (const record of this.newestFirst()) if (record.callId === callId) return record;
    return undefined;
  }

  *newestFirst(): Generator<CallRecord> {
    const length = this.#records.length;
    const end = this.#written;
    for (let at = end - 1; at >= Math.max(0, end - length); at--) {
      yield this.#records[at % length]!;
    }
  }

  since(mark: number, max: number): CallRecord[] {
    const first = Math.max(mark, this.#written - this.size, this.#written - max);
    const records: CallRecord[] = [];
    for (let at = first; at < this.#written; at++) records.push(this.#records[at % this.#records.length]!);
    return records;
  }

  #dropOldestLog(): void {
    const length = this.#records.length;
    this.#loggedFrom = Math.max(this.#loggedFrom, this.#written - length);
    const at = this.#loggedFrom++ % length;
    const record = this.#records[at]!;
    this.#logBytes -= logBytesOf(record);
    this.#records[at] = { ...record, stdout: NOTHING, stderr: NOTHING };
  }
}

function logBytesOf({ stdout, stderr }: CallRecord): number {
  return stdout.length + stderr.length;
}
