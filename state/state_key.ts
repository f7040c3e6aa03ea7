/** The grammar of state keys, and versions as guests see them. */
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import type { StateVersion } from "./global_tier.ts";

/** The grammar in words, for messages. */
export const STATE_KEY_GRAMMAR = `1 to ${STATE_LIMITS.keyBytesMax} bytes of UTF-8 without control characters, ` +
  `and no part between slashes is "." or ".."`;

const ENCODER = new TextEncoder();

/**
 * Returns `key` when it is a state key. Throws `ERR_NAME_INVALID`, which quotes no more of it than fits a line.
 *
 * Dot parts are refused because every HTTP client takes them out of a path: such a value could not be named from outside.
 */
export function checkStateKey(key: string): string {
  if (isStateKey(key)) return key;
  const shown = JSON.stringify(key.length > 80 ? key.slice(0, 80) + "…" : key);
  throw new FaasletError("ERR_NAME_INVALID", `cannot use the state key ${shown}: a key is ${STATE_KEY_GRAMMAR}`);
}

function isStateKey(key: string): boolean {
  // A string has at most three bytes of UTF-8 for each of its units: the first test keeps the others cheap.
  if (key.length === 0 || key.length > STATE_LIMITS.keyBytesMax) return false;
  // deno-lint-ignore no-control-regex -- Control characters are what it looks for.
  if (!key.isWellFormed() || /[\u0000-\u001f\u007f-\u009f]/.test(key)) return false;
  if (ENCODER.encode(key).length > STATE_LIMITS.keyBytesMax) return false;
  return !key.split("/").some((part) => part === "." || part === "..");
}

/**
 * A version as the 64-bit number that a guest sees: never 0 and never negative, unique among the versions of a value.
 *
 * A store's version is 80 bits, the upper 64 a counter and the lower 16 a place within a batch. The number keeps the lower 63:
 * two versions that share it are 2^47 commits apart.
 */
export function versionNumber(version: StateVersion): bigint {
  const number = BigInt.asUintN(63, BigInt(`0x${version}`));
  return number === 0n ? 1n : number;
}
