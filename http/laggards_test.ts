import assert from "node:assert/strict";
import { FakeClock } from "./_fakes.ts";
import { Laggards } from "./laggards.ts";

Deno.test("add() has one timer for all, which is set while something is pending", () => {
  const clock = new FakeClock();
  const laggards = new Laggards(clock, 10);
  let looks = 0;
  const added = Array.from({ length: 3 }, () => laggards.add(() => ++looks < 5));
  assert.equal(clock.timers.size, 1);
  clock.fire();
  assert.deepEqual([looks, clock.timers.size], [3, 1]);
  clock.fire();
  assert.deepEqual([looks, clock.timers.size], [6, 1], "two were done at the second look");
  for (const laggard of added) laggards.remove(laggard);
  clock.fire();
  assert.deepEqual([looks, clock.timers.size], [6, 0]);
});

Deno.test("remove() forgets exactly the one that is meant, however often it is called", () => {
  const clock = new FakeClock();
  const laggards = new Laggards(clock, 10);
  const seen: string[] = [];
  const [a, b] = ["a", "b", "c"].map((name) => laggards.add(() => seen.push(name) > 0));
  laggards.remove(a!);
  laggards.remove(a!);
  clock.fire();
  assert.deepEqual(seen.sort(), ["b", "c"]);
  laggards.remove(b!);
  clock.fire();
  assert.deepEqual(seen, ["b", "c", "c"]);
});

Deno.test("close() stops the timer", () => {
  const clock = new FakeClock();
  const laggards = new Laggards(clock, 10);
  laggards.add(() => assert.fail("looked at after close()"));
  laggards.close();
  assert.equal(clock.timers.size, 0);
  clock.fire();
});
