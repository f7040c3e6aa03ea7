/** Values of the store are 65,536 bytes after encoding, and a commit takes 800 KiB. */
export const CHUNK_BYTES = 65_000;
export const CHUNKS_PER_COMMIT = 12;
/** Mutations in one commit; 1,000 are allowed. */
export const MUTATIONS_PER_COMMIT = 500;
/** Keys in one `getMany`. */
export const KEYS_PER_READ = 10;

/** How many chunks so many bytes are. */
export function chunksOf(bytes: number): number {
  return Math.ceil(bytes / CHUNK_BYTES);
}

/** One of them. */
export function chunkAt(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES);
}
