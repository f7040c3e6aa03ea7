/** Time as a parameter, so that tests and simulations own it. */
export interface Clock {
  /** Monotonic, milliseconds with fractions, from any origin. */
  now(): number;
  /** Wall clock, milliseconds since 1970. For ids and records only, never for deadlines. */
  epochMs(): number;
  /** Runs `action` once after `delayMs`; the result undoes it. */
  after(delayMs: number, action: () => void): () => void;
}
