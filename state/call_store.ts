/**
 * Calls that outlive the host: a small document each, and parts of any size (input, output, logs).
 *
 * A call's document is committed with its parts or after them, and deleted before them: whoever finds it finds all of it.
 * What it says is its owner's business.
 *
 * @module
 */
import { CHUNK_BYTES, chunkAt, CHUNKS_PER_COMMIT, chunksOf, MUTATIONS_PER_COMMIT } from "./_chunks.ts";
import { KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** A key that stands for at most one call of a function. */
export interface CallKey {
  readonly name: string;
  readonly key: string;
}

/** A call as it is kept. */
export interface StoredCall {
  readonly tenant: string;
  readonly id: string;
  /** Anything that a structured clone carries, 60,000 bytes at most. */
  readonly document: unknown;
}

type Parts = Readonly<Record<string, Uint8Array>>;

export class CallStore {
  readonly #kv: Kv;
  readonly #tenants = new Set<string>();

  private constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** Opens it and deletes what a crash left of calls that never came, or that went. */
  static async open(kv: Kv): Promise<CallStore> {
    const store = new CallStore(kv);
    for await (const { key } of kv.list({ prefix: KEYS.callTenants() })) store.#tenants.add(String(key.at(-1)));
    for (const tenant of store.#tenants) {
      for await (const { key } of kv.list({ prefix: KEYS.callPendings(tenant) })) {
        const id = String(key.at(-1));
        const call = await stored(() => kv.get(KEYS.call(tenant, id)));
        if (call.versionstamp === null) await store.#deleteParts(tenant, id);
        await stored(() => kv.delete(key));
      }
    }
    return store;
  }

  /** Keeps a new call, unless its key stands for another one: then that one's id. */
  async add(call: StoredCall, parts: Parts, callKey?: CallKey): Promise<string | undefined> {
    const { tenant, id, document } = call;
    const key = callKey && KEYS.callKey(tenant, callKey.name, callKey.key);
    const taken = key && await this.#holderOf(key);
    if (taken !== undefined) return taken;
    if (!this.#tenants.has(tenant)) {
      await stored(() => this.#kv.set(KEYS.callTenant(tenant), true));
      this.#tenants.add(tenant);
    }
    const commit = this.#kv.atomic().set(KEYS.call(tenant, id), document);
    await this.#addParts(commit, tenant, id, parts);
    if (key !== undefined) commit.check({ key, versionstamp: null }).set(key, id);
    if ((await stored(() => commit.commit())).ok) return undefined;
    await this.#deleteParts(tenant, id);
    await stored(() => this.#kv.delete(KEYS.callPending(tenant, id)));
    return await this.#holderOf(key!);
  }

  /** Keeps a call's new document, adds parts and deletes others. */
  async update(call: StoredCall, parts: Parts, dropped: readonly string[]): Promise<void> {
    const { tenant, id, document } = call;
    const commit = this.#kv.atomic().set(KEYS.call(tenant, id), document);
    await this.#addParts(commit, tenant, id, parts);
    await stored(() => commit.commit());
    for (const part of dropped) await this.#deleteParts(tenant, id, part);
  }

  async remove(tenant: string, id: string, callKey?: CallKey): Promise<void> {
    const commit = this.#kv.atomic().delete(KEYS.call(tenant, id)).set(KEYS.callPending(tenant, id), true);
    if (callKey !== undefined) commit.delete(KEYS.callKey(tenant, callKey.name, callKey.key));
    await stored(() => commit.commit());
    await this.#deleteParts(tenant, id);
    await stored(() => this.#kv.delete(KEYS.callPending(tenant, id)));
  }

  /** Every call of every tenant, each tenant's by id. */
  async *all(): AsyncGenerator<StoredCall> {
    for (const tenant of this.#tenants) {
      for await (const { key, value } of this.#kv.list({ prefix: KEYS.calls(tenant) })) {
        yield { tenant, id: String(key.at(-1)), document: value };
      }
    }
  }

  /** A part; undefined when there is none of that name. */
  async part(tenant: string, id: string, part: string): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const { value } of this.#kv.list<Uint8Array>({ prefix: KEYS.callParts(tenant, id, part) })) {
      chunks.push(value);
      size += value.length;
    }
    if (chunks.length <= 1) return chunks[0];
    const bytes = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return bytes;
  }

  /** Adds the parts to the commit that makes them visible; what does not fit into it is written now, marked as pending. */
  async #addParts(commit: Deno.AtomicOperation, tenant: string, id: string, parts: Parts): Promise<void> {
    const chunks = Object.entries(parts).flatMap(([part, bytes]) =>
      // An empty part is there too.
      Array.from({ length: Math.max(1, chunksOf(bytes.length)) }, (_, index) => ({
        key: KEYS.callPart(tenant, id, part, index),
        value: chunkAt(bytes, index),
      }))
    );
    const size = chunks.reduce((sum, { value }) => sum + value.length, 0);
    if (size <= (CHUNKS_PER_COMMIT - 1) * CHUNK_BYTES) {
      for (const { key, value } of chunks) commit.set(key, value);
      return;
    }
    await stored(() => this.#kv.set(KEYS.callPending(tenant, id), true));
    for (let first = 0; first < chunks.length; first += CHUNKS_PER_COMMIT) {
      const part = this.#kv.atomic();
      for (const { key, value } of chunks.slice(first, first + CHUNKS_PER_COMMIT)) part.set(key, value);
      await stored(() => part.commit());
    }
    commit.delete(KEYS.callPending(tenant, id));
  }

  async #holderOf(key: Deno.KvKey): Promise<string | undefined> {
    const { value } = await stored(() => this.#kv.get<string>(key));
    return value ?? undefined;
  }

  async #deleteParts(tenant: string, id: string, ...part: string[]): Promise<void> {
    let commit = this.#kv.atomic();
    let count = 0;
    for await (const { key } of this.#kv.list({ prefix: KEYS.callParts(tenant, id, ...part) })) {
      commit.delete(key);
      if (++count % MUTATIONS_PER_COMMIT !== 0) continue;
      const full = commit;
      await stored(() => full.commit());
      commit = this.#kv.atomic();
    }
    await stored(() => commit.commit());
  }
}
