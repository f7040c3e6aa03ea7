import assert from "node:assert/strict";
import { CallStats, OTHER_FUNCTIONS } from "./call_stats.ts";
import { BUCKET_BOUNDS_US } from "./histogram.ts";

Deno.test("countsOf() gives the first functions labels of their own and lets 100,000 others share one", () => {
  const stats = new CallStats(3);
  for (let at = 0; at < 100_000; at++) stats.countsOf(`default/f${at}`).ok++;
  const { functions } = stats.snapshot();
  assert.deepEqual([...functions.keys()], ["default/f0", "default/f1", "default/f2", OTHER_FUNCTIONS]);
  assert.equal(functions.get(OTHER_FUNCTIONS)?.ok, 99_997);
});

Deno.test("observe() puts a bound into its own bucket and what is over all bounds into the last", () => {
  const stats = new CallStats(1);
  stats.observe("warm", BUCKET_BOUNDS_US[0]!, BUCKET_BOUNDS_US[0]! + 1, 1e12);
  const { queue, start, exec } = stats.snapshot();
  assert.deepEqual([queue.buckets[0], start.buckets[1], exec.buckets.at(-1)], [1, 1, 1]);
});
