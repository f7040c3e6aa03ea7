/** Bytes for tests. */
import assert from "node:assert/strict";
import { seeded } from "./long.ts";

/** Bytes that do not compress, the same ones for a seed. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  const next = seeded(seed);
  for (let at = 0; at < words.length; at++) words[at] = next() * 2 ** 32;
  return new Uint8Array(words.buffer, 0, length);
}

/** Bytes that do. */
export function prose(length: number): Uint8Array<ArrayBuffer> {
  const line = new TextEncoder().encode("It is a truth universally acknowledged, that a single man. ");
  return Uint8Array.from({ length }, (_, at) => line[at % line.length]!);
}

/** A copy with some bytes changed from `offset` on. */
export function patched(bytes: Uint8Array, offset: number, part: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(Math.max(bytes.length, offset + part.length));
  copy.set(bytes);
  copy.set(part, offset);
  return copy;
}

/** In pieces of these lengths, again and again. */
export async function* pieces(bytes: Uint8Array, ...lengths: number[]): AsyncIterableIterator<Uint8Array> {
  let turn = 0;
  for (let at = 0; at < bytes.length;) {
    const length = lengths[turn++ % lengths.length]!;
    yield bytes.slice(at, at + length);
    at += length;
  }
  await Promise.resolve();
}

/** Compares bytes; of large ones that differ, `assert.deepEqual` makes a report that does not fit memory. */
export function assertBytes(found: Uint8Array | undefined, expected: Uint8Array, what = "the bytes"): void {
  if (found === undefined) throw new assert.AssertionError({ message: `${what}: there are none` });
  const shorter = Math.min(found.length, expected.length);
  let at = 0;
  while (at < shorter && found[at] === expected[at]) at++;
  if (at === shorter && found.length === expected.length) return;
  const lengths = `${found.length} bytes instead of ${expected.length}`;
  throw new assert.AssertionError({ message: `${what}: ${lengths}, they differ from byte ${at} on` });
}
