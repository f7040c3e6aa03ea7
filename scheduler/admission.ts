/**
 * Who runs now, who waits, who is turned away: a deterministic state machine with one answer for each event.
 *
 * Functions that have waiting calls and a free slot of their own stand in a ring; whenever the host has room, the
 * function at the ring's head starts one call and goes to its tail. So 10,000 waiting calls of one function delay
 * another's first by one call, not by 10,000. Every event costs O(1).
 *
 * @module
 */
import { assert } from "../errors.ts";
import { type Lane, LaneTable } from "./_lane.ts";

/** What the whole host may hold. */
export interface AdmissionLimits {
  /** Calls that run at once. */
  readonly runningMax: number;
  /** Calls that wait, all functions together. */
  readonly queuedMax: number;
  /** Functions remembered at once; idle ones beyond it are forgotten, with their average. */
  readonly lanesMax: number;
}

/** What one function may hold. */
export interface LaneLimits {
  readonly concurrency: number;
  readonly queue: number;
}

/** The answer to an arriving call; the last two are refusals. */
export type Decision = "started" | "queued" | "function-full" | "host-full";

/** A call's place in admission. The dispatcher's calls extend it, so that a call is one object. */
export class Ticket {
  readonly lane: Lane;
  /** `paused`: it has started, and waits without a slot; `resuming`: it wants one again. */
  state: "new" | "waiting" | "running" | "paused" | "resuming" | "ended" = "new";
  /** Neighbours in the lane's queue; admission's own. */
  before: Ticket | undefined = undefined;
  after: Ticket | undefined = undefined;

  constructor(lane: Lane) {
    this.lane = lane;
  }
}

/** The weight of the newest execution time in a function's average. */
const AVERAGE_WEIGHT = 0.2;
const RETRY_AFTER_SECONDS_MAX = 600;

/** The state machine. It knows no clock: execution times are handed in, deadlines are its driver's business. */
export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #lanes: LaneTable;
  #running = 0;
  #queued = 0;
  /** The lane whose turn it is; the ring is circular through `ringNext`. */
  #ring: Lane | undefined;

  constructor(limits: AdmissionLimits) {
    assert(limits.runningMax >= 1, "a host runs at least one call");
    this.#limits = limits;
    this.#lanes = new LaneTable(limits.lanesMax);
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Functions that are remembered. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** The lane of a function, with new limits when they have changed; call `next()` until it is empty afterwards. */
  lane(key: string, limits: LaneLimits): Lane {
    const lane = this.#lanes.open(key);
    lane.concurrency = limits.concurrency;
    lane.queue = limits.queue;
    if (lane.waiting > 0) this.#updateRing(lane);
    return lane;
  }

  /**
   * A call wants to run. `started` has taken a slot, `queued` has not; the refusals leave nothing behind. A chained call
   * is bounded by its root's budget and not by the function's queue: who awaits it holds what it was given already.
   */
  arrive(ticket: Ticket, isChained = false): Decision {
    assert(ticket.state === "new", "a ticket arrives once");
    const lane = ticket.lane;
    // With room on the host the ring is empty (`next()` was called until it was), so nobody is overtaken here.
    if (lane.running < lane.concurrency && this.#running < this.#limits.runningMax && lane.waiting === 0) {
      this.#start(ticket);
      return "started";
    }
    if (!isChained && lane.waiting - lane.resuming >= lane.queue) return "function-full";
    if (this.#queued >= this.#limits.queuedMax) return "host-full";
    ticket.state = "waiting";
    lane.push(ticket);
    this.#queued++;
    this.#updateRing(lane);
    return "queued";
  }

  /** A running call waits for others: its slot is free. Call `next()` until it is empty afterwards. */
  pause(ticket: Ticket): void {
    assert(ticket.state === "running", "only a running call is paused");
    ticket.state = "paused";
    this.#release(ticket.lane);
  }

  /** A paused call wants to go on. True when it has a slot; else `next()` gives it before its function's other calls. */
  resume(ticket: Ticket): boolean {
    assert(ticket.state === "paused", "only a paused call is resumed");
    const { lane } = ticket;
    if (lane.running < lane.concurrency && this.#running < this.#limits.runningMax) {
      this.#start(ticket);
      return true;
    }
    ticket.state = "resuming";
    lane.pushResuming(ticket);
    this.#queued++;
    this.#updateRing(lane);
    return false;
  }

  /** A call that was started has ended; `execMs` is what it took, or undefined when it did not get to run. */
  finish(ticket: Ticket, execMs?: number): void {
    const { lane, state } = ticket;
    assert(state === "running" || state === "paused" || state === "resuming", "only a started call finishes");
    if (state === "resuming") {
      lane.remove(ticket);
      this.#queued--;
      this.#updateRing(lane);
    }
    ticket.state = "ended";
    if (state === "running") this.#release(lane);
    if (execMs !== undefined) {
      lane.execMs = lane.execMs < 0 ? execMs : lane.execMs + AVERAGE_WEIGHT * (execMs - lane.execMs);
    }
  }

  /** A waiting call gives up (deadline, cancel). False when it was not waiting any more. */
  leave(ticket: Ticket): boolean {
    if (ticket.state !== "waiting") return false;
    ticket.lane.remove(ticket);
    ticket.state = "ended";
    this.#queued--;
    this.#updateRing(ticket.lane);
    return true;
  }

  /** Starts the waiting call whose turn it is; undefined when nobody can start. */
  next(): Ticket | undefined {
    const lane = this.#ring;
    if (lane === undefined || this.#running >= this.#limits.runningMax) {
      return undefined;
    }
    const ticket = lane.first;
    assert(ticket !== undefined, "a lane in the ring has a waiting call");
    lane.remove(ticket);
    this.#queued--;
    this.#start(ticket);
    this.#ring = lane.ringNext;
    this.#updateRing(lane);
    return ticket;
  }

  /** When a refused caller may try again: the time the lane's queue takes to empty, in whole seconds. */
  retryAfterSeconds(lane: Lane): number {
    const slots = Math.max(1, Math.min(lane.concurrency, this.#limits.runningMax));
    const seconds = Math.ceil(((lane.waiting + 1) * Math.max(0, lane.execMs)) / slots / 1_000);
    return Math.min(RETRY_AFTER_SECONDS_MAX, Math.max(1, seconds));
  }

  /** Drops what is remembered of a function, once it holds no call. */
  forget(key: string): void {
    this.#lanes.forget(key);
  }

  #release(lane: Lane): void {
    lane.running--;
    this.#running--;
    if (lane.waiting > 0) this.#updateRing(lane);
  }

  #start(ticket: Ticket): void {
    ticket.state = "running";
    ticket.lane.running++;
    this.#running++;
  }

  /** Puts the lane into the ring's tail, or takes it out, as its state asks. */
  #updateRing(lane: Lane): void {
    const belongs = lane.waiting > 0 && lane.running < lane.concurrency;
    if (belongs === (lane.ringNext !== undefined)) return;
    if (belongs) this.#ring = lane.enterRing(this.#ring);
    else this.#ring = lane.leaveRing(this.#ring);
  }
}
