/** What a write makes of the value that is there: the part of writing that knows nothing of the store. */
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import { chunkCount, hashChunk, mergeChunk } from "./_state_chunks.ts";
import { Entries, equal, type Tree } from "./_tree.ts";
import type { StateChange } from "./global_tier.ts";

const { chunkBytes: CHUNK_BYTES, hashBytes: HASH_BYTES } = STATE_LIMITS;

/** The hash of a chunk that nobody ever wrote. */
export const ZERO_HASH = hashChunk(new Uint8Array(0));

/** What a chunk shall be. */
export interface Content {
  /** `length` bytes, in a buffer that the caller of `content` may keep. */
  readonly bytes: Uint8Array;
  /** Other bytes than the writer gave. */
  readonly isMerged: boolean;
}

/** A change of a value, asked again with each version of it that turns out to be there. */
export interface Edit {
  /** The value's size after it. */
  bytes(tree: Tree | undefined): number;
  /** Whether chunks that `chunks` does not list stay what they are. */
  readonly keeps: boolean;
  /** What the chunks are that `chunks` does not list: a list of as many entries as the size needs, to be kept and changed. */
  entries(tree: Tree | undefined, count: number): Entries;
  /** Indexes of chunks that may be others, ascending. */
  chunks(tree: Tree | undefined, count: number): Iterable<number>;
  /** `theirs` is the chunk in `tree`, filled up with zeros or cut to `length`. */
  content(
    index: number,
    length: number,
    tree: Tree | undefined,
    theirs: () => Promise<Uint8Array>,
  ): Promise<Content>;
}

/** The whole value, from memory. */
export function replaceEdit(value: Uint8Array): Edit {
  return {
    keeps: false,
    bytes: () => value.length,
    entries: (_, count) => Entries.resized(undefined, count, ZERO_HASH),
    chunks: (_, count) => upTo(count),
    content: (index, length) => {
      const bytes = value.slice(index * CHUNK_BYTES, index * CHUNK_BYTES + length);
      return Promise.resolve({ bytes, isMerged: false });
    },
  };
}

/** The whole value, whose chunks are in the store already. */
export function storedEdit(bytes: number, entries: Entries): Edit {
  return {
    keeps: false,
    bytes: () => bytes,
    entries: () => new Entries(entries.packed.slice()),
    chunks: () => [],
    content: () => Promise.reject(new FaasletError("ERR_BUG", "a stored chunk was asked for its bytes")),
  };
}

/** A part of the value; what it covers is the writer's, whoever wrote there before. */
export function partEdit(offset: number, part: Uint8Array): Edit {
  const end = offset + part.length;
  return {
    keeps: true,
    bytes: (tree) => Math.max(tree?.bytes ?? 0, end),
    entries: (tree, count) => Entries.resized(tree?.entries, count, ZERO_HASH),
    chunks: () => part.length === 0 ? [] : upTo(chunkCount(end), Math.floor(offset / CHUNK_BYTES)),
    async content(index, length, _, theirs) {
      const start = index * CHUNK_BYTES;
      const isCovered = offset <= start && end >= start + length;
      const bytes = isCovered ? new Uint8Array(length) : await theirs();
      const covered = part.subarray(Math.max(0, start - offset), Math.max(0, start + length - offset));
      bytes.set(covered, Math.max(0, offset - start));
      return { bytes, isMerged: false };
    },
  };
}

/** What a host changed in its copy. */
export function pushEdit(change: StateChange): Edit {
  const { base } = change;
  return {
    keeps: base !== undefined,
    bytes: (tree) =>
      base !== undefined && tree !== undefined && change.bytes === base.bytes ? tree.bytes : change.bytes,
    entries: (tree, count) => Entries.resized(base === undefined ? undefined : tree?.entries, count, ZERO_HASH),
    // Of a value that was deleted meanwhile, there must be all of it.
    chunks: (tree, count) =>
      base !== undefined && tree === undefined ? upTo(count) : change.chunks.filter((index) => index < count),
    async content(index, length, tree, theirs) {
      const given = await change.read(index);
      if (given === undefined) {
        const why = "somebody deleted it meanwhile, and not all of it is on this host";
        throw new FaasletError("ERR_CONFLICT", `cannot push the value: ${why}`);
      }
      const mine = fitted(given, length);
      if (base === undefined || tree === undefined || !isChanged(index, base.hashes, tree.entries)) {
        return { bytes: mine, isMerged: false };
      }
      const twin = await change.twin?.(index);
      if (twin === undefined) return { bytes: mine, isMerged: false };
      const merged = mergeChunk(mine, twin, await theirs());
      return { bytes: merged, isMerged: !equal(merged, mine) };
    },
  };
}

/** Whether a chunk is another than it was in `base`; places beyond an end count as zeros. */
function isChanged(index: number, base: Uint8Array, entries: Entries): boolean {
  const start = index * HASH_BYTES;
  const before = start < base.length ? base.subarray(start, start + HASH_BYTES) : ZERO_HASH;
  const now = index < entries.count ? entries.hashAt(index) : ZERO_HASH;
  return !equal(before, now);
}

/** A copy of `length` bytes, cut or filled up with zeros. */
export function fitted(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length >= length) return bytes.slice(0, length);
  const filled = new Uint8Array(length);
  filled.set(bytes);
  return filled;
}

function* upTo(end: number, start = 0): Iterable<number> {
  for (let index = start; index < end; index++) yield index;
}
