import assert from "node:assert/strict";
import { alternate, median, medianRatio, quantile, summary } from "./_statistics.ts";

Deno.test("quantile() lies between two samples in proportion, whatever their order", () => {
  assert.equal(quantile([4, 1, 3, 2, 5], 0.5), 3);
  assert.equal(quantile([10, 0], 0.25), 2.5);
  assert.equal(quantile([7], 0.99), 7);
  assert.throws(() => quantile([], 0.5), /no samples/);
});

Deno.test("summary() of 0 to 100 is the percentages themselves", () => {
  const samples = Array.from({ length: 101 }, (_, at) => (at * 37) % 101);
  assert.deepEqual(summary(samples), { count: 101, min: 0, p50: 50, p90: 90, p99: 99, max: 100 });
});

Deno.test("medianRatio() pairs rounds, so a slow round on both sides does not count", () => {
  assert.equal(medianRatio([1, 10, 100], [2, 20, 200]), 0.5);
  assert.notEqual(medianRatio([1, 100, 10], [2, 20, 200]), 0.05);
  assert.throws(() => medianRatio([1], [1, 2]), /cannot pair/);
});

Deno.test("alternate() runs each side once a round and begins each round with another", async () => {
  const order: string[] = [];
  const side = (name: string) => () => Promise.resolve(order.push(name));
  const results = await alternate(3, { a: side("a"), b: side("b"), c: side("c") });
  assert.equal(order.join(""), "abc" + "bca" + "cab");
  assert.deepEqual(results, { a: [1, 6, 8], b: [2, 4, 9], c: [3, 5, 7] });
  assert.equal(median(results.a), 6);
});
