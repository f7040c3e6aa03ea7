/** Proofs that this program wrote what it reads back: HMAC-SHA-256 with a key that is not in the store. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { assert } from "../errors.ts";
import { SEAL_KEY_BYTES } from "../limits.ts";

/** Seals bytes for one place. What was sealed for another place does not fit: entries cannot be swapped. */
export class Seals {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    assert(key.length === SEAL_KEY_BYTES, `a key for seals has ${SEAL_KEY_BYTES} bytes`);
    this.#key = key;
  }

  /** The seal of bytes at a place, e.g. `["version", tenant, name, "3"]`. */
  make(place: readonly string[], bytes: Uint8Array): Uint8Array {
    const hmac = createHmac("sha256", this.#key);
    // Each part with its length in front: no two places look alike.
    for (const part of place) hmac.update(`${part.length}:${part}`);
    return new Uint8Array(hmac.update("\0").update(bytes).digest());
  }

  /** Whether `seal` is the one that `make` gave; false for anything that is no seal at all. */
  fits(place: readonly string[], bytes: Uint8Array, seal: unknown): boolean {
    const expected = this.make(place, bytes);
    return seal instanceof Uint8Array && seal.length === expected.length && timingSafeEqual(seal, expected);
  }
}
