import assert from "node:assert/strict";
import { FakeClock, settle } from "./_fakes.ts";
import { Bodies } from "./body.ts";

const LIMITS = { totalBytesMax: 1_000_000, graceMs: 1_000, bytesPerSecondMin: 1_000 };

function setUp(over: Partial<typeof LIMITS> = {}) {
  const clock = new FakeClock();
  const bodies = new Bodies(clock, { ...LIMITS, ...over });
  return { clock, bodies };
}

/** A request whose body comes when the test says so. */
function pending(headers: Record<string, string> = {}) {
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  let wasCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (it) => void (controller = it),
    cancel: () => void (wasCancelled = true),
  });
  const request = new Request("http://localhost/", { method: "POST", body, headers });
  return { request, controller, wasCancelled: () => wasCancelled };
}

function post(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  return new Request("http://localhost/", { method: "POST", body, headers });
}

function lengthOf(bytes: number): Record<string, string> {
  return { "content-length": String(bytes) };
}

Deno.test("read() returns the bytes, whichever way they come, and counts them until release()", async () => {
  const { bodies, clock } = setUp();
  for (const size of [0, 1, 65_536, 65_537, 300_000]) {
    const bytes = new Uint8Array(size).map((_, at) => at % 251);
    for (const headers of [{}, lengthOf(size)]) {
      const read = await bodies.read(post(bytes, headers), 300_000);
      assert.deepEqual(read, bytes);
      assert.equal(bodies.bytes, size);
      bodies.release(read.length);
    }
  }
  assert.equal((await bodies.read(post(null), 10)).length, 0);
  assert.equal(bodies.bytes, 0);
  clock.fire();
  assert.equal(clock.timers.size, 0, "nothing is watched any more");
});

Deno.test("read() takes a body of exactly the limit and refuses one byte more", async () => {
  const { bodies } = setUp();
  for (const limit of [10, 70_000]) {
    for (const size of [limit - 1, limit]) {
      bodies.release((await bodies.read(post(new Uint8Array(size)), limit)).length);
      bodies.release((await bodies.read(post(new Uint8Array(size), lengthOf(size)), limit)).length);
    }
    const over = new Uint8Array(limit + 1);
    await assert.rejects(bodies.read(post(over), limit), { code: "ERR_REQUEST_TOO_LARGE" });
    await assert.rejects(bodies.read(post(over, lengthOf(limit + 1)), limit), { code: "ERR_REQUEST_TOO_LARGE" });
  }
  assert.equal(bodies.bytes, 0);
});

Deno.test("read() refuses a length over the limit before it reads a byte", async () => {
  const { bodies } = setUp();
  for (const length of ["11", "99999999999999999999999"]) {
    const { request } = pending({ "content-length": length });
    await assert.rejects(bodies.read(request, 10), { code: "ERR_REQUEST_TOO_LARGE" });
    assert.equal(request.bodyUsed, false);
  }
});

Deno.test("read() stops an endless body at the limit", async () => {
  const { bodies } = setUp();
  const { request, controller, wasCancelled } = pending();
  const reading = bodies.read(request, 100);
  for (let piece = 0; piece < 11; piece++) controller.enqueue(new Uint8Array(10));
  await assert.rejects(reading, { code: "ERR_REQUEST_TOO_LARGE" });
  assert.equal(wasCancelled(), true);
  assert.equal(bodies.bytes, 0);
});

Deno.test("read() refuses a body that is not as long as it says", async () => {
  const { bodies } = setUp();
  const lies = [[3, 5], [5, 3], [70_000, 3], [70_000, 70_001]] as const;
  for (const [said, sent] of lies) {
    const reading = bodies.read(post(new Uint8Array(sent), lengthOf(said)), 100_000);
    await assert.rejects(reading, { code: "ERR_REQUEST_INVALID" }, `${said} ${sent}`);
  }
  for (const said of ["", "x", "-1", "+1", "1.0", "0x10", "1, 1"]) {
    const reading = bodies.read(post(new Uint8Array(1), { "content-length": said }), 100);
    await assert.rejects(reading, { code: "ERR_REQUEST_INVALID" }, JSON.stringify(said));
  }
  assert.equal(bodies.bytes, 0);
});

Deno.test("read() refuses a body where none can be read, instead of losing it", async () => {
  const { bodies } = setUp();
  for (const method of ["GET", "HEAD"]) {
    const said = [lengthOf(5), { "transfer-encoding": "chunked" }];
    for (const headers of said) {
      const reading = bodies.read(new Request("http://localhost/", { method, headers }), 100);
      await assert.rejects(reading, { code: "ERR_REQUEST_INVALID" });
    }
    for (const headers of [{}, lengthOf(0)]) {
      assert.equal((await bodies.read(new Request("http://localhost/", { method, headers }), 100)).length, 0);
    }
  }
});

Deno.test("read() gives up on a body without progress after the grace, small or large, and on no other", async () => {
  for (const headers of [lengthOf(10), lengthOf(100_000), {}]) {
    const { bodies, clock } = setUp();
    const { request } = pending(headers);
    const reading = bodies.read(request, 200_000);
    let isOver = false;
    reading.catch(() => {}).finally(() => isOver = true);
    clock.nowMs = LIMITS.graceMs;
    clock.fire();
    await settle();
    assert.equal(isOver, false, "the grace is not over");
    clock.nowMs++;
    clock.fire();
    await assert.rejects(reading, { code: "ERR_REQUEST_TIMEOUT" });
    assert.deepEqual([bodies.bytes, clock.timers.size], [0, 0]);
  }
});

Deno.test("read() lets a body take its time that is as fast as the minimum, and no slower one", async () => {
  const { bodies, clock } = setUp();
  const { request, controller } = pending();
  const reading = bodies.read(request, 200_000);
  for (let second = 1; second <= 20; second++) {
    controller.enqueue(new Uint8Array(LIMITS.bytesPerSecondMin));
    await settle();
    clock.nowMs += 1_000;
    clock.fire();
  }
  controller.enqueue(new Uint8Array(1));
  await settle();
  clock.nowMs += 1_002;
  clock.fire();
  await assert.rejects(reading, { code: "ERR_REQUEST_TIMEOUT" });
});

Deno.test("read() refuses when all bodies together fill their memory, and takes the next once there is room", async () => {
  const { bodies } = setUp({ totalBytesMax: 200_000 });
  const first = await bodies.read(post(new Uint8Array(150_000)), 200_000);
  for (const size of [50_001, 150_000]) {
    for (const headers of [{}, lengthOf(size)]) {
      const reading = bodies.read(post(new Uint8Array(size), headers), 200_000);
      await assert.rejects(reading, { code: "ERR_CAPACITY" });
      assert.equal(bodies.bytes, 150_000);
    }
  }
  bodies.release(first.length);
  assert.equal((await bodies.read(post(new Uint8Array(200_000)), 200_000)).length, 200_000);
});

Deno.test("read() holds little more than the bytes of a body in a hundred thousand pieces", async () => {
  const { bodies } = setUp();
  const { request, controller } = pending();
  const reading = bodies.read(request, 200_000);
  for (let piece = 0; piece < 100_000; piece++) {
    controller.enqueue(new Uint8Array([piece % 256]));
    if (piece % 10_000 === 0) await settle();
    assert.ok(bodies.bytes <= 65_536 + 2 * piece);
  }
  controller.close();
  const read = await reading;
  assert.deepEqual([read.length, read[1], read[99_999], bodies.bytes], [100_000, 1, 99_999 % 256, 100_000]);
  assert.equal(read.buffer.byteLength, 100_000);
});

Deno.test("read() says so when a body breaks off", async () => {
  const { bodies } = setUp();
  for (const headers of [lengthOf(10), lengthOf(100_000), {}]) {
    const { request, controller } = pending(headers);
    const reading = bodies.read(request, 200_000);
    controller.enqueue(new Uint8Array(5));
    controller.error(new TypeError("connection reset"));
    await assert.rejects(reading, { code: "ERR_REQUEST_INVALID", message: "cannot read the body: it broke off" });
  }
  assert.equal(bodies.bytes, 0);
});
