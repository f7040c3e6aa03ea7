import assert from "node:assert/strict";
import { contentRange, parseContentRange, parseRange } from "./ranges.ts";

Deno.test("parseRange() reads one range, cut at the end of the value", () => {
  const cases: [string | undefined, number, [number, number] | undefined][] = [
    ["bytes=0-9", 100, [0, 10]],
    ["bytes=5-", 100, [5, 100]],
    ["bytes=-10", 100, [90, 100]],
    ["bytes=-500", 100, [0, 100]],
    ["bytes=99-200", 100, [99, 100]],
    ["bytes= 0-0", 1, [0, 1]],
    [undefined, 100, undefined],
    ["bytes=9-5", 100, undefined],
    ["bytes=0-1,3-4", 100, undefined],
    ["lines=0-1", 100, undefined],
    ["bytes=", 100, undefined],
    ["bytes=--5", 100, undefined],
    ["bytes=9999999999999999-", 100, undefined],
  ];
  for (const [header, bytes, expected] of cases) {
    const range = parseRange(header, bytes);
    assert.deepEqual(range, expected && { start: expected[0], end: expected[1] }, header);
  }
});

Deno.test("parseRange() refuses what the value does not reach", () => {
  for (const [header, bytes] of [["bytes=100-", 100], ["bytes=0-0", 0], ["bytes=-0", 100], ["bytes=-5", 0]] as const) {
    assert.throws(() => parseRange(header, bytes), { code: "ERR_RANGE" }, header);
  }
});

Deno.test("parseContentRange() reads where a part goes", () => {
  assert.deepEqual(parseContentRange("bytes 0-99/*"), { start: 0, end: 100 });
  assert.deepEqual(parseContentRange("bytes 5-5/77"), { start: 5, end: 6 });
  for (const header of [undefined, "", "bytes */7", "bytes=0-9", "bytes 9-5/*", "bytes 0-/*", "bytes -5/*"]) {
    assert.throws(() => parseContentRange(header), { code: "ERR_REQUEST_INVALID" }, String(header));
  }
  assert.equal(contentRange({ start: 5, end: 10 }, 20), "bytes 5-9/20");
});
