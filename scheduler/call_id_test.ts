import assert from "node:assert/strict";
import { CallIds } from "./call_id.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

Deno.test("next() carries the time of RFC 9562's example and its version and variant", () => {
  const ids = new CallIds((bytes) => void bytes.fill(0xff));
  assert.equal(ids.next(0x017f22e279b0), "017f22e2-79b0-7fff-bfff-ffffffffffff");
});

Deno.test("next() is valid, unique and sorted by time", () => {
  const ids = new CallIds((bytes) => void crypto.getRandomValues(bytes));
  const made = Array.from({ length: 5_000 }, (_, ms) => ids.next(1_700_000_000_000 + ms));
  assert.ok(made.every((id) => UUID_V7.test(id)));
  assert.equal(new Set(made).size, made.length);
  assert.deepEqual([...made].sort(), made);
});

Deno.test("next() never uses a random byte twice", () => {
  let draws = 0;
  const ids = new CallIds((bytes) => void bytes.fill(++draws));
  const first = Array.from({ length: 400 }, () => ids.next(0));
  assert.equal(draws, 1);
  assert.notEqual(ids.next(0), first.at(-1));
  assert.equal(draws, 2);
});
