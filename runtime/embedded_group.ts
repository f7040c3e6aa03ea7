/**
 * A worker group in this process, over the add-on: for one tenant on a machine that is its own.
 *
 * @module
 */
import { ChurningMap, hashOfNumber } from "../churning_map.ts";
import { assert, FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS, HOST_LIMITS, HTTP_LIMITS, STATE_LIMITS } from "../limits.ts";
import { EmbeddedRegions } from "./_embedded_regions.ts";
import {
  coded,
  Completions,
  type CompletionSink,
  type CrossedError,
  type NativeChange,
  type NativeFunction,
  type NativeGroup,
  openGroup,
  recode,
  type RegionFound,
} from "./native/mod.ts";
import type {
  CallOutcome,
  CallRequest,
  FunctionImage,
  GroupStats,
  HostAnswer,
  HostCall,
  InstallReport,
  SnapshotExport,
  StartKind,
  WorkerGroup,
} from "./worker_group.ts";

/** How a group is made. */
export interface EmbeddedGroupOptions {
  /** Threads at most: a running call has one, a blocked one keeps it. Default: what `HOST_LIMITS` lets run, wait and load. */
  readonly threadsMax?: number;
  /** Memory for state. Default: `STATE_LIMITS.localBytesDefault`. */
  readonly stateBytesMax?: number;
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: FaasletError): void;
}

const WARMTH: Readonly<Record<StartKind, number>> = { cold: 0, proto: 1, warm: 2 };
/** Other work of the process wants its turn as well. */
const DRAIN_ROUNDS_MAX = 8;
const ID_MAX = 0xffff_ffff;
/**
 * Entries of programs, as compilers call them: what a program prints is its answer, unless it gives one by a host call.
 * Any other entry is a handler, and what that prints is a log.
 */
const PROGRAM_ENTRIES: ReadonlySet<string> = new Set([
  "_start",
  "__main_void",
  "main",
  "__main_argc_argv",
  "__original_main",
]);

/** Runs Faaslets on threads of the add-on; nothing of a guest runs on a thread of Deno's. */
export class EmbeddedGroup implements WorkerGroup, CompletionSink {
  readonly state: EmbeddedRegions;
  readonly #native: NativeGroup;
  readonly #completions = new Completions();
  readonly #take = (into: Uint8Array): number => coded(() => this.#native.drain(into));
  readonly #calls = new ChurningMap<number, Waiter<CallOutcome>>(hashOfNumber);
  readonly #installs = new Map<number, Waiter<InstallReport>>();
  readonly #warmings = new Map<number, Waiter<number>>();
  #lastWarming = 0;
  #isWakeDue = false;
  #listener: ((call: HostCall) => void) | undefined;
  #closing: Promise<void> | undefined;
  #whenClosed: () => void = nothing;

  /** Opens a group. It keeps the process alive until it is closed. */
  constructor(options: EmbeddedGroupOptions = {}) {
    this.#native = openGroup(
      options.threadsMax ?? HOST_LIMITS.runningMax + HOST_LIMITS.waitingMax + HOST_LIMITS.installsMax,
      options.stateBytesMax ?? STATE_LIMITS.localBytesDefault,
      () => this.#drain(),
    );
    this.state = new EmbeddedRegions(this.#native, () => this.#checkOpen());
  }

  install(image: FunctionImage): Promise<InstallReport> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      checkId(image.id);
      if (this.#installs.has(image.id)) throw new FaasletError("ERR_CONFLICT", "the function is being installed");
      coded(() => this.#native.install(nativeFunction(image)));
      this.#installs.set(image.id, { resolve, reject });
    });
  }

  async snapshot(functionId: number, bytesMax: number): Promise<SnapshotExport> {
    this.#checkOpen();
    return await coded(() => this.#native.exportSnapshot(functionId, bytesMax)).catch(recode);
  }

  call(request: CallRequest): Promise<CallOutcome> {
    return this.#call(request, false);
  }

  /** A call whose standard streams are this process's own, raw. Also gives what it changed in its file system. */
  async callWithProcessStreams(request: CallRequest): Promise<{ outcome: CallOutcome; changes: NativeChange[] }> {
    const outcome = await this.#call(request, true);
    return { outcome, changes: coded(() => this.#native.takeChanges(request.id)) };
  }

  cancel(callId: number): void {
    if (this.#calls.has(callId)) coded(() => this.#native.cancel(callId));
  }

  async remove(functionId: number): Promise<void> {
    await this.#now(() => this.#native.remove(functionId));
  }

  async trim(functionId: number, idle: number): Promise<void> {
    await this.#now(() => this.#native.trim(functionId, idle));
  }

  warm(functionId: number, idle: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const id = this.#lastWarming = this.#lastWarming % ID_MAX + 1;
      coded(() => this.#native.warm(id, functionId, idle));
      this.#warmings.set(id, { resolve, reject });
    });
  }

  /** Whether the group has a shared file of that digest. */
  holdsFile(digest: string): boolean {
    this.#checkOpen();
    return coded(() => this.#native.holdsFile(digest));
  }

  /** Gives the group a shared file, for calls that will ask for it. `ERR_CAPACITY`. */
  offerFile(digest: string, bytes: Uint8Array): void {
    this.#checkOpen();
    coded(() => this.#native.offerFile(digest, bytes));
  }

  stats(): Promise<GroupStats> {
    return this.#now(() => this.#native.stats());
  }

  listen(listener: (call: HostCall) => void): void {
    this.#listener = listener;
  }

  answer({ callId, ticket, value, bytes, error }: HostAnswer): void {
    if (!this.#calls.has(callId)) return;
    const fault = error === undefined ? undefined : `${error.code}\n${error.message}`;
    coded(() => this.#native.answer(callId, ticket, value, bytes, fault));
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#whenClosed = resolve;
      coded(() => this.#native.close());
    });
    return this.#closing;
  }

  /** The add-on's: a call has ended. */
  ended(outcome: CallOutcome): void {
    const waiter = this.#calls.take(outcome.id);
    assert(waiter !== undefined, "a call ends once");
    waiter.resolve(outcome);
  }

  /** The add-on's: a function is ready. */
  installed(id: number, report: InstallReport): void {
    this.#takeInstall(id).resolve(report);
  }

  /** The add-on's: a function is not. */
  notInstalled(id: number, error: CrossedError): void {
    this.#takeInstall(id).reject(new FaasletError(error.code, error.message));
  }

  /** The add-on's: Faaslets are idle, or there is no room for them. */
  warmed(id: number, idle: number | CrossedError): void {
    const waiter = this.#warmings.get(id);
    assert(waiter !== undefined, "a warming ends once");
    this.#warmings.delete(id);
    if (typeof idle === "number") waiter.resolve(idle);
    else waiter.reject(new FaasletError(idle.code, idle.message));
  }

  /** The add-on's: a guest asks for something. */
  asked(call: HostCall): void {
    // Who cancelled the call since, needs no answer.
    if (this.#calls.has(call.callId)) this.#listener?.(call);
  }

  /** The add-on's: a region was looked through. */
  regionAnswered(id: number, found: RegionFound | CrossedError): void {
    this.state.answered(id, found);
  }

  /** The add-on's: the last thread has ended; nothing follows. */
  closed(): void {
    coded(() => this.#native.release());
    this.#whenClosed();
  }

  #drain(): void {
    // What ends meanwhile is taken along: its own wake-up would come later, and the runtime loses one now and then.
    for (let round = 0; round < DRAIN_ROUNDS_MAX; round++) {
      if (!this.#completions.drain(this.#take, this)) return;
    }
  }

  #call(request: CallRequest, inheritsStreams: boolean): Promise<CallOutcome> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const { id, functionId, input, timeoutMs, environment, start } = request;
      checkId(id);
      checkId(functionId);
      if (this.#calls.has(id)) throw new FaasletError("ERR_CONFLICT", `a call ${id} runs already`);
      const variables = environment === undefined ? undefined : variablesText(environment);
      const words = request.arguments === undefined ? undefined : wordsText(request.arguments);
      const warmest = start === undefined ? WARMTH.warm : WARMTH[start];
      const { tableEntry = -1, index = 0, chains } = request;
      const mustWake = coded(() =>
        this.#native.call(
          id,
          functionId,
          input,
          Math.max(0, timeoutMs),
          variables,
          words,
          warmest,
          inheritsStreams,
          tableEntry,
          index,
          chains?.calls ?? 0,
          chains?.bytes ?? 0,
        )
      );
      this.#calls.set(id, { resolve, reject });
      if (mustWake) this.#wakeSoon();
    });
  }

  /** Wakes threads once for all calls that are made in one turn of the event loop: each time is a system call. */
  #wakeSoon(): void {
    if (this.#isWakeDue) return;
    this.#isWakeDue = true;
    queueMicrotask(() => {
      this.#isWakeDue = false;
      coded(() => this.#native.wake());
    });
  }

  #now<T>(action: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#checkOpen();
      resolve(coded(action));
    });
  }

  #takeInstall(id: number): Waiter<InstallReport> {
    const waiter = this.#installs.get(id);
    assert(waiter !== undefined, "an installation ends once");
    this.#installs.delete(id);
    return waiter;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new FaasletError("ERR_DRAINING", "the worker group is closed");
  }
}

function nativeFunction(image: FunctionImage): NativeFunction {
  const { plan, limits } = image;
  return {
    id: image.id,
    artefact: image.artefact,
    beforeSnapshot: [...plan.beforeSnapshot],
    entry: plan.entry,
    ...(plan.afterEntry === undefined ? {} : { afterEntry: plan.afterEntry }),
    isCommand: PROGRAM_ENTRIES.has(plan.entry),
    limits: { ...limits, tableElements: FUNCTION_LIMITS.tableElementsMax },
    arguments: [image.name, ...image.arguments],
    environment: variablesText(image.environment),
    files: image.files.map(({ path, bytes }) => (bytes === undefined ? { path } : { path, bytes })),
    libraries: (image.libraries ?? []).map(({ path, artefact }) => ({ path, artefact })),
    network: [...image.network ?? []],
    http: {
      requestBodyBytes: HTTP_LIMITS.requestBodyBytesMax,
      answerHeadBytes: HTTP_LIMITS.fetchedHeadBytesMax,
      answerBodyBytes: HTTP_LIMITS.fetchedBodyBytesMax,
      redirects: HTTP_LIMITS.redirectsMax,
      headMs: HTTP_LIMITS.fetchedHeadMsMax,
      pauseMs: HTTP_LIMITS.fetchedPauseMsMax,
    },
    hasRoot: image.hasFileSystem,
    ...(image.snapshot === undefined ? {} : { snapshot: image.snapshot }),
  };
}

/** One string crosses the edge instead of many; an entry that would split in two is refused. */
function variablesText(variables: Readonly<Record<string, string>>): string {
  let text = "";
  for (const name in variables) text += `${name}=${checkNoNul(variables[name]!)}\0`;
  return text;
}

function wordsText(words: readonly string[]): string {
  let text = "";
  for (const word of words) text += `${checkNoNul(word)}\0`;
  return text;
}

function checkNoNul(text: string): string {
  if (text.includes("\0")) {
    throw new FaasletError("ERR_REQUEST_INVALID", "an environment variable or argument holds a NUL byte");
  }
  return text;
}

function checkId(id: number): void {
  assert(Number.isInteger(id) && id > 0 && id <= ID_MAX, "an id is 1 to 2^32 - 1");
}

function nothing(): void {}
