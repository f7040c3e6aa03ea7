/**
 * Blobs: bytes by their digest, within a tenant. The same bytes are stored once; across tenants they are not shared, since
 * that would tell one what another has.
 *
 * A blob's chunks are written first and its manifest last: whatever interrupts a write, a reader sees the whole blob or none.
 * It stays marked as pending until the record that names it is committed, so that a crash leaves nothing behind for good.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";
import { KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** Deno KV takes values of 65,536 bytes after encoding; the encoding of bytes adds a few. */
const CHUNK_BYTES = 65_000;
/** 800 KiB in one commit. */
const CHUNKS_PER_COMMIT = 12;
/** Keys in one `getMany`. */
const KEYS_PER_READ = 10;
/** Mutations in one commit. */
const DELETES_PER_COMMIT = 500;

interface Manifest {
  readonly bytes: number;
  readonly chunks: number;
}

/** SHA-256, lower-case hex. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return new Uint8Array(hash).toHex();
}

export class Blobs {
  readonly #kv: Kv;

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** Stores bytes; nothing is written when they are there already. */
  async put(tenant: string, bytes: Uint8Array): Promise<string> {
    const digest = await digestOf(bytes);
    const key = KEYS.blob(tenant, digest);
    if ((await stored(() => this.#kv.get(key))).versionstamp !== null) return digest;
    await stored(() => this.#kv.set(KEYS.pending(tenant, digest), true));
    const chunks = Math.ceil(bytes.length / CHUNK_BYTES);
    for (let first = 0; first < chunks; first += CHUNKS_PER_COMMIT) {
      const commit = this.#kv.atomic();
      for (let index = first; index < Math.min(chunks, first + CHUNKS_PER_COMMIT); index++) {
        const chunk = bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
        commit.set(KEYS.chunk(tenant, digest, index), chunk);
      }
      await stored(() => commit.commit());
    }
    const manifest: Manifest = { bytes: bytes.length, chunks };
    await stored(() => this.#kv.set(key, manifest));
    return digest;
  }

  /** A blob's bytes. Throws `ERR_ARTEFACT` when what is stored is not what was. */
  async get(tenant: string, digest: string): Promise<Uint8Array | undefined> {
    const { value: manifest } = await stored(() => this.#kv.get<Manifest>(KEYS.blob(tenant, digest)));
    if (manifest === null) return undefined;
    const bytes = new Uint8Array(manifest.bytes);
    for (let first = 0; first < manifest.chunks; first += KEYS_PER_READ) {
      const count = Math.min(KEYS_PER_READ, manifest.chunks - first);
      const keys = Array.from({ length: count }, (_, at) => KEYS.chunk(tenant, digest, first + at));
      const entries = await stored(() => this.#kv.getMany<Uint8Array[]>(keys));
      entries.forEach(({ value }, at) => {
        const offset = (first + at) * CHUNK_BYTES;
        if (value instanceof Uint8Array && offset + value.length <= bytes.length) bytes.set(value, offset);
      });
    }
    if (await digestOf(bytes) !== digest) {
      throw new FaasletError("ERR_ARTEFACT", `the stored bytes of ${digest} are not what was stored`);
    }
    return bytes;
  }

  /** Deletes a blob. Whoever calls it knows that no record names it. */
  async delete(tenant: string, digest: string): Promise<void> {
    // The manifest first: a blob without chunks must not be found.
    await stored(() => this.#kv.delete(KEYS.blob(tenant, digest)));
    let commit = this.#kv.atomic();
    let count = 0;
    for await (const { key } of this.#kv.list({ prefix: KEYS.chunks(tenant, digest) })) {
      commit.delete(key);
      if (++count % DELETES_PER_COMMIT === 0) {
        const full = commit;
        await stored(() => full.commit());
        commit = this.#kv.atomic();
      }
    }
    await stored(() => commit.delete(KEYS.pending(tenant, digest)).commit());
  }

  /** Adds to the commit of a record that the blobs it names are no longer pending. */
  settle(commit: Deno.AtomicOperation, tenant: string, digests: Iterable<string>): Deno.AtomicOperation {
    for (const digest of digests) commit.delete(KEYS.pending(tenant, digest));
    return commit;
  }

  /** After a crash: deletes what was written for records that never came. */
  async recover(tenant: string, kept: ReadonlySet<string>): Promise<void> {
    for await (const { key } of this.#kv.list({ prefix: KEYS.pendings(tenant) })) {
      const digest = String(key.at(-1));
      if (kept.has(digest)) await stored(() => this.#kv.delete(key));
      else await this.delete(tenant, digest);
    }
  }
}
