import assert from "node:assert/strict";
import { FakeClock } from "./_fakes.ts";
import { Outbox } from "./outbox.ts";

const LIMITS = { totalBytesMax: 1_000_000, graceMs: 1_000, bytesPerSecondMin: 1_000 };
const LARGE = Uint8Array.from({ length: 500_000 }, (_, at) => at * 7);

Deno.test("response() hands a small body over and counts it no more", async () => {
  const outbox = new Outbox(new FakeClock(), LIMITS);
  const response = outbox.response(LARGE.subarray(0, 1_000));
  assert.equal(outbox.bytes, 0);
  assert.deepEqual(await response.bytes(), LARGE.subarray(0, 1_000));
});

Deno.test("response() counts a large body until it is sent, and says how long it is", async () => {
  const clock = new FakeClock();
  const outbox = new Outbox(clock, LIMITS);
  const response = outbox.response(LARGE);
  assert.equal(response.headers.get("content-length"), "500000");
  assert.equal(outbox.bytes, 500_000);
  assert.deepEqual(await response.bytes(), LARGE);
  assert.equal(outbox.bytes, 0);
  clock.nowMs = 10_000;
  clock.fire();
  assert.equal(clock.timers.size, 0);
});

Deno.test("response() gives the memory back when the client goes away", async () => {
  const outbox = new Outbox(new FakeClock(), LIMITS);
  const reader = outbox.response(LARGE).body!.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(outbox.bytes, 0);
});

Deno.test("response() gives up on a client that stands still, not on one that is slow", async () => {
  const clock = new FakeClock();
  const outbox = new Outbox(clock, LIMITS);
  const reader = outbox.response(LARGE).body!.getReader();
  // A piece of 64 KiB is enough for a minute.
  for (let minute = 0; minute < 3; minute++) {
    assert.equal((await reader.read()).done, false);
    clock.nowMs += 60_000;
    clock.fire();
  }
  assert.equal(outbox.bytes, 500_000);
  clock.nowMs += 1_001;
  clock.fire();
  assert.equal(outbox.bytes, 0);
  assert.equal((await reader.read()).done, true);
});

Deno.test("checkRoom() refuses once unsent answers fill their memory", async () => {
  const outbox = new Outbox(new FakeClock(), LIMITS);
  const first = outbox.response(LARGE);
  outbox.checkRoom();
  const second = outbox.response(LARGE);
  assert.throws(() => outbox.checkRoom(), { code: "ERR_CAPACITY" });
  await first.bytes();
  outbox.checkRoom();
  await second.body!.cancel();
  assert.equal(outbox.bytes, 0);
});
