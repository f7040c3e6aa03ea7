/**
 * H34, the part of names: hard links cost a name and no file, links hold their targets. Goal: both are within a function's
 * quotas, and what is removed is room again. Method: a guest that makes names until it is refused.
 */
import assert from "node:assert/strict";
import { attackTest, numbersOf, words } from "../support/attack.ts";
import { rounds } from "../support/long.ts";

const DQUOT = 19;
const LIMITS = { files: 100, fileBytes: 50_000 };

attackTest(
  "H34: names and targets of links are within the quotas, and are room again when they are removed",
  async (attack) => {
    const target = await attack.install("names", { limits: LIMITS });
    const make = async (what: number, removes: 0 | 1) => {
      const { status, output, error } = await attack.call(target, { input: words(what, removes) });
      assert.equal(status, "ok", error?.message);
      return numbersOf(output);
    };
    for (let round = 0; round < rounds(2, 50); round++) {
      // The root that was written to and the file are two of a hundred.
      assert.deepEqual(await make(0, 0), [98, DQUOT]);
      assert.deepEqual(await make(1, 0), [12, DQUOT]);
      assert.deepEqual(await make(2, 0), [98, DQUOT]);
    }
    const before = Deno.memoryUsage().rss;
    for (const what of [0, 1, 2]) assert.deepEqual(await make(what, 1), [1_000_000, 0]);
    assert.ok(Deno.memoryUsage().rss - before < 100 * 1_024 * 1_024, "nothing is left of three million names");
  },
);
