/** True under `deno task test:long`: full counts instead of the short, seeded form. */
export const IS_LONG = Deno.env.get("FAASLET_TEST_LONG") === "1";

/** As many rounds as the run is long. */
export function rounds(short: number, long: number): number {
  return IS_LONG ? long : short;
}

/** A small deterministic generator (mulberry32); a failing test prints its seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
