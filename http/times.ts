/** Times and durations in queries. */
import { FaasletError } from "../errors.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };

/** Reads `30s`, `500ms`, `12h`, or a number of seconds. Throws `ERR_REQUEST_INVALID`. */
export function parseDuration(text: string, what: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  const milliseconds = parts === null ? NaN : Number(parts[1]) * UNITS[parts[2] ?? "s"]!;
  if (Number.isSafeInteger(Math.round(milliseconds))) return Math.round(milliseconds);
  throw new FaasletError("ERR_REQUEST_INVALID", `cannot read ${what}: write e.g. 500ms, 30s or 12h`);
}

/** Reads a time (RFC 3339), or a duration before now, as milliseconds since 1970. Throws `ERR_REQUEST_INVALID`. */
export function parseSince(text: string, nowMs: number): number {
  if (/^\d{4}-\d\d-\d\dT/.test(text)) {
    const time = Date.parse(text);
    if (!Number.isNaN(time)) return time;
    throw new FaasletError("ERR_REQUEST_INVALID", "cannot read since: that is no time");
  }
  return nowMs - parseDuration(text, "since");
}

/** A whole number within bounds. Throws `ERR_REQUEST_INVALID`. */
export function parseCount(text: string, what: string, max: number): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (count <= max) return count;
  throw new FaasletError("ERR_REQUEST_INVALID", `cannot read ${what}: it is a number up to ${max}`);
}
