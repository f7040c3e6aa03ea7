/** Values that come as a stream of unknown length: chunks go to the store as they fill. */
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import { chunkCount, encodeChunk, hashChunk } from "./_state_chunks.ts";
import { replaceEdit, storedEdit, ZERO_HASH } from "./_edits.ts";
import { Entries } from "./_tree.ts";
import { checkValueBytes, ONE_COMMIT_BYTES_MAX, type TreeWriteOptions, type TreeWriter } from "./_tree_writer.ts";
import type { StateKey, Written } from "./global_tier.ts";

const CHUNK_BYTES = STATE_LIMITS.chunkBytes;

/** `bytesMax`: how much may come before the quota ends it; whether it does is decided again when all is there. */
export async function setFromStream(
  writer: TreeWriter,
  key: StateKey,
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
  options: TreeWriteOptions,
): Promise<Written> {
  const uploads = writer.uploads(key);
  const buffer = new Uint8Array(ONE_COMMIT_BYTES_MAX);
  let entries = Entries.resized(undefined, 16, ZERO_HASH);
  let sent = 0;
  let filled = 0;

  async function send(end: number): Promise<void> {
    await uploads.open();
    for (let start = 0; start < end; start += CHUNK_BYTES) {
      const index = (sent + start) / CHUNK_BYTES;
      if (index >= entries.count) entries = Entries.resized(entries, 2 * entries.count, ZERO_HASH);
      // The store takes it later, when the buffer holds others.
      const content = buffer.slice(start, Math.min(end, start + CHUNK_BYTES));
      const encoded = encodeChunk(content);
      const storedBytes = encoded.data.length;
      const id = storedBytes > 0 ? uploads.id : undefined;
      const entry = { hash: hashChunk(content), id, storedBytes, isCompressed: encoded.isCompressed };
      entries.set(index, entry);
      if (id !== undefined) await uploads.chunk(index, entry, encoded);
    }
    sent += end;
    filled = 0;
  }

  try {
    for await (const piece of source) {
      options.signal?.throwIfAborted();
      for (let at = 0; at < piece.length;) {
        if (filled === buffer.length) await send(filled);
        const taken = piece.subarray(at, at + buffer.length - filled);
        buffer.set(taken, filled);
        filled += taken.length;
        at += taken.length;
      }
      checkValueBytes(sent + filled);
      if (sent + filled > bytesMax) {
        throw new FaasletError("ERR_QUOTA", `cannot store the value: ${bytesMax} bytes are free of the tenant's quota`);
      }
    }
    if (sent === 0) return await writer.write(key, replaceEdit(buffer.slice(0, filled)), options);
    await send(filled);
    const bytes = sent;
    return await writer.write(key, storedEdit(bytes, trimmed(entries, bytes)), options, uploads);
  } catch (error) {
    if (uploads.isOpen) await writer.abandon(key, uploads);
    throw error;
  }
}

function trimmed(entries: Entries, bytes: number): Entries {
  return Entries.resized(entries, chunkCount(bytes), ZERO_HASH);
}
