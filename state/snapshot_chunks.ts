/**
 * The bytes of snapshots, in pieces of one WebAssembly page by their digests, within a tenant: what two snapshots share is
 * stored once. Beside each piece stands which snapshots have it, so that the last of them takes it along; a piece and the
 * first note about it are one commit, and the last note goes with the piece.
 *
 * Whoever calls it keeps the digests of each snapshot, and does one thing at a time for a tenant.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { FaasletError } from "../errors.ts";
import { WASM_PAGE_BYTES } from "../limits.ts";
import { CHUNKS_PER_COMMIT, KEYS_PER_READ } from "./_chunks.ts";
import { KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** Of a SHA-256. */
export const DIGEST_BYTES = 32;
/** Reads under way at once: while the store answers one, others are unpacked. */
const READERS = 3;

const compress = promisify(zstdCompress) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
const decompress = promisify(zstdDecompress) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;

/** Whose a snapshot is. */
export interface SnapshotOwner {
  readonly tenant: string;
  readonly name: string;
  readonly version: number;
}

export class SnapshotChunks {
  readonly #kv: Kv;

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** What a tenant's pieces take, as stored. */
  async storedBytes(tenant: string): Promise<number> {
    const { value } = await stored(() => this.#kv.get<Deno.KvU64>(KEYS.snapshotBytes(tenant)));
    return value instanceof Deno.KvU64 ? Number(value.value) : 0;
  }

  /** The digests of all pieces, one after another. */
  async digests(bytes: Uint8Array): Promise<Uint8Array> {
    const digests = new Uint8Array(Math.ceil(bytes.length / WASM_PAGE_BYTES) * DIGEST_BYTES);
    for (let at = 0; at * WASM_PAGE_BYTES < bytes.length; at++) {
      digests.set(sha256(pieceOf(bytes, at)), at * DIGEST_BYTES);
      // Others have their turn between two batches.
      if (at % CHUNKS_PER_COMMIT === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    return digests;
  }

  /**
   * Stores a snapshot's pieces; those that are there already are not written again, unless `renew` says that what is stored was
   * found damaged. Gives what its pieces take, those that it shares included. Stops early when `goesOn` says no.
   */
  async put(
    owner: SnapshotOwner,
    bytes: Uint8Array,
    digests: Uint8Array,
    { renew, goesOn }: { renew: boolean; goesOn: () => boolean },
  ): Promise<number> {
    const { tenant, name, version } = owner;
    const places = placesOf(digests);
    let total = 0;
    for (let first = 0; first < places.length && goesOn(); first += CHUNKS_PER_COMMIT) {
      const batch = places.slice(first, first + CHUNKS_PER_COMMIT);
      const sizes = await Promise.all(batch.map(({ digest }) => this.#sizeOf(tenant, digest)));
      const kept = await Promise.all(batch.map(async ({ at }, index) => {
        if (sizes[index] !== undefined && !renew) return undefined;
        const piece = pieceOf(bytes, at);
        return await packed(piece);
      }));
      const commit = this.#kv.atomic();
      let more = 0;
      batch.forEach(({ digest }, index) => {
        const size = sizes[index] ?? kept[index]!.length;
        if (kept[index] !== undefined) commit.set(KEYS.snapshotChunk(tenant, digest), kept[index]);
        if (sizes[index] === undefined) more += size;
        commit.set(KEYS.snapshotUse(tenant, digest, name, version), size);
        total += size;
      });
      commit.sum(KEYS.snapshotBytes(tenant), BigInt(more));
      await stored(() => commit.commit());
    }
    return total;
  }

  /** A snapshot of so many bytes. Throws `ERR_ARTEFACT` when a piece is gone or not what was stored. */
  async get(tenant: string, digests: Uint8Array, bytes: number): Promise<Uint8Array> {
    const whole = new Uint8Array(bytes);
    const count = digests.length / DIGEST_BYTES;
    let next = 0;
    const read = async (): Promise<void> => {
      while (next < count) {
        const first = next;
        next += KEYS_PER_READ;
        const places = Array.from({ length: Math.min(KEYS_PER_READ, count - first) }, (_, index) => first + index);
        const keys = places.map((at) => KEYS.snapshotChunk(tenant, digestAt(digests, at)));
        const entries = await stored(() => this.#kv.getMany<Uint8Array[]>(keys));
        await Promise.all(
          places.map((at, index) => fill(pieceOf(whole, at), entries[index]!.value, digestAt(digests, at))),
        );
      }
    };
    await Promise.all(Array.from({ length: READERS }, read));
    return whole;
  }

  /** Takes a snapshot's notes away, and the pieces that no other has. Without its digests, which may be lost, all notes are read. */
  async drop(owner: SnapshotOwner, digests?: Uint8Array): Promise<void> {
    const { tenant, name, version } = owner;
    const all = digests === undefined ? await this.#notedOf(owner) : placesOf(digests).map(({ digest }) => digest);
    for (const digest of all) {
      const key = KEYS.snapshotUse(tenant, digest, name, version);
      const { value: size } = await stored(() => this.#kv.get<number>(key));
      if (size === null) continue;
      const commit = this.#kv.atomic().delete(key);
      if (await this.#uses(tenant, digest, 2) === 1) {
        commit.delete(KEYS.snapshotChunk(tenant, digest));
        // The counter wraps: this makes it less.
        commit.sum(KEYS.snapshotBytes(tenant), BigInt.asUintN(64, -BigInt(size)));
      }
      await stored(() => commit.commit());
    }
    await this.#forgetEmpty(tenant);
  }

  /** Of a piece that is there. */
  async #sizeOf(tenant: string, digest: Uint8Array): Promise<number | undefined> {
    return await stored(async () => {
      const notes = this.#kv.list<number>({ prefix: KEYS.snapshotUses(tenant, digest) }, { limit: 1 });
      for await (const { value } of notes) return value;
      return undefined;
    });
  }

  async #uses(tenant: string, digest: Uint8Array, limit: number): Promise<number> {
    return await stored(async () => {
      let count = 0;
      for await (const _ of this.#kv.list({ prefix: KEYS.snapshotUses(tenant, digest) }, { limit })) count++;
      return count;
    });
  }

  async #notedOf({ tenant, name, version }: SnapshotOwner): Promise<Uint8Array[]> {
    return await stored(async () => {
      const found: Uint8Array[] = [];
      for await (const { key } of this.#kv.list({ prefix: KEYS.snapshotUses(tenant) })) {
        const [digest, ofName, ofVersion] = key.slice(-3);
        if (ofName === name && ofVersion === version && digest instanceof Uint8Array) found.push(digest);
      }
      return found;
    });
  }

  /** Nothing is kept of a tenant that has nothing. */
  async #forgetEmpty(tenant: string): Promise<void> {
    const key = KEYS.snapshotBytes(tenant);
    const { value, versionstamp } = await stored(() => this.#kv.get<Deno.KvU64>(key));
    if (value?.value !== 0n) return;
    await stored(() => this.#kv.atomic().check({ key, versionstamp }).delete(key).commit());
  }
}

/** Where each digest stands first. */
function placesOf(digests: Uint8Array): { digest: Uint8Array; at: number }[] {
  const places = new Map<string, { digest: Uint8Array; at: number }>();
  for (let at = 0; at < digests.length / DIGEST_BYTES; at++) {
    const digest = digestAt(digests, at);
    if (!places.has(digest.toHex())) places.set(digest.toHex(), { digest, at });
  }
  return [...places.values()];
}

/** A copy: as a part of a key it must be an array of its own. */
function digestAt(digests: Uint8Array, at: number): Uint8Array {
  return digests.slice(at * DIGEST_BYTES, (at + 1) * DIGEST_BYTES);
}

function pieceOf(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at * WASM_PAGE_BYTES, (at + 1) * WASM_PAGE_BYTES);
}

async function fill(piece: Uint8Array, kept: unknown, digest: Uint8Array): Promise<void> {
  const broken = () =>
    new FaasletError("ERR_ARTEFACT", `a piece of a snapshot, ${digest.toHex()}, is not what was stored`);
  if (!(kept instanceof Uint8Array) || kept.length > piece.length) throw broken();
  const bytes = kept.length === piece.length ? kept : await unpacked(kept, piece.length);
  if (bytes?.length !== piece.length || sha256(bytes).some((byte, at) => byte !== digest[at])) throw broken();
  piece.set(bytes);
}

/** The piece itself when it would be no smaller: its length tells. */
async function packed(piece: Uint8Array): Promise<Uint8Array> {
  const small = await compress(piece, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return small.length < piece.length ? small : piece;
}

/** Undefined when it is damaged; never more than `bytes`, whatever it claims to be. */
async function unpacked(piece: Uint8Array, bytes: number): Promise<Uint8Array | undefined> {
  return await decompress(piece, { maxOutputLength: bytes }).catch(() => undefined);
}

/** At once: 64 KiB take less than a hand-over to another thread. */
function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}
