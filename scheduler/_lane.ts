/** One function's queue and counters, and the bounded table of them. */
import type { Ticket } from "./admission.ts";

/** A function in admission. All fields are admission's to write. */
export class Lane {
  readonly key: string;
  concurrency = 1;
  queue = 0;
  running = 0;
  waiting = 0;
  /** Those of the waiting that ran before and want to go on; they stand in front. */
  resuming = 0;
  /** Average execution time, milliseconds; below 0 before the first call ended. */
  execMs = -1;
  /** True once the table has dropped it: whoever still holds it asks the table again. */
  isForgotten = false;
  first: Ticket | undefined = undefined;
  last: Ticket | undefined = undefined;
  lastResuming: Ticket | undefined = undefined;
  ringBefore: Lane | undefined = undefined;
  ringNext: Lane | undefined = undefined;

  constructor(key: string) {
    this.key = key;
  }

  /** Appends a call to the queue. */
  push(ticket: Ticket): void {
    ticket.before = this.last;
    if (this.last === undefined) this.first = ticket;
    else this.last.after = ticket;
    this.last = ticket;
    this.waiting++;
  }

  /** Puts a call that ran before behind the others of its kind, and before all that never ran. */
  pushResuming(ticket: Ticket): void {
    const before = this.lastResuming;
    const after = before === undefined ? this.first : before.after;
    ticket.before = before;
    ticket.after = after;
    if (before === undefined) this.first = ticket;
    else before.after = ticket;
    if (after === undefined) this.last = ticket;
    else after.before = ticket;
    this.lastResuming = ticket;
    this.waiting++;
    this.resuming++;
  }

  /** Takes a call out of the queue, wherever it stands. */
  remove(ticket: Ticket): void {
    if (ticket.state === "resuming") this.resuming--;
    // Only calls of its kind stand before it.
    if (ticket === this.lastResuming) this.lastResuming = ticket.before;
    if (ticket.before === undefined) this.first = ticket.after;
    else ticket.before.after = ticket.after;
    if (ticket.after === undefined) this.last = ticket.before;
    else ticket.after.before = ticket.before;
    ticket.before = ticket.after = undefined;
    this.waiting--;
  }

  /** Enters before `head`, which is the tail of a circular list. Returns the ring's head. */
  enterRing(head: Lane | undefined): Lane {
    const next = head ?? this;
    const before = head?.ringBefore ?? this;
    this.ringNext = next;
    this.ringBefore = before;
    before.ringNext = this;
    next.ringBefore = this;
    return next;
  }

  /** Leaves the ring. Returns its head. */
  leaveRing(head: Lane | undefined): Lane | undefined {
    const { ringNext, ringBefore } = this;
    this.ringNext = this.ringBefore = undefined;
    if (ringNext === undefined || ringBefore === undefined || ringNext === this) return undefined;
    ringBefore.ringNext = ringNext;
    ringNext.ringBefore = ringBefore;
    return head === this ? ringNext : head;
  }
}

/** How many busy lanes are looked at for one idle lane to drop; a bound on the cost of a new function's first call. */
const EVICTION_LOOKS_MAX = 8;

/** Lanes by key, oldest first. Idle ones are dropped beyond `lanesMax`; busy ones never. */
export class LaneTable {
  readonly #lanes = new Map<string, Lane>();
  readonly #lanesMax: number;

  constructor(lanesMax: number) {
    this.#lanesMax = lanesMax;
  }

  get size(): number {
    return this.#lanes.size;
  }

  open(key: string): Lane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      if (this.#lanes.size >= this.#lanesMax) this.#evict();
      lane = new Lane(key);
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  forget(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined || lane.running + lane.waiting > 0) return;
    lane.isForgotten = true;
    this.#lanes.delete(key);
  }

  #evict(): void {
    let looks = 0;
    for (const [key, lane] of this.#lanes) {
      this.#lanes.delete(key);
      if (lane.running + lane.waiting === 0) {
        lane.isForgotten = true;
        return;
      }
      this.#lanes.set(key, lane);
      if (++looks === EVICTION_LOOKS_MAX) return;
    }
  }
}
