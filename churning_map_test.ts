import assert from "node:assert/strict";
import fc from "fast-check";
import { ChurningMap, hashOfNumber, hashOfText } from "./churning_map.ts";

Deno.test("ChurningMap holds what a Map holds, whatever was done to it", () => {
  const step = fc.tuple(fc.constantFrom("set", "take", "delete"), fc.integer({ min: 0, max: 400 }));
  // Few different hashes: places are taken, and what stands behind a gap moves.
  for (const hash of [hashOfNumber, (key: number) => key % 7, () => 63, (key: number) => -key]) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2_000 }), (steps) => {
        const map = new ChurningMap<number, string>(hash);
        const expected = new Map<number, string>();
        for (const [at, [action, key]] of steps.entries()) {
          if (action === "set") {
            map.set(key, `${at}`);
            expected.set(key, `${at}`);
          } else {
            const value = expected.get(key);
            const had = expected.delete(key);
            if (action === "take") assert.equal(map.take(key), value);
            else assert.equal(map.delete(key), had);
          }
        }
        assert.equal(map.size, expected.size);
        for (let key = 0; key <= 400; key++) {
          assert.deepEqual([map.get(key), map.has(key)], [expected.get(key), expected.has(key)], `${key}`);
        }
        assert.deepEqual([...map.values()].sort(), [...expected.values()].sort());
      }),
      { numRuns: 50 },
    );
  }
});

Deno.test("ChurningMap shrinks again", () => {
  const map = new ChurningMap<string, number>(hashOfText);
  for (let key = 0; key < 100_000; key++) map.set(`call-${key}`, key);
  assert.equal(map.get("call-99999"), 99_999);
  for (let key = 0; key < 100_000; key++) assert.equal(map.take(`call-${key}`), key);
  assert.deepEqual([map.size, map.get("call-5"), [...map.values()]], [0, undefined, []]);
});
