/** Sizes and durations as people write them. */
import { FaasletError } from "../errors.ts";

const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 2 ** 10,
  kib: 2 ** 10,
  kb: 1e3,
  m: 2 ** 20,
  mib: 2 ** 20,
  mb: 1e6,
  g: 2 ** 30,
  gib: 2 ** 30,
  gb: 1e9,
};
const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3 };
const NUMBER_AND_UNIT = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i;

/** Reads `64MiB`, `1.5g`, `4096` as bytes; k, m and g alone are powers of 1,024. Throws `ERR_USAGE`. */
export function parseBytes(text: string): number {
  const bytes = scaled(text, BYTES);
  if (bytes !== undefined) return Math.floor(bytes);
  throw new FaasletError(
    "ERR_USAGE",
    `cannot read ${JSON.stringify(text)} as a size: write e.g. 65536, 64KiB or 1.5GiB`,
  );
}

/** Reads `500ms`, `2s`, `1.5m`, `1h` as milliseconds. Throws `ERR_USAGE`, also for a number without a unit. */
export function parseDuration(text: string): number {
  const milliseconds = scaled(text, MILLISECONDS);
  if (milliseconds !== undefined && milliseconds > 0) return Math.max(1, Math.round(milliseconds));
  throw new FaasletError("ERR_USAGE", `cannot read ${JSON.stringify(text)} as a duration: write e.g. 500ms, 2s or 1m`);
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const parts = NUMBER_AND_UNIT.exec(text);
  if (parts === null) return undefined;
  const unit = parts[2]!.toLowerCase();
  const value = Object.hasOwn(units, unit) ? Number(parts[1]) * units[unit]! : NaN;
  return Number.isSafeInteger(Math.ceil(value)) ? value : undefined;
}

/** Bytes for people: `1.4 MiB`. */
export function showBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB"];
  let value = bytes / 1_024;
  let at = 0;
  while (value >= 1_024 && at < units.length - 1) {
    value /= 1_024;
    at++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

/** Microseconds for people: `12 us`, `3.4 ms`, `1.2 s`. */
export function showMicroseconds(us: number): string {
  if (us < 1_000) return `${us < 10 ? us.toFixed(1) : Math.round(us)} us`;
  if (us < 1e6) return `${(us / 1e3).toFixed(us < 1e4 ? 2 : 1)} ms`;
  return `${(us / 1e6).toFixed(2)} s`;
}
