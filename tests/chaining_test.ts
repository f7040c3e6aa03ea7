/**
 * Goal: calls that calls make, from the guest to the scheduler and back (cases H26, H27, H28). Method: the real dispatcher
 * over a real group; one guest that chains as its input says.
 */
import assert from "node:assert/strict";
import { SYSTEM_CLOCK } from "../http/mod.ts";
import { EmbeddedGroup, type FunctionRecord, type LiveFunction, parseSettings } from "../runtime/mod.ts";
import { native } from "../runtime/native/mod.ts";
import { type CallResult, Dispatcher, type DispatcherOptions } from "../scheduler/mod.ts";
import { guest, imageOf } from "./support/guests.ts";
import { rounds } from "./support/long.ts";
import { RealHost } from "./support/real_host.ts";
import { until } from "./support/until.ts";

const GUESTS = { chain: "chain", leaf: "echo", spin: "spin" } as const;

interface Options extends Partial<DispatcherOptions> {
  readonly concurrency?: number;
  readonly timeoutMs?: number;
}

/** A host of three functions, each with its guest. */
async function setUp({ concurrency = 64, timeoutMs = 20_000, ...options }: Options = {}) {
  const group = new EmbeddedGroup();
  const functions = new Map<string, LiveFunction>();
  const dispatcher = new Dispatcher({
    group,
    clock: SYSTEM_CLOCK,
    random: (bytes) => void crypto.getRandomValues(bytes),
    // As a registry that has a function loaded, or not yet.
    current: (_tenant, name) => (name === "leaf" ? functions.get(name) : undefined),
    ready: (_tenant, name) => Promise.resolve(functions.get(name)),
    ...options,
  });
  let functionId = 0;
  for (const [name, wat] of Object.entries(GUESTS)) {
    await group.install(imageOf(++functionId, guest(wat)));
    const settings = parseSettings({ concurrency, timeoutMs });
    const record = { tenant: "default", name, version: 1, settings } as unknown as FunctionRecord;
    functions.set(name, { functionId, record });
  }
  return {
    group,
    dispatcher,
    call(choice: number, n = 0, callOptions: { timeoutMs?: number; callId?: string } = {}): Promise<CallResult> {
      const input = new Uint8Array(5);
      input[0] = choice;
      new DataView(input.buffer).setUint32(1, n, true);
      return dispatcher.call({ live: functions.get("chain")!, input, ...callOptions });
    },
    async [Symbol.asyncDispose]() {
      dispatcher.cancelAll();
      await dispatcher.drain();
      await group.close();
    },
  };
}

type Host = Awaited<ReturnType<typeof setUp>>;

/** Nothing runs or waits any more, and every slot is free. */
async function settled({ dispatcher, group }: Host): Promise<void> {
  await until(() => dispatcher.stats().running + dispatcher.stats().queued === 0, "all calls have ended");
  await until(async () => (await group.stats()).runningCalls === 0, "the group runs nothing");
}

function u32(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

Deno.test("a chain of depth 64 ends with two slots, and with one", async () => {
  for (const runningMax of [2, 1]) {
    await using host = await setUp({ limits: { runningMax }, concurrency: 1 });
    const result = await host.call(1, 63);
    assert.equal(result.status, "ok", result.error?.message);
    assert.equal([...host.dispatcher.records.newestFirst()].length, 64);
    await settled(host);
  }
});

Deno.test("a fan-out of 1,000 with two slots gives all outputs, in whatever order they are awaited", async () => {
  await using host = await setUp({ limits: { runningMax: 2 } });
  const result = await host.call(2, 1_000);
  assert.equal(result.status, "ok", result.error?.message);
  assert.equal(u32(result.output), 999 * 1_000 / 2);
  const records = [...host.dispatcher.records.newestFirst()];
  assert.equal(records.length, 1_001);
  for (const record of records) {
    assert.equal(record.rootId, result.callId);
    assert.equal(record.parentId, record.callId === result.callId ? undefined : result.callId);
  }
  await settled(host);
});

Deno.test("many trees at once share the slots and all end", async () => {
  await using host = await setUp({ limits: { runningMax: 3 }, concurrency: 2 });
  const results = await Promise.all(Array.from({ length: 40 }, (_, at) => host.call(at % 2 + 1, at % 2 ? 30 : 12)));
  for (const result of results) assert.equal(result.status, "ok", result.error?.message);
  await settled(host);
});

Deno.test("an entry of the table runs in a Faaslet of its own; its return value and output come back", async () => {
  await using host = await setUp();
  // The number is the entry and the input as well: entry 0 doubles its input.
  const result = await host.call(3, 0);
  assert.deepEqual([result.status, result.returnValue, u32(result.output)], ["guest-error", 7, 0]);
  for (const entry of [1, 2, 3, 4, 0xffff_ffff]) {
    const wrong = await host.call(3, entry);
    assert.deepEqual([wrong.status, wrong.returnValue], ["guest-error", 1], `entry ${entry}`);
  }
  const failed = [...host.dispatcher.records.newestFirst()].filter(({ status }) => status === "trap");
  assert.deepEqual(failed.map(({ code }) => code), new Array(5).fill("ERR_GUEST_MISUSE"));
});

Deno.test("a function called at an index of its own sees the index", async () => {
  await using host = await setUp();
  const result = await host.call(11, 5);
  assert.deepEqual([result.status, result.returnValue], ["guest-error", 5]);
});

Deno.test("a call of a function that is not there fails when it is awaited", async () => {
  await using host = await setUp();
  const result = await host.call(4);
  assert.deepEqual([result.status, result.returnValue], ["guest-error", 1]);
});

Deno.test("a callee that runs out of time is a failure, not a success", async () => {
  await using host = await setUp({ timeoutMs: 50 });
  const result = await host.call(7, 0, { timeoutMs: 5_000 });
  assert.deepEqual([result.status, result.returnValue], ["guest-error", 1]);
  const [callee] = [...host.dispatcher.records.newestFirst()].filter((record) => record.function === "spin");
  assert.equal(callee!.status, "timeout");
});

Deno.test("the root's deadline is everybody's", async () => {
  await using host = await setUp({ timeoutMs: 60_000 });
  const result = await host.call(7, 0, { timeoutMs: 60 });
  assert.equal(result.status, "timeout");
  await settled(host);
});

Deno.test("cancelling a call, or its trap, ends what it led to", async () => {
  await using host = await setUp();
  const callId = host.dispatcher.newCallId();
  const pending = host.call(7, 0, { callId });
  await until(
    () => native.live().runningGuests > 0 && host.dispatcher.stats().running === 1,
    "it waits for its callee",
  );
  assert.ok(host.dispatcher.cancel(callId));
  assert.equal((await pending).status, "cancelled");
  await settled(host);
  const trapped = await host.call(10);
  assert.equal(trapped.error?.code, "ERR_GUEST_TRAP");
  await settled(host);
  const statuses = [...host.dispatcher.records.newestFirst()].filter((record) => record.function === "spin");
  assert.deepEqual(statuses.map(({ status }) => status), ["cancelled", "cancelled"]);
});

Deno.test("H26: a call that chains itself for ever ends with the root's error, and nothing is left", async () => {
  await using host = await setUp({ chainLimits: { depthMax: 20 } });
  const result = await host.call(9);
  assert.deepEqual([result.status, result.error?.code], ["trap", "ERR_CHAIN_DEPTH"]);
  assert.equal(result.output.length, 0);
  await settled(host);
  assert.equal((await host.call(1, 5)).status, "ok", "the next one is fine");
});

Deno.test("H26: a flood of calls that flood ends with the root's error, within its budget", async () => {
  const inFlightMax = rounds(300, 20_000);
  await using host = await setUp({ chainLimits: { inFlightMax, callsMax: 100_000 }, limits: { runningMax: 4 } });
  let most = 0;
  const watch = setInterval(() => most = Math.max(most, host.dispatcher.stats().queued), 1);
  const result = await host.call(8, 30);
  // A root that ended well left its calls to themselves; they were ended when they became too many.
  assert.ok(result.status === "ok" || result.error?.code === "ERR_CHAIN_BUDGET", result.error?.message);
  await settled(host);
  clearInterval(watch);
  assert.ok(most <= inFlightMax, `${most} waited`);
  assert.ok(native.live().threads <= 300, `${native.live().threads} threads`);
  const limited = await setUp({ chainLimits: { callsMax: 10 } });
  const refused = await limited.call(2, 11);
  assert.deepEqual([refused.status, refused.error?.code], ["trap", "ERR_CHAIN_BUDGET"]);
  await settled(limited);
  await limited[Symbol.asyncDispose]();
});

Deno.test("H27: as many waiting parents as there are slots still make progress", async () => {
  await using host = await setUp({ limits: { runningMax: 4 }, concurrency: 2 });
  const results = await Promise.all(Array.from({ length: 20 }, () => host.call(1, 8)));
  for (const result of results) assert.equal(result.status, "ok", result.error?.message);
  await settled(host);
});

Deno.test("H27: more waiting parents than the host may have are refused by name", async () => {
  await using host = await setUp({ waitingMax: 5 });
  const result = await host.call(1, 10);
  assert.deepEqual([result.status, result.returnValue], ["guest-error", 1]);
  const codes = [...host.dispatcher.records.newestFirst()].map(({ code }) => code);
  assert.ok(codes.includes("ERR_CAPACITY"), codes.join());
  await settled(host);
});

Deno.test("H28: guessed, foreign and used handles are the same error", async () => {
  await using host = await setUp();
  const messages = new Set<string>();
  for (const handle of [0, 1, 2, 1_000, 0x7fff_ffff, 0xffff_ffff]) {
    const result = await host.call(5, handle);
    assert.equal(result.error?.code, "ERR_GUEST_MISUSE");
    messages.add(result.error!.message.replace(/handle \d+/, "handle N").split("\n")[0]!);
  }
  const twice = await host.call(6);
  assert.equal(twice.error?.code, "ERR_GUEST_MISUSE");
  messages.add(twice.error!.message.replace(/handle \d+/, "handle N").split("\n")[0]!);
  assert.equal(messages.size, 1);
  assert.equal((await host.call(12)).error?.code, "ERR_GUEST_POINTER");
});

Deno.test("a call's tree is kept, with what all of it cost", async () => {
  const dataDirectory = await Deno.makeTempDir();
  await using host = await RealHost.start(dataDirectory);
  for (const [name, wat] of [["chain", "chain"], ["leaf", "echo"]] as const) {
    const deployed = await fetch(`${host.url}/v1/functions/${name}`, { method: "PUT", body: guest(wat) as BodyInit });
    assert.equal(deployed.status, 201, await deployed.text());
  }
  const input = new Uint8Array([2, 3, 0, 0, 0]);
  const answer = await fetch(`${host.url}/function/chain`, { method: "POST", body: input });
  assert.equal(u32(await answer.bytes()), 3);
  const { tree, cost, isWhole } = await (await fetch(`${host.url}/v1/calls/${answer.headers.get("x-call-id")}/tree`))
    .json();
  assert.deepEqual(tree.children.map((child: { function: string }) => child.function), ["leaf", "leaf", "leaf"]);
  assert.deepEqual([cost.calls, cost.failed, cost.open, isWhole], [4, 0, 0, true]);
  assert.ok(cost.cpuUs > tree.cpuUs);
  const missing = await fetch(`${host.url}/v1/calls/00000000-0000-7000-8000-000000000000/tree`);
  assert.deepEqual([missing.status, (await missing.json()).code], [404, "ERR_NOT_FOUND"]);
  await host.stop();
  await Deno.remove(dataDirectory, { recursive: true });
});
