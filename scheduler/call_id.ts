/** Fills an array with random bytes, e.g. `crypto.getRandomValues`. */
export type FillRandom = (bytes: Uint8Array<ArrayBuffer>) => void;

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** An id takes ten random bytes; drawing many at once makes an id cheap. */
const BYTES_PER_ID = 10;
const POOL_BYTES = 400 * BYTES_PER_ID;

/**
 * Makes call ids: UUIDv7 (RFC 9562 5.7). They sort by the millisecond they were made in, and their 74 random bits
 * cannot be guessed.
 */
export class CallIds {
  readonly #random: FillRandom;
  readonly #pool = new Uint8Array(POOL_BYTES);
  #used = POOL_BYTES;

  constructor(random: FillRandom) {
    this.#random = random;
  }

  /** A new id; `epochMs` is the wall clock. */
  next(epochMs: number): string {
    if (this.#used === POOL_BYTES) {
      this.#random(this.#pool);
      this.#used = 0;
    }
    const pool = this.#pool;
    const at = this.#used;
    this.#used += BYTES_PER_ID;
    const time = hex6(epochMs);
    return time.slice(0, 8) + "-" + time.slice(8) +
      "-" + HEX[0x70 | (pool[at]! & 0x0f)] + HEX[pool[at + 1]!] +
      "-" + HEX[0x80 | (pool[at + 2]! & 0x3f)] + HEX[pool[at + 3]!] +
      "-" + HEX[pool[at + 4]!] + HEX[pool[at + 5]!] + HEX[pool[at + 6]!] +
      HEX[pool[at + 7]!] + HEX[pool[at + 8]!] +
      HEX[pool[at + 9]!];
  }
}

/** The low 48 bits of a time, as 12 digits. Bit operators are 32 bits wide, hence two halves. */
function hex6(epochMs: number): string {
  const high = Math.floor(epochMs / 0x1_0000_0000) & 0xffff;
  const low = epochMs >>> 0;
  return HEX[high >>> 8]! + HEX[high & 0xff] + HEX[low >>> 24] +
    HEX[(low >>> 16) & 0xff] + HEX[(low >>> 8) & 0xff] +
    HEX[low & 0xff];
}
