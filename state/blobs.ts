/**
 * Blobs: bytes by their digest, within a tenant. The same bytes are stored once; across tenants they are not shared, since
 * that would tell one what another has.
 *
 * A blob's chunks are written first and its manifest last: whatever interrupts a write, a reader sees the whole blob or none.
 * It stays marked as pending until the record that names it is committed, so that a crash leaves nothing behind for good.
 *
 * @module
 */
import { promisify } from "node:util";
import { constants, deflateRaw, inflateRaw } from "node:zlib";
import { FaasletError } from "../errors.ts";
import { CHUNK_BYTES, chunkAt, CHUNKS_PER_COMMIT, chunksOf, KEYS_PER_READ, MUTATIONS_PER_COMMIT } from "./_chunks.ts";
import { type BlobKeys, KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** Below this nothing is won: a chunk is a row of its own anyway. */
const COMPRESSED_FROM_BYTES = 4_096;

const deflate = promisify(deflateRaw) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
const inflate = promisify(inflateRaw) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;

interface Manifest {
  /** Of the blob. */
  readonly bytes: number;
  readonly chunks: number;
  /** Of the chunks together, when they are compressed. */
  readonly packed?: number;
}

/** How a blob is stored. */
export interface BlobOptions {
  /** For bytes that are read rarely; what is read on a first call is faster as it is. Kept only when it is smaller. */
  readonly compress?: boolean;
  /** Writes the bytes again although they are there: what is stored was found damaged. */
  readonly renew?: boolean;
}

/** SHA-256, lower-case hex. */
export async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>);
  return new Uint8Array(hash).toHex();
}

export class Blobs {
  readonly #kv: Kv;
  readonly #keys: BlobKeys;
  readonly #storedBytesMax: number;
  readonly #storedBytes = new Map<string, number>();

  /** `storedBytesMax` bounds each tenant. */
  constructor(kv: Kv, storedBytesMax = Infinity, keys: BlobKeys = KEYS) {
    this.#kv = kv;
    this.#keys = keys;
    this.#storedBytesMax = storedBytesMax;
  }

  /** What a tenant's blobs take, as stored. Known once `recover` has run. */
  storedBytes(tenant: string): number {
    return this.#storedBytes.get(tenant) ?? 0;
  }

  /** Stores bytes; nothing is written when they are there already. Throws `ERR_QUOTA`. */
  async put(tenant: string, bytes: Uint8Array, options: BlobOptions = {}): Promise<string> {
    const digest = await digestOf(bytes);
    const key = this.#keys.blob(tenant, digest);
    const { value: before } = await stored(() => this.#kv.get<Manifest>(key));
    if (before !== null && options.renew !== true) return digest;
    const packed = options.compress === true ? await pack(bytes) : undefined;
    const kept = packed ?? bytes;
    this.#checkQuota(tenant, kept.length);
    await stored(() => this.#kv.set(this.#keys.pending(tenant, digest), true));
    const chunks = chunksOf(kept.length);
    for (let first = 0; first < chunks; first += CHUNKS_PER_COMMIT) {
      const commit = this.#kv.atomic();
      for (let index = first; index < Math.min(chunks, first + CHUNKS_PER_COMMIT); index++) {
        commit.set(this.#keys.chunk(tenant, digest, index), chunkAt(kept, index));
      }
      await stored(() => commit.commit());
    }
    const manifest: Manifest = {
      bytes: bytes.length,
      chunks,
      ...(packed !== undefined && { packed: packed.length }),
    };
    await stored(() => this.#kv.set(key, manifest));
    this.#count(tenant, kept.length - (before === null ? 0 : sizeOf(before)));
    return digest;
  }

  /** A blob's bytes. Throws `ERR_ARTEFACT` when what is stored is not what was. */
  async get(tenant: string, digest: string): Promise<Uint8Array | undefined> {
    const { value: manifest } = await stored(() => this.#kv.get<Manifest>(this.#keys.blob(tenant, digest)));
    if (manifest === null) return undefined;
    const kept = new Uint8Array(sizeOf(manifest));
    for (let first = 0; first < manifest.chunks; first += KEYS_PER_READ) {
      const count = Math.min(KEYS_PER_READ, manifest.chunks - first);
      const keys = Array.from({ length: count }, (_, at) => this.#keys.chunk(tenant, digest, first + at));
      const entries = await stored(() => this.#kv.getMany<Uint8Array[]>(keys));
      entries.forEach(({ value }, at) => {
        const offset = (first + at) * CHUNK_BYTES;
        if (value instanceof Uint8Array && offset + value.length <= kept.length) kept.set(value, offset);
      });
    }
    const bytes = manifest.packed === undefined ? kept : await unpack(kept, manifest.bytes);
    if (bytes === undefined || await digestOf(bytes) !== digest) {
      throw new FaasletError("ERR_ARTEFACT", `the stored bytes of ${digest} are not what was stored`);
    }
    return bytes;
  }

  /** Deletes a blob. Whoever calls it knows that no record names it. */
  async delete(tenant: string, digest: string): Promise<void> {
    const { value: manifest } = await stored(() => this.#kv.get<Manifest>(this.#keys.blob(tenant, digest)));
    // The manifest first: a blob without chunks must not be found. It stays pending until the last chunk is gone.
    const first = this.#kv.atomic().set(this.#keys.pending(tenant, digest), true).delete(
      this.#keys.blob(tenant, digest),
    );
    await stored(() => first.commit());
    if (manifest !== null) this.#count(tenant, -sizeOf(manifest));
    let commit = this.#kv.atomic();
    let count = 0;
    for await (const { key } of this.#kv.list({ prefix: this.#keys.chunks(tenant, digest) })) {
      commit.delete(key);
      if (++count % MUTATIONS_PER_COMMIT === 0) {
        const full = commit;
        await stored(() => full.commit());
        commit = this.#kv.atomic();
      }
    }
    await stored(() => commit.delete(this.#keys.pending(tenant, digest)).commit());
  }

  /** After the commit of a record: the blobs it names are no longer pending. */
  async settle(tenant: string, digests: readonly string[]): Promise<void> {
    for (let first = 0; first < digests.length; first += MUTATIONS_PER_COMMIT) {
      const commit = this.#kv.atomic();
      for (const digest of digests.slice(first, first + MUTATIONS_PER_COMMIT)) {
        commit.delete(this.#keys.pending(tenant, digest));
      }
      await stored(() => commit.commit());
    }
  }

  /** At the start: counts what is stored and deletes what a crash left of records that never came, or that went. */
  async recover(tenant: string, isKept: (digest: string) => boolean): Promise<void> {
    let bytes = 0;
    const stray: string[] = [];
    for await (const { key, value } of this.#kv.list<Manifest>({ prefix: this.#keys.blobs(tenant) })) {
      bytes += sizeOf(value);
      if (!isKept(String(key.at(-1)))) stray.push(String(key.at(-1)));
    }
    this.#storedBytes.set(tenant, bytes);
    for (const digest of stray) await this.delete(tenant, digest);
    for await (const { key } of this.#kv.list({ prefix: this.#keys.pendings(tenant) })) {
      const digest = String(key.at(-1));
      if (isKept(digest)) await stored(() => this.#kv.delete(key));
      else await this.delete(tenant, digest);
    }
  }

  #checkQuota(tenant: string, more: number): void {
    if (this.storedBytes(tenant) + more <= this.#storedBytesMax) return;
    const used = this.storedBytes(tenant);
    throw new FaasletError(
      "ERR_QUOTA",
      `cannot store ${more} bytes: ${used} of ${this.#storedBytesMax} are used; remove something first`,
    );
  }

  #count(tenant: string, bytes: number): void {
    this.#storedBytes.set(tenant, Math.max(0, this.storedBytes(tenant) + bytes));
  }
}

/** What a manifest's chunks take; a manifest that somebody damaged takes nothing, and its bytes will not match. */
function sizeOf(manifest: Manifest): number {
  const size = manifest?.packed ?? manifest?.bytes;
  return Number.isSafeInteger(size) && size >= 0 && size <= manifest.chunks * CHUNK_BYTES ? size : 0;
}

async function pack(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  if (bytes.length < COMPRESSED_FROM_BYTES) return undefined;
  const packed = await deflate(bytes, { level: constants.Z_BEST_SPEED });
  return packed.length < bytes.length ? packed : undefined;
}

/** Undefined when it is damaged; never more than `bytes`, whatever it claims to be. */
async function unpack(packed: Uint8Array, bytes: number): Promise<Uint8Array | undefined> {
  try {
    return await inflate(packed, { maxOutputLength: Math.max(1, bytes) });
  } catch {
    return undefined;
  }
}
