/** A clock that stands still until told, a worker group whose calls end when told, seeded numbers. For tests only. */
import type {
  CallOutcome,
  CallRequest,
  FunctionRecord,
  GroupStats,
  LiveFunction,
  WorkerGroup,
} from "../runtime/mod.ts";
import type { Clock } from "./clock.ts";

interface Timer {
  readonly atMs: number;
  readonly action: () => void;
}

export class FakeClock implements Clock {
  nowMs = 0;
  readonly timers = new Set<Timer>();

  now(): number {
    return this.nowMs;
  }

  epochMs(): number {
    return 1_700_000_000_000 + this.nowMs;
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.nowMs + delayMs, action };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  /** Moves on and runs what is due, in order of time. */
  advance(byMs: number): void {
    const untilMs = this.nowMs + byMs;
    for (;;) {
      let first: Timer | undefined;
      for (const timer of this.timers) {
        if (timer.atMs <= untilMs && (first === undefined || timer.atMs < first.atMs)) first = timer;
      }
      if (first === undefined) break;
      this.timers.delete(first);
      this.nowMs = Math.max(this.nowMs, first.atMs);
      first.action();
    }
    this.nowMs = untilMs;
  }
}

export class FakeGroup implements WorkerGroup {
  readonly running = new Map<
    number,
    {
      request: CallRequest;
      end: (outcome: CallOutcome) => void;
      fail: (e: unknown) => void;
    }
  >();
  readonly started: CallRequest[] = [];

  call(request: CallRequest): Promise<CallOutcome> {
    if (this.running.has(request.id)) {
      throw new Error(`id ${request.id} runs already`);
    }
    this.started.push(request);
    return new Promise((end, fail) => this.running.set(request.id, { request, end, fail }));
  }

  /** Ends a call; waits until whoever called has seen it. */
  async end(id: number, outcome: Partial<CallOutcome> = {}): Promise<void> {
    this.#take(id).end(outcomeOf(id, outcome));
    await settle();
  }

  async fail(id: number, error: unknown): Promise<void> {
    this.#take(id).fail(error);
    await settle();
  }

  cancel(callId: number): void {
    if (!this.running.has(callId)) return;
    this.#take(callId).end(
      outcomeOf(callId, {
        status: "cancelled",
        error: { code: "ERR_CALL_CANCELLED", message: "" },
      }),
    );
  }

  install(): never {
    throw new Error("not in this fake");
  }
  snapshot(): never {
    throw new Error("not in this fake");
  }
  remove(): never {
    throw new Error("not in this fake");
  }
  trim(): never {
    throw new Error("not in this fake");
  }
  warm(): never {
    throw new Error("not in this fake");
  }
  get state(): never {
    throw new Error("not in this fake");
  }
  listen(): void {}
  answer(): void {}
  stats(): Promise<GroupStats> {
    return Promise.resolve({
      functions: 1,
      idleFaaslets: 2,
      runningCalls: this.running.size,
      threads: 3,
      restored: 4,
      resets: 5,
      resetUs: 5,
      discarded: 6,
    });
  }
  close(): Promise<void> {
    return Promise.resolve();
  }

  #take(id: number) {
    const call = this.running.get(id);
    if (call === undefined) throw new Error(`no call ${id} runs`);
    this.running.delete(id);
    return call;
  }
}

/** Lets all continuations of settled promises run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

export function outcomeOf(id: number, over: Partial<CallOutcome> = {}): CallOutcome {
  const none = new Uint8Array(0);
  return {
    id,
    status: "ok",
    returnValue: 0,
    output: none,
    stdout: none,
    stderr: none,
    stdoutBytes: 0,
    stderrBytes: 0,
    start: "warm",
    queueUs: 1,
    startUs: 2,
    execUs: 3,
    cpuUs: 3,
    memoryBytes: 65_536,
    ...over,
  };
}

/** A deployed function with only the fields that the scheduler reads. */
export function liveFunction(
  name: string,
  settings: { concurrency?: number; queue?: number; timeoutMs?: number } = {},
  version = 1,
): LiveFunction {
  const record = {
    tenant: "default",
    name,
    version,
    settings: { concurrency: 1, queue: 10, timeoutMs: 1_000, ...settings },
  };
  return { functionId: version, record: record as unknown as FunctionRecord };
}

/** Numbers from 0 to 1 that a seed decides (mulberry32: small, and good enough to make schedules). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
