/**
 * Functions at rest: their versions and bytes in Deno KV. It knows which blobs are named by whom, so that nothing is kept
 * for nobody and nothing that is named is lost.
 *
 * Every entry is under a seal; what does not fit its seal is never believed, and raises an alarm.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";
import { type Blobs, KEYS, type Kv, type SnapshotOwner, stored } from "../state/mod.ts";
import {
  checkedVersion,
  type HeadEntry,
  headEntry,
  isHead,
  type VersionEntry,
  versionEntry,
  versionOfKey,
  versionsOf,
} from "./_entries.ts";
import { InOrder } from "./_in_order.ts";
import type { Seals } from "./_seals.ts";
import { decodeDigests, decodeVersion, digestsIn, type VersionContent } from "./_stored_version.ts";
import type { GuestFile } from "./worker_group.ts";

/** A function that is stored. */
export interface StoredFunction {
  readonly live: number;
  readonly newest: number;
  /** Ascending. */
  readonly versions: readonly number[];
}

interface Known {
  live: number;
  newest: number;
  /** The blobs that each version names. */
  readonly digests: Map<number, readonly string[]>;
}

/** Bytes that come with a new version. */
export interface VersionBytes {
  readonly wasm: Uint8Array;
  readonly artefact: Uint8Array;
  readonly files: readonly GuestFile[];
}

export interface FunctionStoreOptions {
  readonly kv: Kv;
  readonly blobs: Blobs;
  readonly seals: Seals;
  /** Something in the store is not what this program wrote. */
  readonly onAlarm: (what: string) => void;
  /** Reclaims what else is stored of a version. */
  readonly dropSnapshot: (owner: SnapshotOwner) => Promise<void>;
}

export class FunctionStore {
  readonly #kv: Kv;
  readonly #blobs: Blobs;
  readonly #seals: Seals;
  readonly #onAlarm: (what: string) => void;
  readonly #dropSnapshot: (owner: SnapshotOwner) => Promise<void>;
  readonly #functions = new Map<string, Known>();
  /** Functions that are there and cannot be believed, with the reason. */
  readonly #broken = new Map<string, { readonly why: string; readonly known: Known }>();
  /** Tenants of whose entries some cannot be read: nobody knows which bytes they name, so none are swept away. */
  readonly #unsure = new Set<string>();
  /** By tenant: how many versions name a blob. */
  readonly #uses = new Map<string, Map<string, number>>();
  /** Bytes of one tenant are stored and reclaimed one after another. */
  readonly #order = new InOrder();

  private constructor({ kv, blobs, seals, onAlarm, dropSnapshot }: FunctionStoreOptions) {
    this.#kv = kv;
    this.#blobs = blobs;
    this.#seals = seals;
    this.#onAlarm = onAlarm;
    this.#dropSnapshot = dropSnapshot;
  }

  /** Reads what is there, and as little of it as possible: digests and seals. */
  static async open(options: FunctionStoreOptions): Promise<FunctionStore> {
    const store = new FunctionStore(options);
    const tenants: string[] = [];
    for await (const { key } of options.kv.list({ prefix: KEYS.tenants() })) tenants.push(String(key.at(-1)));
    for (const tenant of tenants) {
      await store.#readTenant(tenant);
      await options.blobs.recover(tenant, (digest) => store.#isNamed(tenant, digest));
    }
    return store;
  }

  get size(): number {
    return this.#functions.size;
  }

  /** Those that have something here. */
  tenants(): Iterable<string> {
    return this.#uses.keys();
  }

  get(tenant: string, name: string): StoredFunction | undefined {
    const known = this.#functions.get(keyOf(tenant, name));
    return known && { ...known, versions: [...known.digests.keys()].sort((a, b) => a - b) };
  }

  has(tenant: string, name: string): boolean {
    return this.#functions.has(keyOf(tenant, name));
  }

  /** Why a function that is there cannot be believed. */
  distrusted(tenant: string, name: string): string | undefined {
    return this.#broken.get(keyOf(tenant, name))?.why;
  }

  /** Names of a tenant's functions, in order. */
  names(tenant: string): string[] {
    const prefix = `${tenant}/`;
    const names: string[] = [];
    for (const key of this.#functions.keys()) if (key.startsWith(prefix)) names.push(key.slice(prefix.length));
    return names.sort();
  }

  /** A version, checked; undefined when there is none of that number. Throws `ERR_ARTEFACT`. */
  async read(tenant: string, name: string, version: number): Promise<VersionContent | undefined> {
    if (this.#functions.get(keyOf(tenant, name))?.digests.has(version) !== true) return undefined;
    const { value } = await stored(() => this.#kv.get<VersionEntry>(KEYS.version(tenant, name, version)));
    const bytes = await checkedVersion([tenant, name, version], value, this.#seals, this.#blobs);
    if (bytes !== undefined) return decodeVersion(bytes);
    throw this.alarm(`version ${version} of ${name} is not what was stored`);
  }

  /** Stores a version and makes it the live one; forgets `dropped`. Throws `ERR_STORAGE`, `ERR_QUOTA`. */
  async add(content: VersionContent, bytes: VersionBytes, dropped: readonly number[]): Promise<void> {
    const { tenant, name, version } = content.record;
    await this.#order.run(tenant, async () => {
      const written: string[] = [];
      try {
        // Known before the first byte: a restart must find the tenant, to clean up after a crash.
        if (!this.#uses.has(tenant)) await stored(() => this.#kv.set(KEYS.tenant(tenant), true));
        await this.#putBytes(tenant, bytes, written);
        const entry = await versionEntry(content, this.#seals, this.#blobs);
        if (entry.blob !== undefined) written.push(entry.blob);
        const commit = this.#kv.atomic()
          .set(KEYS.version(tenant, name, version), entry)
          .set(KEYS.function(tenant, name), headEntry(tenant, name, version, version, this.#seals));
        for (const one of dropped) {
          // First: without its version nobody would find it. One that is being written meanwhile goes with the version.
          await this.#dropSnapshot({ tenant, name, version: one });
          commit.delete(KEYS.version(tenant, name, one));
        }
        await stored(() => commit.commit());
        this.#remember(tenant, name, version, entry.blob, digestsIn(content));
      } catch (thrown) {
        await this.#discard(tenant, written);
        throw thrown;
      }
      const known = this.#known(tenant, name);
      known.live = known.newest = version;
      await this.#tidy(async () => {
        await this.#blobs.settle(tenant, written);
        for (const one of dropped) await this.#release(tenant, name, known, one);
      });
    });
  }

  /** Another artefact for the same version, e.g. of another engine. */
  async replaceArtefact(content: VersionContent, artefact: Uint8Array): Promise<void> {
    const { tenant, name, version } = content.record;
    await this.#order.run(tenant, async () => {
      const before = this.#functions.get(keyOf(tenant, name))?.digests.get(version);
      if (before === undefined) return;
      // Compiling gives the same bytes again: those that are stored may be the damaged ones.
      const written = [await this.#blobs.put(tenant, artefact, { renew: true })];
      const entry = await versionEntry(content, this.#seals, this.#blobs);
      if (entry.blob !== undefined) written.push(entry.blob);
      await stored(() => this.#kv.set(KEYS.version(tenant, name, version), entry));
      this.#remember(tenant, name, version, entry.blob, digestsIn(content));
      await this.#tidy(async () => {
        await this.#blobs.settle(tenant, written);
        await this.#unuse(tenant, before);
      });
    });
  }

  /** Makes another version the live one. */
  async setLive(tenant: string, name: string, live: number): Promise<void> {
    const known = this.#functions.get(keyOf(tenant, name));
    if (known === undefined) return;
    const head = headEntry(tenant, name, live, known.newest, this.#seals);
    await stored(() => this.#kv.set(KEYS.function(tenant, name), head));
    known.live = live;
  }

  /** Forgets a function with all its versions and what only they named; one that is not believed, too. */
  async remove(tenant: string, name: string): Promise<void> {
    const key = keyOf(tenant, name);
    await this.#order.run(tenant, async () => {
      const known = this.#functions.get(key) ?? this.#broken.get(key)?.known;
      // The head first: versions without one are what is left of a removal, and go at the next start at the latest.
      await stored(() => this.#kv.delete(KEYS.function(tenant, name)));
      this.#functions.delete(key);
      this.#broken.delete(key);
      await this.#tidy(async () => {
        for await (const { key } of this.#kv.list({ prefix: versionsOf(tenant, name) })) {
          await this.#deleteVersion(tenant, key);
        }
        for (const version of [...known?.digests.keys() ?? []]) await this.#release(tenant, name, known!, version);
        if (this.names(tenant).length > 0 || this.#unsure.has(tenant)) return;
        await stored(() => this.#kv.delete(KEYS.tenant(tenant)));
        this.#uses.delete(tenant);
      });
    });
  }

  /** A blob that a version names. Throws `ERR_ARTEFACT` when it is gone or damaged. */
  async blob(tenant: string, digest: string): Promise<Uint8Array> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#blobs.get(tenant, digest);
    } catch (thrown) {
      if (thrown instanceof FaasletError && thrown.code === "ERR_ARTEFACT") throw this.alarm(thrown.message);
      throw thrown;
    }
    if (bytes === undefined) throw this.alarm(`the stored bytes of ${digest} are gone`);
    return bytes;
  }

  /** Raises an alarm; gives the error to throw. */
  alarm(why: string): FaasletError {
    this.#onAlarm(why);
    return new FaasletError("ERR_ARTEFACT", why);
  }

  /** Resolves when all that was asked for is done. */
  settled(): Promise<void> {
    return this.#order.settled();
  }

  async #readTenant(tenant: string): Promise<void> {
    const heads = new Map<string, HeadEntry>();
    for await (const { key, value } of this.#kv.list<HeadEntry>({ prefix: KEYS.functions(tenant) })) {
      heads.set(String(key.at(-1)), value);
    }
    const stale: Deno.KvKey[] = [];
    for await (const { key, value } of this.#kv.list<VersionEntry>({ prefix: KEYS.versions(tenant) })) {
      const [name, version] = versionOfKey(key);
      if (!heads.has(name)) {
        stale.push(key);
        continue;
      }
      const bytes = await checkedVersion([tenant, name, version], value, this.#seals, this.#blobs);
      if (bytes === undefined) {
        this.alarm(`version ${version} of ${name} is not what was stored`);
        this.#unsure.add(tenant);
      } else this.#remember(tenant, name, version, value.blob, decodeDigests(bytes));
    }
    for (const [name, head] of heads) this.#readHead(tenant, name, head);
    for (const key of stale) await this.#deleteVersion(tenant, key);
    this.#usesOf(tenant);
  }

  #readHead(tenant: string, name: string, head: HeadEntry): void {
    const known = this.#known(tenant, name);
    if (isHead(tenant, name, head, this.#seals) && known.digests.has(head.live)) {
      known.live = head.live;
      known.newest = head.newest;
      return;
    }
    const why = `the live version of ${name} is not what was stored; deploy it again, or remove it`;
    this.alarm(why);
    this.#broken.set(keyOf(tenant, name), { why, known });
    this.#functions.delete(keyOf(tenant, name));
  }

  async #putBytes(tenant: string, bytes: VersionBytes, written: string[]): Promise<void> {
    written.push(await this.#blobs.put(tenant, bytes.wasm, { compress: true }));
    for (const file of bytes.files) {
      if (file.bytes !== undefined) written.push(await this.#blobs.put(tenant, file.bytes, { compress: true }));
    }
    written.push(await this.#blobs.put(tenant, bytes.artefact));
  }

  /** After a failure: what was written for nobody. What cannot be deleted now is pending, and goes at the next start. */
  async #discard(tenant: string, digests: readonly string[]): Promise<void> {
    try {
      for (const digest of digests) if (!this.#usesOf(tenant).has(digest)) await this.#blobs.delete(tenant, digest);
    } catch { /* see above */ }
  }

  #remember(
    tenant: string,
    name: string,
    version: number,
    entryBlob: string | undefined,
    named: readonly string[],
  ): void {
    const digests = [...new Set(entryBlob === undefined ? named : [...named, entryBlob])];
    this.#known(tenant, name).digests.set(version, digests);
    const uses = this.#usesOf(tenant);
    for (const digest of digests) uses.set(digest, (uses.get(digest) ?? 0) + 1);
  }

  #known(tenant: string, name: string): Known {
    const key = keyOf(tenant, name);
    let known = this.#functions.get(key);
    if (known === undefined) this.#functions.set(key, known = { live: 0, newest: 0, digests: new Map() });
    return known;
  }

  /** The snapshot first: without its version nobody would find it. */
  async #deleteVersion(tenant: string, key: Deno.KvKey): Promise<void> {
    const [name, version] = versionOfKey(key);
    await this.#dropSnapshot({ tenant, name, version });
    await stored(() => this.#kv.delete(key));
  }

  async #release(tenant: string, name: string, known: Known, version: number): Promise<void> {
    const digests = known.digests.get(version) ?? [];
    known.digests.delete(version);
    await this.#dropSnapshot({ tenant, name, version });
    await this.#unuse(tenant, digests);
  }

  /** Deletes the bytes that nobody names any more. */
  async #unuse(tenant: string, digests: readonly string[]): Promise<void> {
    const uses = this.#usesOf(tenant);
    for (const digest of digests) {
      const left = (uses.get(digest) ?? 0) - 1;
      if (left > 0) {
        uses.set(digest, left);
        continue;
      }
      uses.delete(digest);
      await this.#blobs.delete(tenant, digest);
    }
  }

  #isNamed(tenant: string, digest: string): boolean {
    return this.#unsure.has(tenant) || this.#usesOf(tenant).has(digest);
  }

  /** What follows a commit: it stands, whether or not this succeeds; what is left goes at the next start. */
  async #tidy(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (thrown) {
      if (!(thrown instanceof FaasletError && thrown.code === "ERR_STORAGE")) throw thrown;
    }
  }

  #usesOf(tenant: string): Map<string, number> {
    let uses = this.#uses.get(tenant);
    if (uses === undefined) this.#uses.set(tenant, uses = new Map());
    return uses;
  }
}

function keyOf(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}
