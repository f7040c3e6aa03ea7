/** Bytes as they are stored: compressed where that makes them fewer. */
import { promisify } from "node:util";
import { constants, deflateRaw, inflateRaw } from "node:zlib";

const deflate = promisify(deflateRaw) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
const inflate = promisify(inflateRaw) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;

/** Undefined when it would be no smaller. */
export async function pack(bytes: Uint8Array): Promise<Uint8Array | undefined> {
  const packed = await deflate(bytes, { level: constants.Z_BEST_SPEED });
  return packed.length < bytes.length ? packed : undefined;
}

/** Undefined when it is damaged; never more than `bytes`, whatever it claims to be. */
export async function unpack(packed: Uint8Array, bytes: number): Promise<Uint8Array | undefined> {
  try {
    return await inflate(packed, { maxOutputLength: Math.max(1, bytes) });
  } catch {
    return undefined;
  }
}
