import assert from "node:assert/strict";
import { CHAIN_LIMITS } from "../limits.ts";
import { FaasletError } from "../errors.ts";
import type { LiveFunction } from "../runtime/mod.ts";
import { FakeClock, FakeGroup, liveFunction, settle } from "./_fakes.ts";
import { Dispatcher } from "./dispatcher.ts";

const randomBytes = (bytes: Uint8Array<ArrayBuffer>) => void crypto.getRandomValues(bytes);
const INPUT = new Uint8Array([1, 2, 3]);

function setUp(
  over: {
    current?: (tenant: string, name: string) => LiveFunction | undefined;
    recordsMax?: number;
  } = {},
) {
  const clock = new FakeClock();
  const group = new FakeGroup();
  const random = randomBytes;
  const dispatcher = new Dispatcher({
    group,
    clock,
    random,
    limits: { runningMax: 2, queuedMax: 100 },
    ...over,
  });
  return { clock, group, dispatcher };
}

Deno.test("call() hands the request to the group and returns its outcome with id, version and total time", async () => {
  const { clock, group, dispatcher } = setUp();
  const pending = dispatcher.call({
    live: liveFunction("echo", {}, 7),
    input: INPUT,
    environment: { A: "b" },
    arguments: ["x"],
    start: "proto",
  });
  assert.deepEqual(group.started, [
    {
      id: 1,
      functionId: 7,
      input: INPUT,
      timeoutMs: 1_000,
      chains: { calls: CHAIN_LIMITS.callsMax, bytes: CHAIN_LIMITS.inputBytesMax },
      environment: { A: "b" },
      arguments: ["x"],
      start: "proto",
    },
  ]);
  clock.advance(5);
  await group.end(1, { output: INPUT, returnValue: 0 });
  const result = await pending;
  assert.equal(result.status, "ok");
  assert.equal(result.output, INPUT);
  assert.equal(result.version, 7);
  assert.equal(result.totalUs, 5_000);
  assert.match(result.callId, /^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

Deno.test("call() counts the deadline from admission, time in the queue included", async () => {
  const { clock, group, dispatcher } = setUp();
  const live = liveFunction("echo", { concurrency: 1, timeoutMs: 100 });
  dispatcher.call({ live, input: INPUT });
  const second = dispatcher.call({ live, input: INPUT });
  const third = dispatcher.call({ live, input: INPUT });
  clock.advance(60);
  await group.end(1);
  assert.equal(group.started[1]!.timeoutMs, 40);
  clock.advance(40);
  const result = await third;
  assert.deepEqual([result.status, result.error?.code, result.didRun], ["timeout", "ERR_CALL_TIMEOUT", false]);
  assert.equal(result.queueUs, 100_000);
  await group.end(2);
  assert.equal((await second).queueUs, 60_001);
  assert.equal(clock.timers.size, 0, "no timer is left");
});

Deno.test("call() refuses with a time to come back when the queue is full", async () => {
  const { clock, group, dispatcher } = setUp();
  const live = liveFunction("echo", { concurrency: 1, queue: 1 });
  const first = dispatcher.call({ live, input: INPUT });
  await group.end(1, { execUs: 4_000_000 });
  await first;
  for (let call = 0; call < 2; call++) dispatcher.call({ live, input: INPUT });
  const result = await dispatcher.call({ live, input: INPUT });
  assert.deepEqual([result.status, result.error?.code], ["refused", "ERR_QUEUE_FULL"]);
  assert.equal(result.retryAfterSeconds, 9);
  assert.equal(dispatcher.stats().functions.get("default/echo")?.refused, 1);
  assert.equal(clock.timers.size, 1);
});

Deno.test("cancel() ends a call that waits and one that runs", async () => {
  const { group, clock, dispatcher } = setUp();
  const live = liveFunction("echo", { concurrency: 1 });
  const [runningId, waitingId] = [dispatcher.newCallId(), dispatcher.newCallId()];
  const running = dispatcher.call({ live, input: INPUT, callId: runningId });
  const waiting = dispatcher.call({ live, input: INPUT, callId: waitingId });
  dispatcher.cancel(waitingId);
  assert.deepEqual([(await waiting).status, (await waiting).didRun, clock.timers.size], ["cancelled", false, 0]);
  dispatcher.cancel(runningId);
  assert.equal((await running).status, "cancelled");
  assert.deepEqual([group.running.size, group.started.length], [0, 1]);
});

Deno.test("cancel() says whether there was such a call, and ends it once", async () => {
  const { group, dispatcher } = setUp();
  const callId = dispatcher.newCallId();
  const pending = dispatcher.call({ live: liveFunction("echo"), input: INPUT, callId });
  assert.equal(dispatcher.cancel("018bcfe5-0000-7000-8000-000000000000"), false);
  assert.equal(dispatcher.cancel(callId), true);
  assert.equal((await pending).callId, callId);
  assert.equal(dispatcher.cancel(callId), false);
  assert.equal(group.running.size, 0);
});

Deno.test("call() turns a rejection and a throw of the group into an outcome and frees the slot", async () => {
  const { group, dispatcher } = setUp();
  const live = liveFunction("echo", { concurrency: 1 });
  const cases = [
    ["ERR_CAPACITY", "refused"],
    ["ERR_WORKER_LOST", "host-lost"],
    ["ERR_NOT_FOUND", "refused"],
    ["ERR_CALL_TIMEOUT", "timeout"],
  ] as const;
  for (const [code, status] of cases) {
    const pending = dispatcher.call({ live, input: INPUT });
    await group.fail(group.started.at(-1)!.id, new FaasletError(code, "no"));
    const result = await pending;
    assert.deepEqual([result.status, result.error?.code], [status, code]);
  }
  group.call = () => {
    throw new TypeError("broken");
  };
  const result = await dispatcher.call({ live, input: INPUT });
  assert.deepEqual([result.status, result.error?.code], ["host-lost", "ERR_BUG"]);
  assert.equal(dispatcher.stats().running, 0);
});

Deno.test("call() that waited runs the version that is live when it starts", async () => {
  const newer = liveFunction("echo", {}, 2);
  const { group, dispatcher } = setUp({ current: () => newer });
  const older = liveFunction("echo", { concurrency: 1 });
  dispatcher.call({ live: older, input: INPUT });
  const second = dispatcher.call({ live: older, input: INPUT });
  await group.end(1);
  assert.equal(group.started[1]!.functionId, 2);
  await group.end(2);
  assert.equal((await second).version, 2);
});

Deno.test("call() shares one function's concurrency between its versions and takes the newest limits", async () => {
  const { group, dispatcher } = setUp();
  dispatcher.call({ live: liveFunction("echo", { concurrency: 1 }, 1), input: INPUT });
  dispatcher.call({ live: liveFunction("echo", { concurrency: 1 }, 2), input: INPUT });
  assert.equal(group.running.size, 1);
  dispatcher.call({ live: liveFunction("echo", { concurrency: 2 }, 3), input: INPUT });
  assert.deepEqual(group.started.map((request) => request.functionId), [1, 2]);
  await group.end(1);
  assert.deepEqual(group.started.map((request) => request.functionId), [1, 2, 3]);
});

Deno.test("drain() refuses new calls and resolves when running and waiting ones have ended", async () => {
  const { group, dispatcher } = setUp();
  const live = liveFunction("echo", { concurrency: 1 });
  const accepted = [dispatcher.call({ live, input: INPUT }), dispatcher.call({ live, input: INPUT })];
  let isDrained = false;
  const drained = dispatcher.drain().then(() => isDrained = true);
  assert.equal((await dispatcher.call({ live, input: INPUT })).error?.code, "ERR_DRAINING");
  await group.end(1);
  assert.equal(isDrained, false);
  await group.end(2);
  await drained;
  assert.deepEqual((await Promise.all(accepted)).map((result) => result.status), ["ok", "ok"]);
  await dispatcher.drain();
});

Deno.test("cancelAll() ends everything, waiting calls included", async () => {
  const { dispatcher } = setUp();
  const live = liveFunction("echo", { concurrency: 1, queue: 100 });
  const calls = Array.from({ length: 100 }, () => dispatcher.call({ live, input: INPUT }));
  const drained = dispatcher.drain();
  dispatcher.cancelAll();
  await drained;
  assert.ok((await Promise.all(calls)).every((result) => result.status === "cancelled"));
  assert.deepEqual([dispatcher.stats().running, dispatcher.stats().queued], [0, 0]);
});

Deno.test("a slot that frees after a stall ends thousands of expired calls without recursion", async () => {
  const clock = new FakeClock();
  const group = new FakeGroup();
  const limits = { runningMax: 1, queuedMax: 50_000 };
  const dispatcher = new Dispatcher({ group, clock, random: randomBytes, limits });
  const live = liveFunction("echo", { concurrency: 1, queue: 50_000, timeoutMs: 100 });
  const calls = Array.from({ length: 20_000 }, () => dispatcher.call({ live, input: INPUT }));
  // The event loop stalled: time has passed, but no timer fired yet.
  clock.nowMs = 200;
  await group.end(1);
  const results = await Promise.all(calls);
  assert.equal(results.filter((result) => result.status === "timeout").length, 19_999);
  assert.equal(dispatcher.stats().running, 0);
  assert.equal(clock.timers.size, 0);
});

Deno.test("records keep the last calls without their data, and leave refusals out", async () => {
  const { group, dispatcher } = setUp({ recordsMax: 2 });
  const live = liveFunction("echo", { concurrency: 1, queue: 0 });
  const ids: string[] = [];
  for (let call = 1; call <= 3; call++) {
    const pending = dispatcher.call({ live, input: INPUT });
    await dispatcher.call({ live, input: INPUT });
    await group.end(call, { status: "guest-error", returnValue: call });
    ids.push((await pending).callId);
  }
  assert.deepEqual([...dispatcher.records.newestFirst()].map((record) => record.returnValue), [3, 2]);
  assert.equal(dispatcher.records.size, 2);
  const record = [...dispatcher.records.newestFirst()][0]!;
  assert.deepEqual([record.function, record.status, "output" in record], ["echo", "guest-error", false]);
});

Deno.test("without room for records none is kept, and who follows the logs hears of each call all the same", async () => {
  const { group, dispatcher } = setUp({ recordsMax: 0 });
  const live = liveFunction("echo");
  const endOne = async (call: number) => {
    const pending = dispatcher.call({ live, input: INPUT });
    await group.end(call);
    return (await pending).callId;
  };
  await endOne(1);
  const heard: string[] = [];
  const unlisten = dispatcher.records.listen((record) => heard.push(record.callId));
  const second = await endOne(2);
  unlisten();
  await endOne(3);
  assert.deepEqual([heard, dispatcher.records.size], [[second], 0]);
  assert.equal(dispatcher.stats().exec.count, 3);
});

Deno.test("stats() counts by function, status and start", async () => {
  const { group, dispatcher } = setUp();
  dispatcher.call({ live: liveFunction("a"), input: INPUT });
  dispatcher.call({ live: liveFunction("b"), input: INPUT });
  await group.end(1, { start: "proto", execUs: 70 });
  await group.end(2, { status: "trap", error: { code: "ERR_GUEST_TRAP", message: "unreachable" } });
  await settle();
  const stats = dispatcher.stats();
  assert.equal(stats.functions.get("default/a")?.ok, 1);
  assert.equal(stats.functions.get("default/b")?.trap, 1);
  assert.deepEqual(stats.starts, { warm: 1, proto: 1, cold: 0 });
  assert.deepEqual([stats.exec.count, stats.exec.sumUs], [2, 73]);
  dispatcher.forget("default", "a");
  assert.equal(dispatcher.stats().functions.has("default/a"), false);
});
