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
import { type Blobs, KEYS, type Kv, stored } from "../state/mod.ts";
import type { Compiled } from "./compiler.ts";
import { checkFiles, type StoredFile } from "./_deployed_files.ts";
import { faasletLimits, type FunctionSettings, parseSettings } from "./function_settings.ts";
import { checkName, DEFAULT_TENANT } from "./names.ts";
import { InOrder } from "./_in_order.ts";
import type {
  DeployRequest,
  DeployResult,
  FunctionRecord,
  FunctionRegistry,
  LiveFunction,
  ModuleReport,
} from "./registry.ts";
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
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
}

/** What is stored of a function: its record, and where its bytes are. */
interface Stored {
  readonly record: FunctionRecord;
  readonly artefact: { readonly digest: string; readonly engineHash: string };
}

export class KvFunctionRegistry implements FunctionRegistry {
  readonly #options: RegistryOptions;
  /** By tenant and name; a function that is stored but not loaded has no id yet. */
  readonly #stored = new Map<string, Stored>();
  readonly #live = new Map<string, LiveFunction>();
  readonly #loading = new Map<string, Promise<LiveFunction | undefined>>();
  /** Changes of one function happen one after another. */
  readonly #changes = new InOrder();
  /** Bytes of one tenant are stored and reclaimed one after another. */
  readonly #storage = new InOrder();
  #lastId = 0;

  private constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /** Reads the records; code is loaded when somebody asks for it. */
  static async open(options: RegistryOptions): Promise<KvFunctionRegistry> {
    const registry = new KvFunctionRegistry(options);
    const entries = options.kv.list<Stored>({ prefix: KEYS.functions(DEFAULT_TENANT) });
    for await (const { value } of entries) registry.#stored.set(keyOf(value.record.tenant, value.record.name), value);
    await options.blobs.recover(DEFAULT_TENANT, registry.#digestsOf(DEFAULT_TENANT));
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
    if (live !== undefined || !this.#stored.has(key)) return live;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#changes.run(key, () => this.#load(key)).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return await loading;
  }

  list(tenant: string): Promise<FunctionRecord[]> {
    const records = [...this.#stored.values()].map(({ record }) => record).filter((record) => record.tenant === tenant);
    return Promise.resolve(records.sort((a, b) => (a.name < b.name ? -1 : 1)));
  }

  describe(tenant: string, name: string): Promise<FunctionRecord | undefined> {
    return Promise.resolve(this.#stored.get(keyOf(tenant, name))?.record);
  }

  remove(tenant: string, name: string): Promise<boolean> {
    const key = keyOf(tenant, name);
    return this.#changes.run(key, async () => {
      const old = this.#stored.get(key);
      if (old === undefined) return false;
      await stored(() => this.#options.kv.delete(KEYS.function(tenant, name)));
      this.#stored.delete(key);
      const live = this.#live.get(key);
      this.#live.delete(key);
      if (live !== undefined) await this.#options.group.remove(live.functionId);
      await this.#reclaim(tenant, old);
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#changes.settled();
  }

  async #deploy(key: string, request: DeployRequest): Promise<DeployResult> {
    const { tenant, name, wasm } = request;
    const before = this.#stored.get(key);
    if (before === undefined && this.#stored.size >= HOST_LIMITS.functionsMax) {
      throw new FaasletError(
        "ERR_CAPACITY",
        `cannot deploy: the host has ${HOST_LIMITS.functionsMax} functions already`,
      );
    }
    const settings = parseSettings(request.settings);
    const files = await checkFiles(request.files);
    const report = await this.#options.inspect(wasm, settings);
    if (before !== undefined && !request.dryRun && isSame(before.record, report, settings, files)) {
      return { outcome: "unchanged", record: before.record };
    }
    const compiled = await this.#artefact(before, report, wasm, tenant);
    const functionId = this.#takeId();
    const install = await this.#options.group.install(
      image(functionId, name, compiled.artefact, report, settings, request.files),
    );
    const record: FunctionRecord = {
      tenant,
      name,
      version: (before?.record.version ?? 0) + 1,
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
      await this.#store(key, record, compiled.artefact, request);
    } catch (thrown) {
      await this.#options.group.remove(functionId);
      throw thrown;
    }
    await this.#swap(key, { functionId, record });
    if (before !== undefined) await this.#reclaim(tenant, before);
    return { outcome: before === undefined ? "created" : "updated", record };
  }

  /** The artefact that is there for these bytes already, or a new one. */
  async #artefact(
    before: Stored | undefined,
    report: ModuleReport,
    wasm: Uint8Array,
    tenant: string,
  ): Promise<Compiled> {
    const { blobs, compile, engineHash } = this.#options;
    if (before?.record.report.digest === report.digest && before.artefact.engineHash === engineHash) {
      const artefact = await blobs.get(tenant, before.artefact.digest);
      if (artefact !== undefined) return { artefact, ...before.record.compile };
    }
    return await compile(wasm);
  }

  async #store(key: string, record: FunctionRecord, artefact: Uint8Array, request: DeployRequest): Promise<void> {
    const { blobs, engineHash } = this.#options;
    const { tenant } = record;
    // Not while bytes of the tenant are reclaimed: they might be these.
    await this.#storage.run(tenant, async () => {
      await blobs.put(tenant, request.wasm);
      for (const { bytes } of request.files) if (bytes !== undefined) await blobs.put(tenant, bytes);
      const value: Stored = { record, artefact: { digest: await blobs.put(tenant, artefact), engineHash } };
      await this.#commit(key, value);
    });
  }

  async #commit(key: string, value: Stored): Promise<void> {
    const { kv, blobs } = this.#options;
    const { tenant, name } = value.record;
    const commit = kv.atomic().set(KEYS.function(tenant, name), value);
    await stored(() => blobs.settle(commit, tenant, digestsIn(value)).commit());
    this.#stored.set(key, value);
  }

  /** From one moment to the next, new calls get the new version; calls of the old one end as they would have. */
  async #swap(key: string, live: LiveFunction): Promise<void> {
    const old = this.#live.get(key);
    this.#live.set(key, live);
    if (old !== undefined) await this.#options.group.remove(old.functionId);
  }

  async #load(key: string): Promise<LiveFunction | undefined> {
    const found = this.#stored.get(key);
    const live = this.#live.get(key);
    if (live !== undefined || found === undefined) return live;
    const { blobs, compile, engineHash, group, inspect } = this.#options;
    const { record } = found;
    const { tenant, name, report, settings } = record;
    const files: GuestFile[] = [];
    for (const { path, digest } of record.files) {
      files.push(digest === "" ? { path } : { path, bytes: await this.#blob(tenant, digest) });
    }
    let artefact: Uint8Array;
    if (found.artefact.engineHash === engineHash) {
      artefact = await this.#blob(tenant, found.artefact.digest);
    } else {
      // Another version of this program, or another processor, made it.
      const wasm = await this.#blob(tenant, report.digest);
      await inspect(wasm, settings);
      artefact = (await compile(wasm)).artefact;
      await this.#storage.run(tenant, async () => {
        await this.#commit(key, { record, artefact: { digest: await blobs.put(tenant, artefact), engineHash } });
      });
      await this.#reclaim(tenant, found);
    }
    const functionId = this.#takeId();
    await group.install(image(functionId, name, artefact, report, settings, files));
    const loaded = { functionId, record };
    this.#live.set(key, loaded);
    return loaded;
  }

  async #blob(tenant: string, digest: string): Promise<Uint8Array> {
    const bytes = await this.#options.blobs.get(tenant, digest);
    if (bytes === undefined) throw new FaasletError("ERR_ARTEFACT", `the stored bytes of ${digest} are gone`);
    return bytes;
  }

  /** Deletes the bytes that only this record named. */
  async #reclaim(tenant: string, old: Stored): Promise<void> {
    await this.#storage.run(tenant, async () => {
      const kept = this.#digestsOf(tenant);
      for (const digest of digestsIn(old)) {
        if (!kept.has(digest)) await this.#options.blobs.delete(tenant, digest);
      }
    });
  }

  /** Every blob that a record of the tenant names. */
  #digestsOf(tenant: string): Set<string> {
    const all = [...this.#stored.values()].filter(({ record }) => record.tenant === tenant);
    return new Set(all.flatMap(digestsIn));
  }

  #takeId(): number {
    this.#lastId = this.#lastId % 0xffff_ffff + 1;
    return this.#lastId;
  }
}

function image(
  id: number,
  name: string,
  artefact: Uint8Array,
  report: ModuleReport,
  settings: FunctionSettings,
  files: readonly GuestFile[],
): FunctionImage {
  const { environment } = settings;
  const limits = faasletLimits(settings);
  return {
    id,
    name,
    artefact,
    plan: report.plan,
    limits,
    arguments: settings.arguments,
    environment,
    files,
    hasFileSystem: true,
  };
}

function isSame(
  record: FunctionRecord,
  report: ModuleReport,
  settings: FunctionSettings,
  files: readonly StoredFile[],
): boolean {
  const stated = (value: unknown) => JSON.stringify(value);
  return record.report.digest === report.digest && stated(record.settings) === stated(settings) &&
    stated(record.files) === stated(files.map(({ path, bytes, digest }) => ({ path, bytes, digest })));
}

/** The blobs that a record names. */
function digestsIn({ record, artefact }: Stored): string[] {
  const files = record.files.map(({ digest }) => digest).filter((digest) => digest !== "");
  return [record.report.digest, artefact.digest, ...files];
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}
