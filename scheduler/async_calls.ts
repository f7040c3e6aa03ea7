import { FaasletError } from "../errors.ts";
import { CALL_LIMITS } from "../limits.ts";
import type { LiveFunction } from "../runtime/mod.ts";
import type { CallResult } from "./_active_call.ts";
import { type CallRecord, isFailed, type OpenCall, ownBytes } from "./call_record.ts";
import type { Clock } from "./clock.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** An asynchronous call as it is kept: what is known at its acceptance, and its end once it has one. */
export interface AsyncCall {
  readonly callId: string;
  readonly tenant: string;
  readonly function: string;
  readonly version: number;
  readonly acceptedAtMs: number;
  readonly inputBytes: number;
  /** Of input and environment, in memory until it has ended. */
  readonly heldBytes: number;
  /** May run again when a host went away during it. */
  readonly isIdempotent: boolean;
  readonly idempotencyKey: string | undefined;
  /** Times that it was started, the first included. */
  readonly runs: number;
  /** Undefined until it has ended. Its logs are in the store. */
  readonly record: CallRecord | undefined;
  /** Of its output and logs, in the store. */
  readonly keptBytes: number;
}

/** The bytes that belong to a call. */
export interface AsyncBodies {
  readonly input: Uint8Array;
  readonly environment: Readonly<Record<string, string>>;
}

/** What a call left behind. */
export interface AsyncResult {
  readonly output: Uint8Array;
  /** Header lines that the function set for its answer. */
  readonly head?: Uint8Array | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Where asynchronous calls are kept. Every method resolves once it is on disk. */
export interface AsyncCallStore {
  /** Gives the id of the call that has the idempotency key already; else undefined, and the call is kept. */
  accept(call: AsyncCall, bodies: AsyncBodies): Promise<string | undefined>;
  /** Keeps the call's new state, and what it left when it has ended; the input goes then. */
  update(call: AsyncCall, result?: AsyncResult): Promise<void>;
  remove(call: AsyncCall): Promise<void>;
  /** In the order of acceptance. */
  all(): AsyncIterable<AsyncCall>;
  bodies(call: AsyncCall): Promise<AsyncBodies>;
  result(call: AsyncCall): Promise<AsyncResult | undefined>;
}

/** What is handed in for a call. */
export interface Submission extends AsyncBodies {
  readonly live: LiveFunction;
  /** About; not less than what it is. */
  readonly environmentBytes: number;
  readonly idempotencyKey?: string;
}

export interface AsyncCallsOptions {
  readonly dispatcher: Dispatcher;
  readonly store: AsyncCallStore;
  readonly clock: Clock;
  /** The live version of a function, loaded. */
  readonly ready: (tenant: string, name: string) => Promise<LiveFunction | undefined>;
  /** Told of a failure of the store that nobody waits for. */
  readonly onError: (thrown: unknown) => void;
}

const PRUNE_MS = 60_000;
const NOTHING = new Uint8Array(0);

/**
 * Calls that are accepted before they run and outlive the host: their acceptance is on disk before the client hears of it,
 * their end before anybody is told.
 */
export class AsyncCalls {
  readonly #options: AsyncCallsOptions;
  /** In the order of acceptance. */
  readonly #calls = new Map<string, AsyncCall>();
  readonly #waiters = new Map<string, Set<() => void>>();
  /** Ends that are being written. */
  readonly #pending = new Set<Promise<void>>();
  #openBytes = 0;
  #open = 0;
  #keptBytes = 0;
  #stopTimer: (() => void) | undefined;

  constructor(options: AsyncCallsOptions) {
    this.#options = options;
  }

  /** Reads what is kept. Calls that were open end as host lost, or run again when they are idempotent. */
  async start(): Promise<void> {
    const open: AsyncCall[] = [];
    for await (const call of this.#options.store.all()) {
      this.#calls.set(call.callId, call);
      if (call.record === undefined) open.push(call);
      else this.#keptBytes += call.keptBytes;
    }
    for (const call of open) await this.#resume(call);
    await this.#prune();
    this.#arm();
  }

  /** Those that have not ended. */
  get open(): number {
    return this.#open;
  }

  get(callId: string): AsyncCall | undefined {
    return this.#calls.get(callId);
  }

  /** Newest first. */
  list(): AsyncCall[] {
    return [...this.#calls.values()].reverse();
  }

  /**
   * Accepts a call: when this resolves, it is on disk. `isReplay`: the idempotency key is that of an earlier call, whose id
   * this is. Throws `ERR_QUEUE_FULL`, `ERR_STORAGE`, `ERR_DRAINING`.
   */
  async submit(submission: Submission): Promise<{ callId: string; isReplay: boolean }> {
    const { dispatcher, store, clock } = this.#options;
    const { live, input, environment, idempotencyKey } = submission;
    const heldBytes = input.length + submission.environmentBytes;
    if (dispatcher.isDraining) throw new FaasletError("ERR_DRAINING", "cannot take the call: shutting down");
    if (this.#open >= CALL_LIMITS.asyncOpenMax || this.#openBytes + heldBytes > CALL_LIMITS.asyncOpenBytesMax) {
      throw new FaasletError(
        "ERR_QUEUE_FULL",
        `cannot take the call: ${this.#open} asynchronous calls are open already`,
      );
    }
    const { tenant, name, version, settings } = live.record;
    const call: AsyncCall = {
      callId: dispatcher.newCallId(),
      tenant,
      function: name,
      version,
      acceptedAtMs: clock.epochMs(),
      inputBytes: input.length,
      heldBytes,
      isIdempotent: settings.idempotent,
      idempotencyKey,
      runs: 1,
      record: undefined,
      keptBytes: 0,
    };
    this.#count(call, 1);
    try {
      const earlier = await store.accept(call, { input, environment });
      if (earlier !== undefined) {
        this.#count(call, -1);
        return { callId: earlier, isReplay: true };
      }
    } catch (thrown) {
      this.#count(call, -1);
      throw thrown;
    }
    this.#calls.set(call.callId, call);
    const refusal = await this.#run(call, { input, environment }, live);
    if (refusal === undefined) return { callId: call.callId, isReplay: false };
    this.#count(call, -1);
    this.#calls.delete(call.callId);
    await store.remove(call);
    throw refusal;
  }

  /** Resolves when the call has ended, or after `forMs`. */
  async wait(callId: string, forMs: number): Promise<void> {
    if (!this.#isOpen(callId) || forMs <= 0) return;
    await new Promise<void>((resolve) => {
      const waiters = this.#waiters.get(callId) ?? new Set();
      this.#waiters.set(callId, waiters);
      const stopTimer = this.#options.clock.after(forMs, done);
      function done(): void {
        stopTimer();
        waiters.delete(done);
        resolve();
      }
      waiters.add(done);
    });
  }

  /** What a call that has ended left behind; undefined when it is not kept. */
  async result(call: AsyncCall): Promise<AsyncResult | undefined> {
    return await this.#options.store.result(call);
  }

  /** Resolves when every end so far is on disk. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  async close(): Promise<void> {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    await this.settled();
    for (const waiters of this.#waiters.values()) for (const done of [...waiters]) done();
  }

  #isOpen(callId: string): boolean {
    const call = this.#calls.get(callId);
    return call !== undefined && call.record === undefined;
  }

  /** Hands the call to the dispatcher; gives what refused it at once, which is not its end then. */
  async #run(call: AsyncCall, bodies: AsyncBodies, live: LiveFunction): Promise<FaasletError | undefined> {
    const { dispatcher, clock } = this.#options;
    const { callId } = call;
    const { input, environment } = bodies;
    let refused: CallResult | undefined;
    const running = dispatcher.call({ live, input, environment, callId, isRecordedElsewhere: true });
    this.#follow(running.then(async (result) => {
      // The queue is asked once, at the start: a later refusal is an end like any other.
      if (result.status === "refused" && !result.didRun && result.retryAfterSeconds !== undefined) refused = result;
      else await this.#end(call, recordOf(call, result, clock), result);
    }));
    await Promise.resolve();
    await Promise.resolve();
    if (refused === undefined) return undefined;
    return new FaasletError(refused.error?.code ?? "ERR_QUEUE_FULL", refused.error?.message ?? "the queue is full");
  }

  /** After a restart: a call that was open when the host went away. */
  async #resume(call: AsyncCall): Promise<void> {
    const { clock } = this.#options;
    this.#count(call, 1);
    let why = "the host went away during the call; it is not marked idempotent, so it was not run again";
    if (call.isIdempotent) {
      why = `the host went away during each of its ${call.runs} runs`;
      if (call.runs < CALL_LIMITS.runsMax) {
        const problem = await this.#runAgain({ ...call, runs: call.runs + 1 });
        if (problem === undefined) return;
        why = `the host went away during the call, and it could not run again: ${problem}`;
      }
    }
    await this.#end(call, lostRecord(call, why, clock), { output: NOTHING, stdout: NOTHING, stderr: NOTHING });
  }

  /** Gives what is in the way. */
  async #runAgain(call: AsyncCall): Promise<string | undefined> {
    const { store, ready } = this.#options;
    try {
      const live = await ready(call.tenant, call.function);
      if (live === undefined) return "the function was removed";
      const bodies = await store.bodies(call);
      await store.update(call);
      this.#calls.set(call.callId, call);
      return (await this.#run(call, bodies, live))?.message;
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : String(thrown);
    }
  }

  #follow(work: Promise<void>): void {
    const followed = work.catch(this.#options.onError).finally(() => this.#pending.delete(followed));
    this.#pending.add(followed);
  }

  /** On disk first; then whoever waits is told. */
  async #end(call: AsyncCall, record: CallRecord, result: AsyncResult): Promise<void> {
    const { output, head, stdout, stderr } = result;
    const keptBytes = output.length + (head?.length ?? 0) + stdout.length + stderr.length;
    const ended: AsyncCall = { ...call, record, keptBytes };
    try {
      await this.#options.store.update(ended, { output, head, stdout, stderr });
    } finally {
      // Without a disk the end is known to this host at least.
      this.#count(call, -1);
      this.#calls.set(call.callId, ended);
      this.#keptBytes += keptBytes;
      this.#options.dispatcher.records.announce({ ...record, stdout: ownBytes(stdout), stderr: ownBytes(stderr) });
      for (const done of [...this.#waiters.get(call.callId) ?? []]) done();
      this.#waiters.delete(call.callId);
    }
    if (this.#calls.size - this.#open > CALL_LIMITS.asyncKeptMax || this.#keptBytes > CALL_LIMITS.asyncKeptBytesMax) {
      await this.#prune();
    }
  }

  /** Forgets calls that ended long ago, and the oldest when they are too many. */
  async #prune(): Promise<void> {
    const nowMs = this.#options.clock.epochMs();
    let ended = this.#calls.size - this.#open;
    // Failed ones go last: they are what people look for.
    const oldest = [...this.#calls.values()].filter(({ record }) => record !== undefined);
    const order = [
      ...oldest.filter(({ record }) => !isFailed(record!)),
      ...oldest.filter(({ record }) => isFailed(record!)),
    ];
    for (const call of order) {
      const keptMs = isFailed(call.record!) ? CALL_LIMITS.failedKeptMs : CALL_LIMITS.keptMs;
      const isSurplus = ended > CALL_LIMITS.asyncKeptMax || this.#keptBytes > CALL_LIMITS.asyncKeptBytesMax;
      if (!isSurplus && nowMs - call.record!.endedAtMs <= keptMs) continue;
      if (!this.#calls.delete(call.callId)) continue;
      ended--;
      this.#keptBytes -= call.keptBytes;
      await this.#options.store.remove(call);
    }
  }

  #arm(): void {
    this.#stopTimer = this.#options.clock.after(PRUNE_MS, () => {
      this.#follow(this.#prune());
      this.#arm();
    });
  }

  #count(call: AsyncCall, by: 1 | -1): void {
    this.#open += by;
    this.#openBytes += by * call.heldBytes;
  }
}

/** How an asynchronous call looks that has not ended. */
export function openAsyncCall(call: AsyncCall, open: OpenCall | undefined): OpenCall {
  const { callId, tenant, function: name, version, acceptedAtMs } = call;
  return { callId, kind: "async", tenant, function: name, version, status: open?.status ?? "queued", acceptedAtMs };
}

function recordOf(call: AsyncCall, result: CallResult, clock: Clock): CallRecord {
  const { error } = result;
  return {
    ...blankRecord(call),
    version: result.version,
    status: result.status,
    returnValue: result.returnValue,
    code: error?.code,
    message: error?.message.slice(0, CALL_LIMITS.messageBytesMax),
    start: result.start,
    endedAtMs: clock.epochMs(),
    queueUs: result.queueUs,
    startUs: result.startUs,
    execUs: result.execUs,
    cpuUs: result.cpuUs,
    memoryBytes: result.memoryBytes,
    outputBytes: result.output.length,
    stdoutBytes: result.stdoutBytes,
    stderrBytes: result.stderrBytes,
  };
}

function lostRecord(call: AsyncCall, message: string, clock: Clock): CallRecord {
  return { ...blankRecord(call), status: "host-lost", code: "ERR_WORKER_LOST", message, endedAtMs: clock.epochMs() };
}

function blankRecord(call: AsyncCall): CallRecord {
  const { callId, tenant, function: name, version, acceptedAtMs, inputBytes } = call;
  return {
    callId,
    kind: "async",
    parentId: undefined,
    rootId: undefined,
    tenant,
    function: name,
    version,
    status: "host-lost",
    returnValue: 0,
    code: undefined,
    message: undefined,
    start: "cold",
    acceptedAtMs,
    endedAtMs: acceptedAtMs,
    queueUs: 0,
    startUs: 0,
    execUs: 0,
    cpuUs: 0,
    memoryBytes: 0,
    inputBytes,
    outputBytes: 0,
    stdoutBytes: 0,
    stderrBytes: 0,
    stdout: NOTHING,
    stderr: NOTHING,
  };
}
