/**
 * The composition root: the one place where a host's parts are made and handed to one another.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";
import { CALL_LIMITS, FUNCTION_LIMITS, HOST_LIMITS, STATE_LIMITS } from "../limits.ts";
import { resolveName, RootCalls, SharedFileCalls } from "../hostif/mod.ts";
import { createApp, isLoopback, type Logger, startServer, SYSTEM_CLOCK } from "../http/mod.ts";
import { DEFAULT_TENANT } from "../names.ts";
import { Compiler, EmbeddedGroup, engineHash, inspectModuleAside, KvFunctionRegistry } from "../runtime/mod.ts";
import { AsyncCalls, CallRecorder, Dispatcher, StoredAsyncCalls, StoredRecords } from "../scheduler/mod.ts";
import {
  Blobs,
  CallStore,
  KvGlobalTier,
  openKv,
  RecordLog,
  Residency,
  ResidencyCalls,
  SharedFiles,
} from "../state/mod.ts";
import { VERSION } from "../version.ts";
import { DataDirectory } from "./data_directory.ts";
import { metered } from "./metered_kv.ts";
import { selfCommand } from "./self.ts";

/** What a host is started with. */
export interface HostOptions {
  /** Loopback. */
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly dataDirectory: string;
  /** Certificates as PEM that functions' TLS believes beside the system's. */
  readonly rootsPath?: string;
  /** The finest clock that functions may have, microseconds. */
  readonly clockResolutionUsMin?: number;
  /** Records of synchronous calls, of good and of failed ones each; 0 keeps none. Defaults to `CALL_LIMITS.recordsMax`, the most. */
  readonly recordsMax?: number;
  readonly logger: Logger;
}

/** A host that runs. */
export interface Host {
  readonly url: string;
  readonly dataDirectory: string;
  /** Whether others of this machine may look into the data directory. */
  readonly isOpenToOthers: boolean;
  /** Refuses new calls, lets running ones end, frees everything. Idempotent. */
  stop(): Promise<void>;
}

const RECORD_LOG_LIMITS = {
  bytesMax: CALL_LIMITS.storedRecordBytesMax / 2,
  keptMs: { good: CALL_LIMITS.keptMs, failed: CALL_LIMITS.failedKeptMs },
};

/** Starts a host. Throws `ERR_USAGE` for an address it may not have, `ERR_CONFLICT` for a directory or port in use. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { hostname, port, logger } = options;
  // Before anything is made: the server itself would say so only in the end.
  if (!isLoopback(hostname)) {
    const why = "there is no access control yet, so only 127.0.0.0/8, ::1 and localhost are allowed";
    throw new FaasletError("ERR_USAGE", `cannot listen on ${hostname}: ${why}`);
  }
  const clockUs = options.clockResolutionUsMin ?? FUNCTION_LIMITS.clockResolutionUsMin;
  if (clockUs > FUNCTION_LIMITS.clockResolutionUsMax) {
    throw new FaasletError("ERR_USAGE", `cannot have clocks of ${clockUs} us: a second is the coarsest`);
  }
  const recordsMax = options.recordsMax ?? CALL_LIMITS.recordsMax;
  if (recordsMax > CALL_LIMITS.recordsMax) {
    throw new FaasletError(
      "ERR_USAGE",
      `cannot keep ${recordsMax} records of calls: at most ${CALL_LIMITS.recordsMax}`,
    );
  }
  const roots = await RootCalls.open(options.rootsPath);
  await using parts = new AsyncDisposableStack();
  const directory = await DataDirectory.take(options.dataDirectory);
  parts.defer(() => directory.release());
  const { kv, stats: storeStats } = metered(await openKv(directory.storePath));
  parts.defer(() => kv.close());
  const state = new KvGlobalTier({ kv });
  parts.defer(() => state.close());
  parts.defer(sweepNowAndThen(state, logger));
  const group = new EmbeddedGroup();
  parts.defer(() => group.close());
  const compiler = new Compiler({ command: selfCommand("compile-child") });
  const registry = await KvFunctionRegistry.open({
    kv,
    blobs: new Blobs(kv, HOST_LIMITS.storedBytesMax),
    group,
    inspect: inspectModuleAside,
    compile: (wasm) => compiler.compile(wasm),
    engineHash: engineHash(),
    sealKey: await directory.sealKey(),
    now: Date.now,
    // Tenants have no floors of their own yet: one for all.
    clockResolutionUsMin: () => clockUs,
    onAlarm: (what) => logger.error("alarm: {what}", { what }),
  });
  parts.defer(() => registry.close());
  parts.defer(() => compiler.close());
  const files = await SharedFiles.open(kv, Date.now);
  parts.defer(() => files.settled());
  const fileCalls = new SharedFileCalls(files, group, (thrown) => {
    logger.error("cannot read a shared file: {thrown}", { thrown });
  });
  const residency = new Residency({ tenant: DEFAULT_TENANT, local: group.state, global: state });
  const stateCalls = new ResidencyCalls(residency, state, (answer) => group.answer(answer));
  const dispatcher = new Dispatcher({
    group,
    clock: SYSTEM_CLOCK,
    random: (bytes) => void crypto.getRandomValues(bytes),
    recordsMax,
    current: (tenant, name) => registry.live(tenant, name),
    ready: (tenant, name) => registry.ready(tenant, name),
    onHostCall(ask, { callId, live, ended }) {
      const { tenant } = live.record;
      if (ResidencyCalls.isFor(ask)) return stateCalls.asked(ask, { tenant, callId, ended });
      const { ticket, text, operation } = ask;
      const answered = operation === "file"
        ? fileCalls.answer(tenant, text)
        : operation === "roots"
        ? roots.answer()
        : resolveName(text);
      void answered.then((answer) => group.answer({ callId: ask.callId, ticket, ...answer }));
    },
  });
  // Without records what an earlier host wrote stays where it is.
  const recorder = recordsMax === 0 ? undefined : await CallRecorder.start({
    table: dispatcher.records,
    store: new StoredRecords(await RecordLog.open(kv, { ...RECORD_LOG_LIMITS, recordsMax })),
    clock: SYSTEM_CLOCK,
    onError: (thrown) => logger.error("cannot keep records of calls: {thrown}", { thrown }),
  });
  parts.defer(() => recorder?.close());
  const calls = new AsyncCalls({
    dispatcher,
    store: new StoredAsyncCalls(await CallStore.open(kv)),
    clock: SYSTEM_CLOCK,
    ready: (tenant, name) => registry.ready(tenant, name),
    onError: (thrown) => logger.error("cannot keep the end of a call: {thrown}", { thrown }),
  });
  parts.defer(() => calls.close());
  const app = createApp({
    registry,
    files,
    dispatcher,
    calls,
    ...(recorder !== undefined && { recorder }),
    state,
    storeStats,
    localState: (tenant) => tenant === residency.tenant ? residency : undefined,
    clock: SYSTEM_CLOCK,
    version: VERSION,
    logger,
  });
  parts.defer(() => app.close());
  const onFault = (thrown: unknown) => logger.error("cannot take connections: {thrown}", { thrown });
  const server = startServer({ handler: app.handler, hostname, port, onFault });
  parts.defer(() => server.shutdown());
  parts.defer(() => app.endStreams());
  parts.defer(() => dispatcher.drain());
  // Last: calls that were open when the host went away may run again from here on.
  await calls.start();
  const running = parts.move();
  let stopping: Promise<void> | undefined;
  return {
    url: server.url,
    dataDirectory: directory.path,
    isOpenToOthers: directory.isOpenToOthers,
    stop: () => stopping ??= running.disposeAsync(),
  };
}

/** Collects what hosts that are gone left in the store; now, since the last one here may have been killed. Returns what ends it. */
function sweepNowAndThen(state: KvGlobalTier, logger: Logger): () => Promise<void> {
  const sweep = async () => {
    try {
      await state.sweep();
    } catch (thrown) {
      logger.error("cannot collect what is left of state: {thrown}", { thrown });
    }
  };
  let sweeping = sweep();
  const timer = setInterval(() => void (sweeping = sweeping.then(sweep)), STATE_LIMITS.sweepMs);
  return async () => {
    clearInterval(timer);
    await sweeping;
  };
}
