/**
 * Takes calls to their end: admission decides when, the worker group runs them, the clock bounds them.
 *
 * @module
 */
import { ChurningMap, hashOfNumber, hashOfText } from "../churning_map.ts";
import { assert, type ErrorCode, toFaasletError } from "../errors.ts";
import { CALL_LIMITS, CHAIN_LIMITS, HOST_LIMITS } from "../limits.ts";
import type {
  CallOutcome,
  CallRequest,
  CallStatus,
  GroupStats,
  HostCall,
  LiveFunction,
  WorkerGroup,
} from "../runtime/mod.ts";
import { ActiveCall, type CallOptions, type CallResult, needsTimer, outcomeWithoutRun } from "./_active_call.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import type { Lane } from "./_lane.ts";
import { CallIds, type FillRandom } from "./call_id.ts";
import { CallStats, type CallStatsSnapshot, type StatusCounts } from "./call_stats.ts";
import { type OpenCall, ownBytes } from "./call_record.ts";
import { CallTable } from "./call_table.ts";
import { type ChainLimits, fullGrant } from "./_chain_tree.ts";
import { type ChainLink, Chains } from "./_chains.ts";
import type { Clock } from "./clock.ts";

/** What a dispatcher is made of. */
export interface DispatcherOptions {
  readonly group: WorkerGroup;
  readonly clock: Clock;
  readonly random: FillRandom;
  /** The version that is live now: a call that waited runs it, since the one it came for may be gone. */
  readonly current?: (tenant: string, name: string) => LiveFunction | undefined;
  /** The same for a function that has to be loaded first. */
  readonly ready?: (tenant: string, name: string) => Promise<LiveFunction | undefined>;
  /** Who answers the host calls that are not about chained calls. */
  readonly onHostCall?: (call: HostCall, caller: Caller) => void;
  /** Defaults to `HOST_LIMITS`. */
  readonly limits?: Partial<AdmissionLimits>;
  /** Of each kind, see `CallTable`; 0 keeps none. Defaults to `CALL_LIMITS.recordsMax`. */
  readonly recordsMax?: number;
  /** Defaults to `CHAIN_LIMITS`. */
  readonly chainLimits?: Partial<ChainLimits>;
  /** Calls that may wait for calls they made. Defaults to `HOST_LIMITS.waitingMax`. */
  readonly waitingMax?: number;
}

/** Whose host call it is. */
export interface Caller {
  readonly callId: string;
  readonly live: LiveFunction;
  /** As the dispatcher's clock tells time. */
  readonly deadlineMs: number;
  /** Aborted when the call has ended, whatever became of it. */
  readonly ended: AbortSignal;
}

export interface DispatcherStats extends CallStatsSnapshot {
  readonly running: number;
  readonly queued: number;
  readonly isDraining: boolean;
}

/** What is looked up once for each version of a function. */
interface Binding {
  readonly lane: Lane;
  readonly counts: StatusCounts;
}

/** Every accepted or refused call resolves exactly once; nothing here rejects. */
export class Dispatcher {
  readonly #group: WorkerGroup;
  readonly #clock: Clock;
  readonly #current: DispatcherOptions["current"];
  readonly #admission: Admission;
  readonly #ids: CallIds;
  readonly #table: CallTable;
  readonly #stats = new CallStats(HOST_LIMITS.metricsFunctionsMax);
  readonly #bindings = new WeakMap<LiveFunction["record"], Binding>();
  readonly #active = new ChurningMap<string, ActiveCall>(hashOfText);
  readonly #byGroupId = new ChurningMap<number, ActiveCall>(hashOfNumber);
  readonly #chains: Chains;
  readonly #chainLimits: ChainLimits;
  readonly #fullGrant: NonNullable<CallRequest["chains"]>;
  #lastGroupId = 0;
  #isDraining = false;
  #whenDrained: (() => void)[] = [];

  constructor(options: DispatcherOptions) {
    this.#group = options.group;
    this.#clock = options.clock;
    this.#current = options.current;
    this.#admission = new Admission({
      runningMax: HOST_LIMITS.runningMax,
      queuedMax: HOST_LIMITS.queuedMax,
      lanesMax: HOST_LIMITS.functionsMax,
      ...options.limits,
    });
    this.#ids = new CallIds(options.random);
    this.#chainLimits = { ...CHAIN_LIMITS, ...options.chainLimits };
    this.#fullGrant = fullGrant(this.#chainLimits);
    this.#chains = new Chains({
      limits: this.#chainLimits,
      waitingMax: options.waitingMax ?? HOST_LIMITS.waitingMax,
      callOf: (groupId) => this.#byGroupId.get(groupId),
      find: (tenant, name) => options.current?.(tenant, name) ?? options.ready?.(tenant, name),
      start: (callOptions, link) => this.#startChained(callOptions, link),
      cancel: (call) => void this.cancel(call.callId),
      pause: (call) => {
        this.#admission.pause(call);
        this.#startWaiting();
      },
      resume: (call) => this.#admission.resume(call),
      answer: (answer) => this.#group.answer(answer),
      nowMs: () => this.#clock.now(),
    });
    options.group.listen((asked) => this.#asked(asked, options.onHostCall));
    this.#table = new CallTable({
      recordsMax: options.recordsMax ?? CALL_LIMITS.recordsMax,
      logBytesMax: CALL_LIMITS.logBytesMax,
    });
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** The last calls that ran. */
  get records(): CallTable {
    return this.#table;
  }

  /** Calls that have not ended. */
  *open(): Generator<OpenCall> {
    for (const call of this.#active.values()) yield openCallOf(call, this.#clock);
  }

  /** One that has not ended. */
  openCall(callId: string): OpenCall | undefined {
    const call = this.#active.get(callId);
    return call && openCallOf(call, this.#clock);
  }

  /** An id for a call that is about to be made, or for a request that will not become one. */
  newCallId(): string {
    return this.#ids.next(this.#clock.epochMs());
  }

  /** Runs a call to its end. Failures of any kind are outcomes. */
  call(options: CallOptions): Promise<CallResult> {
    return new Promise((resolve) => {
      const { lane, counts } = this.#bind(options.live.record);
      const callId = options.callId ?? this.newCallId();
      assert(!this.#active.has(callId), "a call id is used once");
      const call = new ActiveCall(lane, counts, callId, options, this.#clock.now(), resolve);
      if (this.#isDraining) {
        return this.#end(call, outcomeWithoutRun("refused", "ERR_DRAINING", "cannot take the call: shutting down"));
      }
      this.#admit(call);
    });
  }

  /** A call that a call made. While the host drains, it belongs to one that was accepted. */
  #startChained(options: CallOptions, link: ChainLink): void {
    const { lane, counts } = this.#bind(options.live.record);
    const call = new ActiveCall(lane, counts, this.newCallId(), options, this.#clock.now(), nobody, link);
    link.parent.made?.running.add(call);
    link.tree.members.add(call);
    this.#admit(call);
  }

  #admit(call: ActiveCall): void {
    const decision = this.#admission.arrive(call, call.link !== undefined);
    if (decision === "function-full" || decision === "host-full") return this.#refuse(call, decision);
    this.#active.set(call.callId, call);
    if (decision === "started") return this.#run(call);
    if (needsTimer(call)) {
      call.stopTimer = this.#clock.after(call.deadlineMs - call.admittedMs, () => this.#expire(call));
    }
  }

  #asked(asked: HostCall, onOther: DispatcherOptions["onHostCall"]): void {
    const { operation, callId } = asked;
    if (operation === "chain" || operation === "chain-entry" || operation === "await") return this.#chains.asked(asked);
    const call = this.#byGroupId.get(callId);
    if (call === undefined) return;
    const { signal: ended } = call.ended ??= new AbortController();
    onOther?.(asked, { callId: call.callId, live: call.live, deadlineMs: call.deadlineMs, ended });
  }

  /** Ends a call as cancelled, whether it waits or runs. False when there is none of that id (any more). */
  cancel(callId: string): boolean {
    const call = this.#active.get(callId);
    if (call === undefined) return false;
    if (this.#admission.leave(call)) this.#end(call, cancelled());
    else this.#group.cancel(call.groupId);
    return true;
  }

  /** Refuses new calls from now on; resolves when those that were accepted, waiting ones included, have ended. */
  drain(): Promise<void> {
    this.#isDraining = true;
    if (this.#active.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  /** Cancels all calls; those that run end when the worker group says so. */
  cancelAll(): void {
    for (const { callId } of [...this.#active.values()]) this.cancel(callId);
  }

  /** Drops the averages and counters of a function that was removed. */
  forget(tenant: string, name: string): void {
    this.#admission.forget(keyOf(tenant, name));
    this.#stats.forget(keyOf(tenant, name));
  }

  stats(): DispatcherStats {
    return {
      ...this.#stats.snapshot(),
      running: this.#admission.running,
      queued: this.#admission.queued,
      isDraining: this.#isDraining,
    };
  }

  groupStats(): Promise<GroupStats> {
    return this.#group.stats();
  }

  /** A function's lane and counters. Its limits are those of the newest version that was seen. */
  #bind(record: LiveFunction["record"]): Binding {
    let binding = this.#bindings.get(record);
    if (binding === undefined || binding.lane.isForgotten) {
      const key = keyOf(record.tenant, record.name);
      binding = {
        lane: this.#admission.lane(key, record.settings),
        counts: this.#stats.countsOf(key),
      };
      this.#bindings.set(record, binding);
      this.#startWaiting();
    }
    return binding;
  }

  #refuse(call: ActiveCall, decision: "function-full" | "host-full"): void {
    const message = decision === "function-full"
      ? `cannot queue the call: ${call.lane.waiting} calls of the function wait already`
      : `cannot queue the call: ${this.#admission.queued} calls wait on this host already`;
    const outcome = outcomeWithoutRun("refused", "ERR_QUEUE_FULL", message);
    this.#end(call, outcome, this.#admission.retryAfterSeconds(call.lane));
  }

  #expire(call: ActiveCall): void {
    call.stopTimer = undefined;
    if (this.#admission.leave(call)) this.#end(call, expired());
  }

  #startWaiting(): void {
    for (
      let ticket = this.#admission.next();
      ticket !== undefined;
      ticket = this.#admission.next()
    ) {
      const call = ticket as ActiveCall;
      call.stopTimer?.();
      call.stopTimer = undefined;
      if (call.startedMs !== undefined) {
        this.#chains.resumed(call);
        continue;
      }
      const { tenant, name } = call.live.record;
      // An entry of the table is one of the version that named it.
      if (call.options.tableEntry === undefined) call.live = this.#current?.(tenant, name) ?? call.live;
      this.#run(call);
    }
  }

  /** Hands a started call to the group. It may end here, but never starts another one: that would recurse. */
  #run(call: ActiveCall): void {
    const { options } = call;
    call.startedMs = this.#clock.now();
    const timeoutMs = call.deadlineMs - call.startedMs;
    if (timeoutMs <= 0) return this.#settle(call, expired());
    call.groupId = this.#takeGroupId(call);
    const request: Writable<CallRequest> = {
      id: call.groupId,
      functionId: call.live.functionId,
      input: options.input,
      timeoutMs,
      chains: call.tree?.grant() ?? this.#fullGrant,
    };
    if (options.environment !== undefined) {
      request.environment = options.environment;
    }
    if (options.arguments !== undefined) request.arguments = options.arguments;
    if (options.start !== undefined) request.start = options.start;
    if (options.tableEntry !== undefined) request.tableEntry = options.tableEntry;
    if (options.index !== undefined) request.index = options.index;
    let running: Promise<CallOutcome>;
    try {
      running = this.#group.call(request);
    } catch (thrown) {
      return this.#settle(call, outcomeOf(thrown));
    }
    running.then((outcome) => this.#finish(call, outcome), (thrown) => this.#finish(call, outcomeOf(thrown)));
  }

  #takeGroupId(call: ActiveCall): number {
    do this.#lastGroupId = this.#lastGroupId % 0xffff_ffff + 1; while (this.#byGroupId.has(this.#lastGroupId));
    this.#byGroupId.set(this.#lastGroupId, call);
    return this.#lastGroupId;
  }

  #finish(call: ActiveCall, outcome: CallOutcome): void {
    this.#settle(call, outcome);
    this.#startWaiting();
  }

  #settle(call: ActiveCall, outcome: CallOutcome): void {
    this.#byGroupId.delete(call.groupId);
    this.#admission.finish(call, didRun(outcome) ? (outcome.startUs + outcome.execUs) / 1_000 : undefined);
    this.#end(call, outcome);
  }

  /** The one place where a call ends. */
  #end(call: ActiveCall, ending: CallOutcome, retryAfterSeconds?: number): void {
    const failure = call.tree?.root === call ? call.tree.failure : undefined;
    const outcome = failure === undefined ? ending : failedTree(ending, failure);
    this.#active.delete(call.callId);
    call.stopTimer?.();
    call.ended?.abort();
    const nowMs = this.#clock.now();
    const waitedMs = (call.startedMs ?? nowMs) - call.admittedMs;
    const result: CallResult = {
      id: outcome.id,
      status: outcome.status,
      returnValue: outcome.returnValue,
      output: outcome.output,
      head: outcome.head,
      stdout: outcome.stdout,
      stderr: outcome.stderr,
      stdoutBytes: outcome.stdoutBytes,
      stderrBytes: outcome.stderrBytes,
      error: outcome.error,
      start: outcome.start,
      queueUs: outcome.queueUs + waitedMs * 1_000,
      startUs: outcome.startUs,
      execUs: outcome.execUs,
      cpuUs: outcome.cpuUs,
      memoryBytes: outcome.memoryBytes,
      callId: call.callId,
      version: call.live.record.version,
      didRun: didRun(outcome),
      totalUs: (nowMs - call.admittedMs) * 1_000,
      retryAfterSeconds,
    };
    this.#count(call, result);
    call.resolve(result);
    if (call.tree !== undefined) this.#chains.ended(call, call.tree, result);
    if (this.#isDraining && this.#active.size === 0) {
      for (const resolve of this.#whenDrained.splice(0)) resolve();
    }
  }

  #count(call: ActiveCall, result: CallResult): void {
    call.counts[result.status]++;
    if (result.didRun) {
      this.#stats.observe(result.start, result.queueUs, result.startUs, result.execUs);
    }
    if (result.status === "refused" || call.options.isRecordedElsewhere === true || !this.#table.isWanted) return;
    const { tenant, name, version } = call.live.record;
    this.#table.add({
      callId: call.callId,
      kind: "sync",
      parentId: call.link?.parent.callId,
      rootId: call.tree?.root.callId,
      tenant,
      function: name,
      version,
      status: result.status,
      returnValue: result.returnValue,
      code: result.error?.code,
      message: result.error?.message.slice(0, CALL_LIMITS.messageBytesMax),
      start: result.start,
      acceptedAtMs: this.#clock.epochMs() - result.totalUs / 1_000,
      endedAtMs: this.#clock.epochMs(),
      queueUs: result.queueUs,
      startUs: result.startUs,
      execUs: result.execUs,
      cpuUs: result.cpuUs,
      memoryBytes: result.memoryBytes,
      inputBytes: call.options.input.length,
      outputBytes: result.output.length,
      stdoutBytes: result.stdoutBytes,
      stderrBytes: result.stderrBytes,
      stdout: ownBytes(result.stdout),
      stderr: ownBytes(result.stderr),
    });
  }
}

function openCallOf(call: ActiveCall, clock: Clock): OpenCall {
  const { tenant, name, version } = call.live.record;
  return {
    callId: call.callId,
    kind: call.options.isRecordedElsewhere === true ? "async" : "sync",
    parentId: call.link?.parent.callId,
    rootId: call.tree?.root.callId,
    tenant,
    function: name,
    version,
    status: call.startedMs === undefined ? "queued" : "running",
    acceptedAtMs: clock.epochMs() - (clock.now() - call.admittedMs),
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}

/** Who started a chained call learns of its end through the chain. */
function nobody(): void {}

/** A root whose tree was ended says why, and gives nothing partial. */
function failedTree(ending: CallOutcome, error: NonNullable<CallOutcome["error"]>): CallOutcome {
  return { ...ending, status: "trap", output: new Uint8Array(0), error };
}

/** Whether a Faaslet had the call: a timeout or cancel may come before one was ready. */
function didRun(outcome: CallOutcome): boolean {
  return outcome.status === "ok" || outcome.status === "guest-error" ||
    outcome.status === "trap" ||
    outcome.startUs + outcome.execUs > 0;
}

function expired(): CallOutcome {
  return outcomeWithoutRun("timeout", "ERR_CALL_TIMEOUT", "cannot run the call: its deadline passed while it waited");
}

function cancelled(): CallOutcome {
  return outcomeWithoutRun("cancelled", "ERR_CALL_CANCELLED", "the call was cancelled before it ran");
}

/** What becomes of a call that the group rejected. */
function outcomeOf(thrown: unknown): CallOutcome {
  const error = toFaasletError(thrown);
  return outcomeWithoutRun(STATUS_OF_REJECTION[error.code] ?? "refused", error.code, error.message);
}

const STATUS_OF_REJECTION: Partial<Record<ErrorCode, CallStatus>> = {
  ERR_CALL_TIMEOUT: "timeout",
  ERR_CALL_CANCELLED: "cancelled",
  ERR_WORKER_LOST: "host-lost",
  ERR_BUG: "host-lost",
};
