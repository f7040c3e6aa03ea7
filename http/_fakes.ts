/** An app over a registry in memory and a worker group that answers as told, with and without a server. For tests only. */
import type {
  CallOutcome,
  CallRequest,
  DeployRequest,
  DeployResult,
  FunctionBundle,
  FunctionRecord,
  FunctionRegistry,
  LiveFunction,
  RegistryStats,
  VersionSummary,
  WorkerGroup,
} from "../runtime/mod.ts";
import { type AsyncCall, AsyncCalls, type AsyncCallStore, type Clock, Dispatcher } from "../scheduler/mod.ts";
import type { GlobalTier } from "../state/mod.ts";
import { createApp } from "./app.ts";
import type { BodyLimits } from "./body.ts";
import type { OutboxLimits } from "./outbox.ts";
import { startServer } from "./server.ts";
import type { LocalState } from "./state_list.ts";

/** Time stands still; timers run when the test says so. */
export class FakeClock implements Clock {
  nowMs = 0;
  readonly timers = new Set<() => void>();

  now(): number {
    return this.nowMs;
  }
  epochMs(): number {
    return 1_700_000_000_000 + this.nowMs;
  }
  after(_delayMs: number, action: () => void): () => void {
    this.timers.add(action);
    return () => this.timers.delete(action);
  }
  /** Runs every timer that is set now, whatever its delay. */
  fire(): void {
    for (const action of [...this.timers]) {
      this.timers.delete(action);
      action();
    }
  }
}

type Respond = (request: CallRequest) => Partial<CallOutcome> | Promise<Partial<CallOutcome>>;

export class FakeRegistry implements FunctionRegistry {
  readonly functions = new Map<string, LiveFunction>();
  readonly deploys: DeployRequest[] = [];
  /** Functions that only `ready` finds, as after a restart. */
  readonly asleep = new Map<string, LiveFunction>();
  refuse: unknown;

  add(name: string, settings: Record<string, unknown> = {}, style = "plain"): FunctionRecord {
    const record = recordOf(name, 3, settings, style);
    this.functions.set(`default/${name}`, { functionId: 9, record });
    return record;
  }
  deploy(request: DeployRequest): Promise<DeployResult> {
    if (this.refuse !== undefined) return Promise.reject(this.refuse);
    this.deploys.push(request);
    const key = `${request.tenant}/${request.name}`;
    const outcome = request.dryRun ? "dry-run" : this.functions.has(key) ? "updated" : "created";
    const record = recordOf(request.name, 1, {}, "plain");
    if (outcome !== "dry-run") this.functions.set(key, { functionId: 1, record });
    return Promise.resolve({ outcome, record });
  }
  live(tenant: string, name: string): LiveFunction | undefined {
    return this.functions.get(`${tenant}/${name}`);
  }
  ready(tenant: string, name: string): Promise<LiveFunction | undefined> {
    return Promise.resolve(this.asleep.get(`${tenant}/${name}`));
  }
  list(tenant: string): Promise<FunctionRecord[]> {
    return Promise.resolve(
      [...this.functions.values()].map((live) => live.record).filter((one) => one.tenant === tenant),
    );
  }
  describe(tenant: string, name: string): Promise<FunctionRecord | undefined> {
    return Promise.resolve(this.live(tenant, name)?.record);
  }
  versions(tenant: string, name: string): Promise<VersionSummary[] | undefined> {
    const record = this.live(tenant, name)?.record;
    if (record === undefined) return Promise.resolve(undefined);
    const { version, createdAt, report: { digest, bytes } } = record;
    return Promise.resolve([{ version, isLive: true, digest, bytes, createdAt }]);
  }
  rollback(tenant: string, name: string, version?: number): Promise<FunctionRecord> {
    if (this.refuse !== undefined) return Promise.reject(this.refuse);
    const record = recordOf(name, version ?? 2, {}, "plain");
    this.functions.set(`${tenant}/${name}`, { functionId: 1, record });
    return Promise.resolve(record);
  }
  bundle(tenant: string, name: string): Promise<FunctionBundle | undefined> {
    const record = this.live(tenant, name)?.record;
    const files = [{ path: "/a", bytes: new Uint8Array([1, 2]) }];
    return Promise.resolve(record && { record, wasm: new Uint8Array([7]), files });
  }
  change(tenant: string, name: string, settings: Readonly<Record<string, unknown>>): Promise<DeployResult> {
    if (this.refuse !== undefined) return Promise.reject(this.refuse);
    const record = recordOf(name, 4, settings, "plain");
    this.functions.set(`${tenant}/${name}`, { functionId: 1, record });
    return Promise.resolve({ outcome: "updated", record });
  }
  stats(): RegistryStats {
    const snapshots = { made: 3, loaded: 4, refused: 5, failed: 6 };
    return {
      functions: this.functions.size,
      storedBytes: 10,
      alarms: 1,
      compilations: 2,
      snapshots,
      snapshotBytes: 20,
    };
  }
  remove(tenant: string, name: string): Promise<boolean> {
    return Promise.resolve(this.functions.delete(`${tenant}/${name}`));
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A group whose calls end as `respond` says; without it they echo their input. */
export class FakeGroup {
  readonly requests: CallRequest[] = [];
  readonly cancelled: number[] = [];
  onCancel: (id: number) => void = () => {};
  respond: Respond = ({ input }) => ({ output: input });

  async call(request: CallRequest): Promise<CallOutcome> {
    this.requests.push(request);
    return outcomeOf(request.id, await this.respond(request));
  }
  listen(): void {}
  /** No guest of this group asks for anything. */
  answer(): void {}
  cancel(id: number): void {
    this.cancelled.push(id);
    this.onCancel(id);
  }
  stats() {
    const counts = { functions: 1, idleFaaslets: 2, runningCalls: 0, threads: 3 };
    return Promise.resolve({ ...counts, restored: 4, resets: 5, resetUs: 5, discarded: 6 });
  }
}

/** Asynchronous calls in memory. */
export class FakeCallStore implements AsyncCallStore {
  readonly calls = new Map<string, AsyncCall>();
  readonly keys = new Map<string, string>();
  readonly bodiesOf = new Map<string, Parameters<AsyncCallStore["accept"]>[1]>();
  readonly results = new Map<string, Parameters<AsyncCallStore["update"]>[1]>();
  fails: unknown;

  accept(call: AsyncCall, bodies: Parameters<AsyncCallStore["accept"]>[1]): Promise<string | undefined> {
    if (this.fails !== undefined) return Promise.reject(this.fails);
    const key = call.idempotencyKey && `${call.function} ${call.idempotencyKey}`;
    const earlier = key && this.keys.get(key);
    if (earlier) return Promise.resolve(earlier);
    if (key) this.keys.set(key, call.callId);
    this.calls.set(call.callId, call);
    this.bodiesOf.set(call.callId, bodies);
    return Promise.resolve(undefined);
  }
  update(call: AsyncCall, result?: Parameters<AsyncCallStore["update"]>[1]): Promise<void> {
    this.calls.set(call.callId, call);
    if (result !== undefined) this.results.set(call.callId, result);
    return Promise.resolve();
  }
  remove(call: AsyncCall): Promise<void> {
    this.calls.delete(call.callId);
    return Promise.resolve();
  }
  async *all(): AsyncGenerator<AsyncCall> {
    yield* this.calls.values();
  }
  bodies(call: AsyncCall) {
    return Promise.resolve(this.bodiesOf.get(call.callId)!);
  }
  result(call: AsyncCall) {
    return Promise.resolve(this.results.get(call.callId));
  }
}

export function outcomeOf(id: number, over: Partial<CallOutcome>): CallOutcome {
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
    startUs: 20,
    execUs: 3_456,
    cpuUs: 3_000,
    memoryBytes: 65_536,
    ...over,
  };
}

function recordOf(name: string, version: number, settings: Record<string, unknown>, style: string): FunctionRecord {
  const record = {
    tenant: "default",
    name,
    version,
    settings: {
      timeoutMs: 1_000,
      inputBytes: 1_000,
      concurrency: 2,
      queue: 1,
      cgi: true,
      idempotent: false,
      ...settings,
    },
    report: { digest: "d".repeat(64), bytes: 8, style },
    files: [],
    createdAt: "2026-01-02T03:04:05.000Z",
  };
  return record as unknown as FunctionRecord;
}

export const ORIGIN = "http://127.0.0.1:8080";
export const INFO = { remoteAddr: { hostname: "127.0.0.9" } };

/** The app with its fakes; `send` asks it as a client of this host would. */
export function setUp(
  bodyLimits: Partial<BodyLimits> = {},
  outboxLimits: Partial<OutboxLimits> = {},
  { state = {} as GlobalTier, localState }: { state?: GlobalTier; localState?: LocalState } = {},
) {
  const clock = new FakeClock();
  const group = new FakeGroup();
  const registry = new FakeRegistry();
  const errors: Record<string, unknown>[] = [];
  const dispatcher = new Dispatcher({
    group: group as unknown as WorkerGroup,
    clock,
    random: (bytes) => void crypto.getRandomValues(bytes),
  });
  const logger = { error: (_: string, properties: Record<string, unknown>) => void errors.push(properties) };
  const store = new FakeCallStore();
  const calls = new AsyncCalls({
    dispatcher,
    store,
    clock,
    ready: (tenant, name) => registry.ready(tenant, name),
    onError: (thrown) => void errors.push({ thrown }),
  });
  const app = createApp({
    registry,
    dispatcher,
    calls,
    state,
    localState: () => localState,
    clock,
    version: "1.2.3",
    logger,
    bodyLimits,
    outboxLimits,
  });
  const send = async (path: string, init?: RequestInit) => await app.handler(new Request(ORIGIN + path, init), INFO);
  return { app, clock, group, registry, dispatcher, calls, store, errors, send };
}

/** The same behind a server of its own; `await using` stops it. */
export function serve(
  bodyLimits: Partial<BodyLimits> = {},
  outboxLimits: Partial<OutboxLimits> = {},
  state: Parameters<typeof setUp>[2] = {},
) {
  const parts = setUp(bodyLimits, outboxLimits, state);
  const server = startServer({ handler: parts.app.handler, hostname: "127.0.0.1", port: 0 });
  async function stop(): Promise<void> {
    parts.app.close();
    server.abort();
    await server.finished;
  }
  return { ...parts, server, [Symbol.asyncDispose]: stop };
}

/** Lets all continuations of settled promises run, those of streams included. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}
