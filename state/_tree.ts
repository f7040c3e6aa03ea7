/**
 * A value's tree: the root, and the list of its chunks, which a large value keeps in pages beside the root.
 *
 * Nothing below a root is ever changed. A write adds chunks and pages under its own id and then replaces the root, if the root is
 * still the one it looked at: that one commit is the write.
 */
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import { chunkCount } from "./_state_chunks.ts";
import type { StateHead, StateVersion } from "./global_tier.ts";

const HASH_BYTES = STATE_LIMITS.hashBytes;
/** Of a write: random, and unique among the writes of one value. */
export const ID_BYTES = 8;
/** Hash, id of the write that stored it, length in the store with a bit for compression. */
const ENTRY_BYTES = HASH_BYTES + ID_BYTES + 4;
const COMPRESSED_BIT = 0x8000_0000;

/** Up to here the list of chunks is in the root itself: values of 64 MiB. */
export const ROOT_ENTRIES_MAX = 1_024;
/** Entries of a page: 56 KiB, which Deno KV takes as one value. The largest value has 8 pages, which one read finds. */
export const PAGE_ENTRIES = 2_048;
const PAGE_BYTES = PAGE_ENTRIES * ENTRY_BYTES;

/** Ids of the last writes, so that a writer whose commit got no answer can see whether it took place. */
const RECENT_WRITES = 8;

const NO_ID = new Uint8Array(ID_BYTES);

/** A root as it is stored. */
export interface RootRecord {
  readonly bytes: number;
  readonly storedBytes: number;
  readonly writtenAtMs: number;
  readonly recent: Uint8Array;
  /** The list of chunks, or the ids of its pages. */
  readonly entries?: Uint8Array;
  readonly pages?: Uint8Array;
  /** What the only chunk of a tiny value stores. */
  readonly inline?: Uint8Array;
}

/** Where a chunk is. */
export interface ChunkEntry {
  readonly hash: Uint8Array;
  /** Undefined: nothing is stored beside the root, since it is zeros or in it. */
  readonly id: Uint8Array | undefined;
  readonly storedBytes: number;
  readonly isCompressed: boolean;
}

/** A list of chunks. */
export class Entries {
  readonly packed: Uint8Array;
  readonly #view: DataView;

  constructor(packed: Uint8Array) {
    this.packed = packed;
    this.#view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  }

  /** As many entries as `count`: those of `before`, and zero chunks behind them. */
  static resized(before: Entries | undefined, count: number, zeroHash: Uint8Array): Entries {
    const packed = new Uint8Array(count * ENTRY_BYTES);
    const kept = before === undefined ? 0 : Math.min(before.count, count);
    if (before !== undefined) packed.set(before.packed.subarray(0, kept * ENTRY_BYTES));
    for (let index = kept; index < count; index++) packed.set(zeroHash, index * ENTRY_BYTES);
    return new Entries(packed);
  }

  get count(): number {
    return this.packed.length / ENTRY_BYTES;
  }

  at(index: number): ChunkEntry {
    const start = index * ENTRY_BYTES;
    const id = this.packed.subarray(start + HASH_BYTES, start + HASH_BYTES + ID_BYTES);
    const length = this.#view.getUint32(start + HASH_BYTES + ID_BYTES);
    return {
      hash: this.hashAt(index),
      id: equal(id, NO_ID) ? undefined : id,
      storedBytes: length % COMPRESSED_BIT,
      isCompressed: length >= COMPRESSED_BIT,
    };
  }

  hashAt(index: number): Uint8Array {
    return this.packed.subarray(index * ENTRY_BYTES, index * ENTRY_BYTES + HASH_BYTES);
  }

  set(index: number, { hash, id, storedBytes, isCompressed }: ChunkEntry): void {
    const start = index * ENTRY_BYTES;
    this.packed.set(hash, start);
    this.packed.set(id ?? NO_ID, start + HASH_BYTES);
    this.#view.setUint32(start + HASH_BYTES + ID_BYTES, storedBytes + (isCompressed ? COMPRESSED_BIT : 0));
  }

  /** A copy of all hashes. */
  hashes(): Uint8Array {
    const hashes = new Uint8Array(this.count * HASH_BYTES);
    for (let index = 0; index < this.count; index++) hashes.set(this.hashAt(index), index * HASH_BYTES);
    return hashes;
  }

  storedBytes(): number {
    let sum = 0;
    for (let index = 0; index < this.count; index++) {
      sum += this.#view.getUint32(index * ENTRY_BYTES + HASH_BYTES + ID_BYTES) % COMPRESSED_BIT;
    }
    return sum;
  }

  /** The pages that the list has when it does not fit a root. */
  pages(): Uint8Array[] {
    if (this.count <= ROOT_ENTRIES_MAX) return [];
    const pages = [];
    for (let at = 0; at < this.packed.length; at += PAGE_BYTES) pages.push(this.packed.subarray(at, at + PAGE_BYTES));
    return pages;
  }
}

/** One version of a value. */
export class Tree {
  readonly version: StateVersion;
  readonly root: RootRecord;
  readonly entries: Entries;

  /** Throws `ERR_ARTEFACT` when the parts do not fit together. */
  constructor(version: StateVersion, root: RootRecord, pages: readonly Uint8Array[]) {
    this.version = version;
    this.root = root;
    this.entries = new Entries(root.entries ?? joined(pages));
    if (this.entries.count !== chunkCount(root.bytes)) {
      throw new FaasletError("ERR_ARTEFACT", "a stored value of state has not the chunks that its size needs");
    }
  }

  get bytes(): number {
    return this.root.bytes;
  }

  head(): StateHead {
    return { version: this.version, bytes: this.bytes, hashes: this.entries.hashes() };
  }
}

/** Ids of pages, one after the other. */
export function pageIds(root: RootRecord): Uint8Array[] {
  const ids = [];
  const packed = root.pages ?? new Uint8Array(0);
  for (let at = 0; at < packed.length; at += ID_BYTES) ids.push(packed.subarray(at, at + ID_BYTES));
  return ids;
}

/** `recent` with one more write, the oldest left out. */
export function withRecent(before: Uint8Array | undefined, id: Uint8Array): Uint8Array {
  const kept = (before ?? new Uint8Array(0)).subarray(-(RECENT_WRITES - 1) * ID_BYTES);
  return joined([kept, id]);
}

/** Whether a write is among the last ones that made this root. */
export function hasRecent(root: RootRecord, id: Uint8Array): boolean {
  for (let at = 0; at < root.recent.length; at += ID_BYTES) {
    if (equal(root.recent.subarray(at, at + ID_BYTES), id)) return true;
  }
  return false;
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
