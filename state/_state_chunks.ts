/** Chunks: how large, how they are told apart, and how they are stored. */
import { createHash } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";

const { chunkBytes: CHUNK_BYTES, hashBytes: HASH_BYTES } = STATE_LIMITS;

/** What is tried on a part first: most values that do not shrink are found out for the price of a sixteenth. */
const SAMPLE_BYTES = 4_096;
/** Below this much gain, unpacking costs more than it saves. */
const RATIO_MAX = 0.875;
/** The fastest; what a higher level gains is not worth its time beside a network's. */
const COMPRESSION = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const ZEROS = new Uint8Array(CHUNK_BYTES);

/** A chunk as it goes to the store. */
export interface EncodedChunk {
  readonly data: Uint8Array;
  readonly isCompressed: boolean;
}

export function chunkCount(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES);
}

/** How many of a value's bytes a chunk holds. */
export function chunkLength(index: number, bytes: number): number {
  return Math.max(0, Math.min(CHUNK_BYTES, bytes - index * CHUNK_BYTES));
}

/** The hash that `StateHead.hashes` has for a chunk. */
export function hashChunk(content: Uint8Array): Uint8Array {
  const hash = createHash("sha256").update(content);
  if (content.length < CHUNK_BYTES) hash.update(ZEROS.subarray(content.length));
  return Uint8Array.from(hash.digest().subarray(0, HASH_BYTES));
}

/** Hashes of a whole value. */
export function hashValue(value: Uint8Array): Uint8Array {
  const count = chunkCount(value.length);
  const hashes = new Uint8Array(count * HASH_BYTES);
  for (let index = 0; index < count; index++) {
    hashes.set(hashChunk(value.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES)), index * HASH_BYTES);
  }
  return hashes;
}

/** Takes zeros off the end and compresses what is left, if it helps. No bytes: nothing needs to be stored. */
export function encodeChunk(content: Uint8Array): EncodedChunk {
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end--;
  const data = content.subarray(0, end);
  if (end === 0 || !shrinks(data.subarray(0, SAMPLE_BYTES))) return { data, isCompressed: false };
  const packed = zstdCompressSync(data, COMPRESSION);
  if (packed.length > RATIO_MAX * end) return { data, isCompressed: false };
  return { data: new Uint8Array(packed.buffer, packed.byteOffset, packed.length), isCompressed: true };
}

function shrinks(sample: Uint8Array): boolean {
  // A tiny value's frame is larger than what it could save.
  return sample.length >= 256 && zstdCompressSync(sample, COMPRESSION).length <= RATIO_MAX * sample.length;
}

/** The chunk's `length` bytes, in a buffer of their own. Throws `ERR_ARTEFACT` when they cannot be what was stored. */
export function decodeChunk({ data, isCompressed }: EncodedChunk, length: number): Uint8Array {
  const content = isCompressed ? unpack(data) : data;
  if (content.length === length && (isCompressed || ownsItsBuffer(content))) return content;
  if (content.length > length) {
    throw new FaasletError("ERR_ARTEFACT", "a stored chunk of state is longer than its place in the value");
  }
  const filled = new Uint8Array(length);
  filled.set(content);
  return filled;
}

function unpack(data: Uint8Array): Uint8Array {
  try {
    const content = zstdDecompressSync(data, { maxOutputLength: CHUNK_BYTES });
    return new Uint8Array(content.buffer, content.byteOffset, content.length);
  } catch (cause) {
    throw new FaasletError("ERR_ARTEFACT", "a stored chunk of state is not what was stored", { cause });
  }
}

function ownsItsBuffer(bytes: Uint8Array): boolean {
  return bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
}

/**
 * What two hosts made of one chunk: each byte that this host changed since the twin is this host's, all others are theirs.
 * The result has the length of `mine`; what the others lack counts as zero.
 */
export function mergeChunk(mine: Uint8Array, twin: Uint8Array, theirs: Uint8Array): Uint8Array {
  const merged = new Uint8Array(mine.length);
  for (let at = 0; at < mine.length; at++) {
    const own = mine[at]!;
    merged[at] = own === (twin[at] ?? 0) ? (theirs[at] ?? 0) : own;
  }
  return merged;
}
