/** Byte ranges of HTTP (RFC 9110, 14): `Range` of a request that reads, `Content-Range` of one that writes. */
import { FaasletError } from "../errors.ts";

/** `[start, end)` of a value's bytes. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What a `Range` header asks of a value with `bytes` bytes. Undefined: all of it; so for several ranges at once and for what is none,
 * which may be answered with the whole. Throws `ERR_RANGE` for a range that the value does not reach.
 */
export function parseRange(header: string | undefined, bytes: number): ByteRange | undefined {
  const parts = /^bytes=\s*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))\s*$/.exec(header ?? "");
  if (parts === null) return undefined;
  const [, first, last, suffix] = parts;
  if (suffix !== undefined) {
    if (Number(suffix) === 0 || bytes === 0) throw unreachable(header!, bytes);
    return { start: Math.max(0, bytes - Number(suffix)), end: bytes };
  }
  const start = Number(first);
  const end = last === "" ? bytes : Number(last) + 1;
  // Backwards it is no range at all.
  if (last !== "" && end <= start) return undefined;
  if (start >= bytes) throw unreachable(header!, bytes);
  return { start, end: Math.min(end, bytes) };
}

/** Where a part goes: `bytes 0-99/*`. The size behind the slash is not looked at. Throws `ERR_REQUEST_INVALID`. */
export function parseContentRange(header: string | undefined): ByteRange {
  const parts = /^bytes (\d{1,15})-(\d{1,15})\/(?:\*|\d+)$/.exec(header ?? "");
  const [start, last] = [Number(parts?.[1]), Number(parts?.[2])];
  if (parts === null || last < start) {
    const why = "Content-Range says where the part goes, e.g. bytes 0-99/*";
    throw new FaasletError("ERR_REQUEST_INVALID", `cannot write a part of the value: ${why}`);
  }
  return { start, end: last + 1 };
}

/** For answers: which part of a value they hold. */
export function contentRange({ start, end }: ByteRange, bytes: number): string {
  return `bytes ${start}-${end - 1}/${bytes}`;
}

function unreachable(header: string, bytes: number): FaasletError {
  return new FaasletError("ERR_RANGE", `cannot read ${JSON.stringify(header)}: the value has ${bytes} bytes`);
}
