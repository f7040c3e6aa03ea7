/**
 * The functions of this host: records and bytes in Deno KV, code and Proto-Faaslets in a worker group.
 *
 * A deploy is checked, compiled, initialised and stored, and only then seen by anybody. What a restarted host finds in its
 * store it loads when it is asked for, from the artefact that was compiled before.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";
import { HOST_LIMITS } from "../limits.ts";
import { type Blobs, digestOf, type Kv, type SnapshotOwner } from "../state/mod.ts";
import type { Compiled } from "./compiler.ts";
import { checkFiles, type StoredFile } from "./_deployed_files.ts";
import { FunctionStore } from "./_function_store.ts";
import { faasletLimits, type FunctionSettings, parseSettings } from "./function_settings.ts";
import { InOrder } from "./_in_order.ts";
import { compileLibraries } from "./libraries.ts";
import { migrate } from "./_migrate.ts";
import { checkName } from "../names.ts";
import { VERSION } from "../version.ts";
import { networkRules } from "./network_rules.ts";
import { pack, unpack, type Unpacked } from "./_packed_artefact.ts";
import type {
  DeployRequest,
  DeployResult,
  FunctionBundle,
  FunctionRecord,
  FunctionRegistry,
  LiveFunction,
  ModuleReport,
  RegistryStats,
  VersionSummary,
} from "./registry.ts";
import { Seals } from "./_seals.ts";
import { Snapshots } from "./_snapshots.ts";
import type { VersionContent } from "./_stored_version.ts";
import type { FunctionImage, GuestFile, WorkerGroup } from "./worker_group.ts";

/** What the registry needs from elsewhere. */
export interface RegistryOptions {
  readonly kv: Kv;
  readonly blobs: Blobs;
  readonly group: WorkerGroup;
  readonly inspect: (
    wasm: Uint8Array,
    options: { entry?: string | undefined; init?: string | undefined; memoryBytes: number },
  ) => ModuleReport | Promise<ModuleReport>;
  readonly compile: (wasm: Uint8Array) => Promise<Compiled>;
  /** Names what machine code depends on; an artefact made under another name is compiled anew. */
  readonly engineHash: string;
  /** Seals what is stored, and is not in the store itself; `SEAL_KEY_BYTES` long. */
  readonly sealKey: Uint8Array;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** Told when something stored is not what was stored. */
  readonly onAlarm?: (what: string) => void;
  /**
   * The finest clock that functions of a tenant may have, microseconds: a function that asks for a finer one gets this. By
   * default each has what it asks for.
   */
  readonly clockResolutionUsMin?: (tenant: string) => number;
  /** Defaults to `HOST_LIMITS`. */
  readonly limits?: { readonly functionsMax?: number; readonly versionsMax?: number };
  /** Defaults to `SNAPSHOT_LIMITS`. */
  readonly snapshotLimits?: { readonly bytesMax?: number; readonly storedBytesMax?: number };
}

export class KvFunctionRegistry implements FunctionRegistry {
  readonly #options: RegistryOptions;
  readonly #seals: Seals;
  #snapshots!: Snapshots;
  readonly #functionsMax: number;
  readonly #versionsMax: number;
  #store!: FunctionStore;
  readonly #live = new Map<string, LiveFunction>();
  readonly #loading = new Map<string, Promise<LiveFunction | undefined>>();
  /** Changes of one function happen one after another. */
  readonly #changes = new InOrder();
  #lastId = 0;
  #alarms = 0;
  #compilations = 0;

  private constructor(options: RegistryOptions) {
    this.#options = options;
    this.#seals = new Seals(options.sealKey);
    this.#functionsMax = options.limits?.functionsMax ?? HOST_LIMITS.functionsMax;
    this.#versionsMax = options.limits?.versionsMax ?? HOST_LIMITS.versionsMax;
  }

  /** Reads which functions there are; code is loaded when somebody asks for it. */
  static async open(options: RegistryOptions): Promise<KvFunctionRegistry> {
    const registry = new KvFunctionRegistry(options);
    const { kv, blobs } = options;
    await migrate(kv, blobs, registry.#seals);
    const onAlarm = (what: string) => {
      registry.#alarms++;
      options.onAlarm?.(what);
    };
    const seals = registry.#seals;
    const engine = `${options.engineHash} ${VERSION}`;
    const snapshots = new Snapshots({ kv, seals, engine, onAlarm, ...options.snapshotLimits });
    registry.#snapshots = snapshots;
    const dropSnapshot = (owner: SnapshotOwner) => snapshots.drop(owner);
    registry.#store = await FunctionStore.open({ kv, blobs, seals, onAlarm, dropSnapshot });
    for (const tenant of registry.#store.tenants()) await snapshots.measure(tenant);
    return registry;
  }

  async deploy(request: DeployRequest): Promise<DeployResult> {
    checkName(request.tenant);
    checkName(request.name);
    const key = keyOf(request.tenant, request.name);
    return await this.#changes.run(key, () => this.#deploy(key, request));
  }

  live(tenant: string, name: string): LiveFunction | undefined {
    return this.#live.get(keyOf(tenant, name));
  }

  async ready(tenant: string, name: string): Promise<LiveFunction | undefined> {
    const key = keyOf(tenant, name);
    const live = this.#live.get(key);
    if (live !== undefined) return live;
    this.#checkTrust(tenant, name);
    if (!this.#store.has(tenant, name)) return undefined;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#changes.run(key, () => this.#loadLive(tenant, name)).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return await loading;
  }

  async list(tenant: string): Promise<FunctionRecord[]> {
    const records: FunctionRecord[] = [];
    for (const name of this.#store.names(tenant)) {
      // One that cannot be believed must not hide the others; the alarm is raised.
      const record = await this.#record(tenant, name).catch(() => undefined);
      if (record !== undefined) records.push(record);
    }
    return records;
  }

  async describe(tenant: string, name: string): Promise<FunctionRecord | undefined> {
    const record = await this.#record(tenant, name);
    const snapshot = record && await this.#snapshots.describe(record);
    return snapshot === undefined ? record : { ...record!, snapshot };
  }

  async #record(tenant: string, name: string): Promise<FunctionRecord | undefined> {
    const live = this.#live.get(keyOf(tenant, name));
    if (live !== undefined) return live.record;
    this.#checkTrust(tenant, name);
    const found = this.#store.get(tenant, name);
    return found && (await this.#store.read(tenant, name, found.live))?.record;
  }

  async versions(tenant: string, name: string): Promise<VersionSummary[] | undefined> {
    this.#checkTrust(tenant, name);
    const found = this.#store.get(tenant, name);
    if (found === undefined) return undefined;
    const summaries: VersionSummary[] = [];
    for (const version of found.versions.toReversed()) {
      const record = (await this.#store.read(tenant, name, version))?.record;
      if (record === undefined) continue;
      const { report: { digest, bytes }, createdAt } = record;
      summaries.push({ version, isLive: version === found.live, digest, bytes, createdAt });
    }
    return summaries;
  }

  rollback(tenant: string, name: string, version?: number): Promise<FunctionRecord> {
    const key = keyOf(tenant, name);
    return this.#changes.run(key, async () => {
      this.#checkTrust(tenant, name);
      const found = this.#store.get(tenant, name);
      if (found === undefined) throw notFound(`cannot roll back ${name}: there is no such function`);
      const target = version ?? found.versions.findLast((one) => one < found.live);
      if (target === undefined) {
        throw new FaasletError("ERR_CONFLICT", `cannot roll back ${name}: no version before ${found.live} is kept`);
      }
      if (!found.versions.includes(target)) {
        const kept = found.versions.join(", ");
        throw notFound(`cannot roll back ${name}: version ${target} is not kept; there are ${kept}`);
      }
      if (target === found.live && this.#live.has(key)) return this.#live.get(key)!.record;
      const loaded = await this.#load(tenant, name, target);
      try {
        await this.#store.setLive(tenant, name, target);
      } catch (thrown) {
        await this.#options.group.remove(loaded.functionId);
        throw thrown;
      }
      await this.#swap(key, loaded);
      return loaded.record;
    });
  }

  async bundle(tenant: string, name: string): Promise<FunctionBundle | undefined> {
    const key = keyOf(tenant, name);
    // In order with changes: a version that is replaced meanwhile would lose its bytes.
    return await this.#changes.run(key, async () => {
      this.#checkTrust(tenant, name);
      const found = this.#store.get(tenant, name);
      const record = (found && await this.#store.read(tenant, name, found.live))?.record;
      if (record === undefined) return undefined;
      const wasm = await this.#store.blob(tenant, record.report.digest);
      return { record, wasm, files: await this.#files(record) };
    });
  }

  change(tenant: string, name: string, settings: Readonly<Record<string, unknown>>): Promise<DeployResult> {
    const key = keyOf(tenant, name);
    return this.#changes.run(key, async () => {
      this.#checkTrust(tenant, name);
      const found = this.#store.get(tenant, name);
      const content = found && await this.#store.read(tenant, name, found.live);
      if (content === undefined) throw notFound(`cannot change ${name}: there is no such function`);
      const { record } = content;
      // A null takes a setting back to its default (RFC 7396).
      const merged = Object.entries({ ...record.settings, ...settings }).filter(([, value]) => value !== null);
      return await this.#deploy(key, {
        tenant,
        name,
        wasm: await this.#store.blob(tenant, record.report.digest),
        settings: Object.fromEntries(merged),
        files: await this.#files(record),
      });
    });
  }

  remove(tenant: string, name: string): Promise<boolean> {
    const key = keyOf(tenant, name);
    return this.#changes.run(key, async () => {
      if (!this.#store.has(tenant, name) && this.#store.distrusted(tenant, name) === undefined) return false;
      await this.#store.remove(tenant, name);
      const live = this.#live.get(key);
      this.#live.delete(key);
      if (live !== undefined) await this.#options.group.remove(live.functionId);
      return true;
    });
  }

  stats(): RegistryStats {
    let storedBytes = 0;
    let snapshotBytes = 0;
    for (const tenant of this.#store.tenants()) {
      storedBytes += this.#options.blobs.storedBytes(tenant);
      snapshotBytes += this.#snapshots.storedBytes(tenant);
    }
    return {
      functions: this.#store.size,
      storedBytes,
      alarms: this.#alarms,
      compilations: this.#compilations,
      snapshots: this.#snapshots.counts,
      snapshotBytes,
    };
  }

  async close(): Promise<void> {
    await this.#changes.settled();
    await this.#store.settled();
    await this.#snapshots.settled();
  }

  async #deploy(key: string, request: DeployRequest): Promise<DeployResult> {
    const { tenant, name, wasm } = request;
    const found = this.#store.get(tenant, name);
    if (found === undefined && this.#store.size >= this.#functionsMax) {
      throw new FaasletError("ERR_CAPACITY", `cannot deploy: the host has ${this.#functionsMax} functions already`);
    }
    const settings = parseSettings(request.settings);
    const files = await checkFiles(request.files);
    const before = found && await this.#readIfWhole(tenant, name, found.live);
    // What was accepted once need not be looked at again.
    if (before !== undefined && !request.dryRun && isSame(before.record, await digestOf(wasm), settings, files)) {
      return { outcome: "unchanged", record: before.record };
    }
    const report = await this.#options.inspect(wasm, settings);
    const compiled = await this.#artefact(before, report, wasm, request.files);
    const functionId = this.#takeId();
    const install = await this.#options.group.install(
      this.#image(functionId, { tenant, name, report, settings }, compiled.artefact, request.files),
    );
    const record: FunctionRecord = {
      tenant,
      name,
      version: (found?.newest ?? 0) + 1,
      settings,
      report,
      files: files.map(({ path, bytes, digest }) => ({ path, bytes, digest })),
      compile: { wallMs: compiled.wallMs, cpuMs: compiled.cpuMs, artefactBytes: compiled.artefact.length },
      install,
      createdAt: new Date(this.#options.now()).toISOString(),
    };
    if (request.dryRun) {
      await this.#options.group.remove(functionId);
      return { outcome: "dry-run", record };
    }
    try {
      if (this.#store.distrusted(tenant, name) !== undefined) await this.#store.remove(tenant, name);
      const content = { record, artefact: await this.#seal(compiled.artefact) };
      const { artefact } = compiled;
      await this.#store.add(content, { wasm, artefact, files: request.files }, this.#surplus(tenant, name));
    } catch (thrown) {
      await this.#options.group.remove(functionId);
      throw thrown;
    }
    await this.#swap(key, { functionId, record });
    this.#keepSnapshot(functionId, record);
    return { outcome: found === undefined ? "created" : "updated", record };
  }

  /** The versions that make room for a new one: the oldest, but for the live one. */
  #surplus(tenant: string, name: string): number[] {
    const found = this.#store.get(tenant, name);
    if (found === undefined) return [];
    const old = found.versions.filter((version) => version !== found.live);
    return old.slice(0, Math.max(0, found.versions.length + 1 - this.#versionsMax));
  }

  /** The artefact that is there for these bytes already, or a new one; of it, the parts that are there already. */
  async #artefact(
    before: VersionContent | undefined,
    report: ModuleReport,
    wasm: Uint8Array,
    files: readonly GuestFile[],
  ): Promise<Compiled> {
    let known: Unpacked | undefined;
    let program: Compiled | undefined;
    if (before?.record.report.digest === report.digest) {
      const artefact = await this.#storedArtefact(before);
      known = artefact && unpack(artefact);
      program = known && { artefact: known.program, ...before.record.compile };
    }
    program ??= await this.#compile(wasm);
    const libraries = await compileLibraries(report, files, async (bytes) => {
      const digest = await digestOf(bytes);
      const compiled = known?.libraries.find((library) => library.digest === digest);
      return compiled?.artefact ?? (await this.#compile(bytes)).artefact;
    });
    return { ...program, artefact: await pack(program.artefact, libraries, files) };
  }

  async #compile(wasm: Uint8Array): Promise<Compiled> {
    this.#compilations++;
    return await this.#options.compile(wasm);
  }

  /** From one moment to the next, new calls get the new version; calls of the old one end as they would have. */
  async #swap(key: string, live: LiveFunction): Promise<void> {
    const old = this.#live.get(key);
    this.#live.set(key, live);
    if (old !== undefined) await this.#options.group.remove(old.functionId);
  }

  async #loadLive(tenant: string, name: string): Promise<LiveFunction | undefined> {
    const key = keyOf(tenant, name);
    const live = this.#live.get(key);
    const found = this.#store.get(tenant, name);
    if (live !== undefined || found === undefined) return live;
    const loaded = await this.#load(tenant, name, found.live);
    this.#live.set(key, loaded);
    return loaded;
  }

  /** Installs a stored version. */
  async #load(tenant: string, name: string, version: number): Promise<LiveFunction> {
    const content = await this.#store.read(tenant, name, version);
    if (content === undefined) throw notFound(`cannot load ${name}: there is no version ${version}`);
    let { record } = content;
    const files = await this.#files(record);
    let artefact = await this.#storedArtefact(content);
    if (artefact === undefined) ({ artefact, record } = await this.#compileAnew(content));
    const functionId = this.#takeId();
    const loaded = this.#image(functionId, record, artefact, files);
    const snapshot = await this.#snapshots.read(record);
    const report = await this.#options.group.install(snapshot === undefined ? loaded : { ...loaded, snapshot });
    this.#snapshots.used(record, report);
    if (!report.isFromSnapshot) this.#keepSnapshot(functionId, record);
    return { functionId, record };
  }

  /** After the answer: what the version's initialiser left. */
  #keepSnapshot(functionId: number, record: FunctionRecord): void {
    const { tenant, name, version } = record;
    const isStored = () => this.#store.get(tenant, name)?.versions.includes(version) === true;
    this.#snapshots.keep(record, (bytesMax) => this.#options.group.snapshot(functionId, bytesMax), isStored);
  }

  /** The artefact of a version: of this engine, sealed and whole. Undefined when it has to be compiled. */
  async #storedArtefact(content: VersionContent): Promise<Uint8Array | undefined> {
    const { artefact: { digest, engineHash, seal }, record: { tenant, name } } = content;
    if (engineHash !== this.#options.engineHash) return undefined;
    if (!this.#seals.fits(["code", engineHash], Uint8Array.fromHex(digest), Uint8Array.fromHex(seal))) {
      this.#store.alarm(`the machine code of ${name} was not made by this host's compiler`);
      return undefined;
    }
    try {
      return await this.#store.blob(tenant, digest);
    } catch (thrown) {
      // The alarm is raised; the module is there to compile again.
      if (thrown instanceof FaasletError && thrown.code === "ERR_ARTEFACT") return undefined;
      throw thrown;
    }
  }

  /** For an artefact of another engine, or one that is damaged. The module is checked as if it came in anew. */
  async #compileAnew(content: VersionContent): Promise<{ artefact: Uint8Array; record: FunctionRecord }> {
    const { tenant, report: { digest }, settings } = content.record;
    const wasm = await this.#store.blob(tenant, digest);
    const report = await this.#options.inspect(wasm, settings);
    const { artefact, wallMs, cpuMs } = await this.#artefact(
      undefined,
      report,
      wasm,
      await this.#files(content.record),
    );
    const compile = { wallMs, cpuMs, artefactBytes: artefact.length };
    const record: FunctionRecord = { ...content.record, report, compile };
    await this.#store.replaceArtefact({ record, artefact: await this.#seal(artefact) }, artefact);
    return { artefact, record };
  }

  async #seal(artefact: Uint8Array): Promise<VersionContent["artefact"]> {
    const { engineHash } = this.#options;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", artefact as Uint8Array<ArrayBuffer>));
    return { digest: hash.toHex(), engineHash, seal: this.#seals.make(["code", engineHash], hash).toHex() };
  }

  async #files(record: FunctionRecord): Promise<GuestFile[]> {
    const files: GuestFile[] = [];
    for (const { path, digest } of record.files) {
      files.push(digest === "" ? { path } : { path, bytes: await this.#store.blob(record.tenant, digest) });
    }
    return files;
  }

  /** What a deploy compares with; one that cannot be read is replaced. */
  async #readIfWhole(tenant: string, name: string, version: number): Promise<VersionContent | undefined> {
    try {
      return await this.#store.read(tenant, name, version);
    } catch (thrown) {
      if (thrown instanceof FaasletError && thrown.code === "ERR_ARTEFACT") return undefined;
      throw thrown;
    }
  }

  #checkTrust(tenant: string, name: string): void {
    const why = this.#store.distrusted(tenant, name);
    if (why !== undefined) throw new FaasletError("ERR_ARTEFACT", why);
  }

  #takeId(): number {
    this.#lastId = this.#lastId % 0xffff_ffff + 1;
    return this.#lastId;
  }

  #image(
    id: number,
    { tenant, name, report, settings }: Pick<FunctionRecord, "tenant" | "name" | "report" | "settings">,
    artefact: Uint8Array,
    files: readonly GuestFile[],
  ): FunctionImage {
    const limits = faasletLimits(settings);
    const floor = this.#options.clockResolutionUsMin?.(tenant) ?? 0;
    const { program, libraries } = unpack(artefact);
    return {
      id,
      name,
      artefact: program,
      libraries,
      plan: report.plan,
      limits: { ...limits, clockResolutionUs: Math.max(limits.clockResolutionUs, floor) },
      arguments: settings.arguments,
      environment: settings.environment,
      // In the order in which they are read again: a snapshot names files by their numbers.
      files: files.toSorted((one, other) => (one.path < other.path ? -1 : 1)),
      network: networkRules(settings.allowNet),
      hasFileSystem: true,
    };
  }
}

function isSame(
  record: FunctionRecord,
  digest: string,
  settings: FunctionSettings,
  files: readonly StoredFile[],
): boolean {
  const stated = (value: unknown) => JSON.stringify(value);
  return record.report.digest === digest && stated(record.settings) === stated(settings) &&
    stated(record.files) === stated(files.map(({ path, bytes, digest }) => ({ path, bytes, digest })));
}

function notFound(why: string): FaasletError {
  return new FaasletError("ERR_NOT_FOUND", why);
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}
