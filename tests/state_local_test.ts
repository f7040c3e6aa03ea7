/**
 * Goal: the local tier as guests see it. Method: the probe calls host functions as a script says; a global tier in memory counts
 * what it is asked for.
 */
import assert from "node:assert/strict";
import { STATE_LIMITS } from "../limits.ts";
import { guest, imageOf } from "./support/guests.ts";
import { MemoryGlobalTier } from "./support/memory_global_tier.ts";
import { DATA, type Step } from "./support/probe.ts";
import { StateHost, TENANT } from "./support/state_host.ts";
import { until } from "./support/until.ts";

const KEY = DATA;
const OTHER = DATA + 16;
/** Bytes that come with a script, behind its keys. */
const BYTES = DATA + 64;
const SIZE = STATE_LIMITS.chunkBytes;

/** Two keys and bytes, where the constants above say. */
function data(bytes: Uint8Array = new Uint8Array(0), key = "k", other = "other"): Uint8Array {
  const all = new Uint8Array(64 + bytes.length);
  all.set(new TextEncoder().encode(key));
  all.set(new TextEncoder().encode(other), 16);
  all.set(bytes, 64);
  return all;
}

function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => ((at + seed) * 151) % 251 + 1);
}

const K = { tenant: TENANT, key: "k" };

Deno.test("a value that is written is read back, whole, in parts and through pointers", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  const ran = await host.run([
    ["__faasm_read_state", KEY, 0, 0],
    ["__faasm_write_state", KEY, BYTES, 8],
    ["__faasm_read_state", KEY, 0, 0],
    ["__faasm_read_state", KEY, 0x100, 4],
    ["peek", 0x100],
    ["peek", 0x104],
    ["__faasm_read_state_offset", KEY, 8, 4, 0x104, 4],
    ["peek", 0x104],
    ["__faasm_read_state_ptr", KEY, 8],
    ["peek", { step: 8 }],
    ["__faasm_read_state_ptr", KEY, 8],
    ["__faasm_read_state_offset_ptr", KEY, 8, 4, 4],
    ["peek", { step: 11 }],
    ["__faasm_write_state_offset", KEY, 8, 2, BYTES, 2],
    ["peek", { step: 8 }],
  ], data(new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])));
  assert.equal(ran.outcome.status, "ok", ran.outcome.error?.message);
  const [absent, , size, same, low, none, , high, pointer, there, again, part, inPart, , changed] = ran.results;
  assert.deepEqual([absent, size, same, low, none, high], [0, 8, 8, 0x04030201, 0, 0x08070605]);
  assert.deepEqual([there, again, part, inPart], [0x04030201, pointer, pointer! + 4, 0x08070605]);
  assert.equal(changed, 0x02010201, "what is written by a call shows through the pointer");
});

Deno.test("Faaslets that run at once see each other's writes", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier(), { wasm: guest("share") });
  const input = (choice: number) => new Uint8Array([choice, 100, 0, 0, 0]);
  const [one, other] = await Promise.all([host.call({ input: input(1) }), host.call({ input: input(2) })]);
  assert.deepEqual([one.status, other.status], ["ok", "ok"], one.error?.message ?? other.error?.message);
  const region = await host.group.state.regionRead("shared", 0, 8);
  assert.deepEqual([...region!], [100, 0, 0, 0, 100, 0, 0, 0]);
});

Deno.test("a region stays when its Faaslet is reset, and the Faaslet is the snapshot again, byte for byte", async () => {
  const global = new MemoryGlobalTier();
  const options = { wasm: guest("state_blocks"), init: "init" };
  const dump = async (host: StateHost) => (await host.call({ tableEntry: 0 })).output;
  await using other = await StateHost.open(global, options);
  const snapshot = await dump(other);
  assert.equal(snapshot.length, 262_144);
  await using host = await StateHost.open(global, options);
  await global.set(K, pattern(8192));
  for (let round = 0; round < 5; round++) {
    const mapped = await host.call({});
    assert.equal(mapped.status, "ok", mapped.error?.message);
    const view = new DataView(mapped.output.buffer, mapped.output.byteOffset);
    const text = (from: number) => new TextDecoder().decode(mapped.output.subarray(from, from + 32));
    assert.equal(view.getUint32(0, true), 131_072, "its allocator's block");
    assert.equal(text(4), "0123456789abcdef0123456789abcdef", "what lies before it is not touched");
    assert.equal(text(68), "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", "nor what lies behind it");
    const there = round === 0 ? pattern(32) : new Uint8Array(32).fill(0x77);
    assert.deepEqual(mapped.output.subarray(36, 68), there, "the value, as the last call left it");
    assert.deepEqual(await host.group.state.regionRead("k", 0, 8192), new Uint8Array(8192).fill(0x77));
    await until(async () => (await host.group.stats()).idleFaaslets === 1, "it was reset");
    assert.equal((await host.group.state.regionTotals()).mappings, 0);
    assert.deepEqual(await dump(host), snapshot);
    await until(async () => (await host.group.stats()).idleFaaslets === 1, "it was reset");
  }
  assert.equal((await host.group.stats()).restored, 1, "all of it happened in one Faaslet");
});

Deno.test("an initialiser that maps a region or holds a lock cannot be snapshotted", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  await assert.rejects(host.group.install(imageOf(5, guest("state_blocks"), { init: "init_maps" })), {
    code: "ERR_SNAPSHOT_HANDLE",
    message: /a state region is mapped/,
  });
  assert.equal((await host.group.state.regionTotals()).mappings, 0);
});

Deno.test("calls that touch a value at once lead to one pull", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  await global.set(K, pattern(5 * SIZE));
  const { promise, resolve } = Promise.withResolvers<void>();
  global.before = (operation) => operation === "pull" ? promise : Promise.resolve();
  const steps: Step[] = [["__faasm_read_state_ptr", KEY, 5 * SIZE], ["sum", { step: 0 }, 5 * SIZE]];
  const runs = Array.from({ length: 8 }, () => host.run(steps, data()));
  await until(() => global.asked.includes("pull k"), "the first asks");
  resolve();
  const sums = new Set<number>();
  for (const run of runs) sums.add((await run).results[1]!);
  assert.equal(sums.size, 1);
  assert.equal(global.asked.filter((asked) => asked === "pull k").length, 1);
  assert.equal(global.moved.pulled, 5);
});

Deno.test("only chunks that are touched are pulled, and only once", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  const value = pattern(10 * SIZE + 100);
  await global.set(K, value);
  const total = value.length;
  const ran = await host.run([
    ["__faasm_read_state", KEY, 0, 0],
    ["__faasm_read_state_offset", KEY, total, 3 * SIZE - 2, 0x100, 4],
    ["peek", 0x100],
    ["__faasm_read_state_offset_ptr", KEY, total, 10 * SIZE, 100],
    ["peek8", { step: 3, plus: 99 }],
    ["peek8", { step: 3, plus: 100 }],
    ["__faasm_read_state_offset_ptr", KEY, total, 10 * SIZE + 50, 50],
  ], data());
  assert.equal(ran.outcome.status, "ok", ran.outcome.error?.message);
  const word = new DataView(value.buffer).getUint32(3 * SIZE - 2, true);
  assert.deepEqual(ran.results.slice(0, 3), [total, 0, word | 0]);
  assert.deepEqual(ran.results.slice(4, 6), [value[10 * SIZE + 99], 0]);
  assert.equal(ran.results[6], ran.results[3]! + 50, "a part of what is mapped is not mapped again");
  assert.equal(global.moved.pulled, 3);
  const region = (await host.residency.regions())[0]!;
  assert.deepEqual([region.bytes, region.bytesHere], [total, 2 * SIZE + 100]);
});

Deno.test("a push sends the chunks that changed, whoever changed them and however", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  const value = pattern(20 * SIZE);
  await global.set(K, value);
  const ran = await host.run([
    ["__faasm_read_state_ptr", KEY, 0],
    ["poke", { step: 0, plus: 7 * SIZE + 8 }, 0x11111111],
    ["__faasm_write_state_offset", KEY, value.length, 12 * SIZE - 1, BYTES, 2],
    ["__faasm_push_state", KEY],
    ["__faasm_push_state", KEY],
  ], data(new Uint8Array([1, 2])));
  assert.equal(ran.outcome.status, "ok", ran.outcome.error?.message);
  assert.equal(global.moved.pushed, 3);
  new DataView(value.buffer).setUint32(7 * SIZE + 8, 0x11111111, true);
  value.set([1, 2], 12 * SIZE - 1);
  assert.deepEqual((await global.get(K))!.bytes, value);
  await until(async () => !(await host.residency.regions())[0]!.isMapped, "the call is over");
  await host.residency.push("k");
  assert.equal(global.moved.pushed, 3, "nothing changed since");
  assert.equal((await host.group.state.regionTotals()).bytes, 20 * SIZE, "no copy is kept of a clean value");
});

Deno.test("bytes of a chunk that two hosts changed are merged, and both have them after a partial push", async () => {
  const global = new MemoryGlobalTier();
  await using one = await StateHost.open(global);
  await using two = await StateHost.open(global);
  await global.set(K, new Uint8Array(SIZE));
  const script = (at: number, value: number): Step[] => [
    ["__faasm_read_state_ptr", KEY, SIZE],
    ["poke", { step: 0, plus: at }, value],
  ];
  await one.run(script(100, 0x0a0a0a0a), data());
  await two.run(script(200, 0x0b0b0b0b), data());
  await one.run([["__faasm_push_state", KEY]], data());
  const ran = await two.run([["__faasm_push_state_partial", KEY], ["__faasm_read_state_ptr", KEY, SIZE], [
    "peek",
    { step: 1, plus: 100 },
  ]], data());
  assert.equal(ran.results[2], 0x0a0a0a0a, ran.outcome.error?.message);
  // The first one has not looked since; it changes another place and takes in what the second one sent.
  const back = await one.run([...script(300, 0x0c0c0c0c), ["__faasm_push_state_partial", KEY], [
    "peek",
    { step: 0, plus: 200 },
  ]], data());
  assert.equal(back.results[3], 0x0b0b0b0b, back.outcome.error?.message);
  const stored = new DataView((await global.get(K))!.bytes.buffer);
  assert.deepEqual([100, 200, 300].map((at) => stored.getUint32(at, true)), [0x0a0a0a0a, 0x0b0b0b0b, 0x0c0c0c0c]);
});

Deno.test("a value that one host replaced replaces the other's; a pull fetches it, whatever was changed here", async () => {
  const global = new MemoryGlobalTier();
  await using one = await StateHost.open(global);
  await using two = await StateHost.open(global);
  await global.set(K, pattern(3 * SIZE));
  const read: Step[] = [["__faasm_read_state_ptr", KEY, 0], ["poke", { step: 0 }, 0x55555555]];
  await one.run(read, data());
  await two.run([["__faasm_write_state", KEY, BYTES, 5], ["__faasm_push_state", KEY]], data(pattern(5, 9)));
  assert.deepEqual((await global.get(K))!.bytes, pattern(5, 9));
  const pulled = await one.run([
    ["__faasm_read_state", KEY, 0, 0],
    ["__faasm_pull_state", KEY, 0],
    ["__faasm_read_state", KEY, 0x100, 5],
    ["peek", 0x100],
  ], data());
  assert.deepEqual([pulled.results[0], pulled.results[2]], [3 * SIZE, 5], pulled.outcome.error?.message);
  assert.equal(pulled.results[3], new DataView(pattern(5, 9).buffer).getUint32(0, true) | 0);
});

Deno.test("flags narrow what a push looks at, and a mask says what it sends", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  const total = 4 * SIZE;
  await global.set(K, new Uint8Array(total));
  const flagged = await host.run([
    ["__faasm_read_state_ptr", KEY, 0],
    ["poke", { step: 0 }, 1],
    ["poke", { step: 0, plus: 2 * SIZE }, 2],
    ["__faasm_flag_state_offset_dirty", KEY, total, 2 * SIZE, 4],
    ["__faasm_push_state_partial", KEY],
  ], data());
  assert.equal(flagged.outcome.status, "ok", flagged.outcome.error?.message);
  const word = async (at: number) => new DataView((await global.get(K))!.bytes.buffer).getUint32(at, true);
  assert.deepEqual(
    [await word(0), await word(2 * SIZE)],
    [0, 2],
    "the other change is not pushed by who did not flag it",
  );
  await host.run([["__faasm_push_state", KEY]], data());
  assert.equal(await word(0), 1, "and is found by who flags nothing");
  const masked = await host.run([
    ["__faasm_read_state_ptr", KEY, 0],
    ["__faasm_read_state_ptr", OTHER, total],
    ["poke", { step: 0, plus: 16 }, 0x04030201],
    ["poke", { step: 1, plus: 16 }, 0x00ff00ff],
    ["__faasm_push_state_partial_mask", KEY, OTHER],
    ["peek", { step: 1, plus: 16 }],
    ["peek", { step: 0, plus: 16 }],
  ], data());
  assert.equal(masked.outcome.status, "ok", masked.outcome.error?.message);
  assert.equal(await word(16), 0x00030001, "only what the mask names");
  assert.deepEqual(masked.results.slice(5), [0, 0x04030201], "the mask is empty, what was written is still there");
  await host.run([["__faasm_push_state", KEY]], data());
  assert.equal(await word(16), 0x04030201);
});

Deno.test("a push on condition is refused when the value is of another version", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  const made = await host.run([
    ["__faaslet_state_version", KEY],
    ["__faasm_write_state", KEY, BYTES, 4],
    ["__faaslet_push_state_if", KEY, 0],
    ["__faaslet_state_version", KEY],
    ["__faasm_write_state", KEY, BYTES, 3],
    ["__faaslet_push_state_if", KEY, 0],
    ["__faaslet_push_state_if", KEY, { step: 3 }],
    ["__faaslet_state_version", KEY],
  ], data(pattern(4)));
  assert.equal(made.outcome.status, "ok", made.outcome.error?.message);
  const [none, , first, version, , exists, second, next] = made.wide;
  assert.deepEqual([none, first, exists, second], [0n, 0n, 1n, 0n]);
  assert.ok(version! > 0n && next! > version!);
  await global.set(K, pattern(9));
  const lost = await host.run([
    ["__faaslet_state_version", KEY],
    ["__faaslet_push_state_if", KEY, { step: 0 }],
    ["__faasm_pull_state", KEY, 0],
    ["__faaslet_state_version", KEY],
    ["__faasm_write_state_offset", KEY, 9, 0, BYTES, 1],
    ["__faaslet_push_state_if", KEY, { step: 3 }],
    ["__faaslet_push_state_if", KEY, { step: 0 }],
  ], data(new Uint8Array([77])));
  assert.equal(lost.outcome.status, "ok", lost.outcome.error?.message);
  assert.deepEqual([lost.wide[0] === next, lost.wide[1], lost.wide[5], lost.wide[6]], [true, 1n, 0n, 1n]);
  assert.equal((await global.get(K))!.bytes[0], 77);
});

Deno.test("appended records are read in their order; fewer than asked for is an error that says how many", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  const ran = await host.run([
    ["__faasm_append_state", KEY, BYTES, 3],
    ["__faasm_append_state", KEY, BYTES + 3, 1],
    ["__faasm_read_appended_state", KEY, 0x100, 4, 2],
    ["peek", 0x100],
  ], data(new Uint8Array([1, 2, 3, 4])));
  assert.equal(ran.results[3], 0x04030201, ran.outcome.error?.message);
  const more = await host.run([["__faasm_read_appended_state", KEY, 0x100, 64, 3]], data());
  assert.match(more.outcome.error?.message ?? "", /3 records were asked for, but there are 2/);
  const narrow = await host.run([["__faasm_read_appended_state", KEY, 0x100, 3, 2]], data());
  assert.equal(narrow.outcome.error?.code, "ERR_GUEST_MISUSE");
  const cleared = await host.run(
    [["__faasm_clear_appended_state", KEY], ["__faasm_read_appended_state", KEY, 0, 0, 0]],
    data(),
  );
  assert.equal(cleared.outcome.status, "ok", cleared.outcome.error?.message);
});

Deno.test("a file becomes a value", async () => {
  const files = [{ path: "/data/weights", bytes: pattern(100_000) }];
  await using host = await StateHost.open(new MemoryGlobalTier(), { image: { files } });
  const path = data(new TextEncoder().encode("/data/weights\0"));
  const ran = await host.run([["__faasm_write_state_from_file", KEY, BYTES]], path);
  assert.equal(ran.results[0], 100_000, ran.outcome.error?.message);
  assert.deepEqual(await host.group.state.regionRead("k", 0, 200_000), files[0]!.bytes);
  const missing = await host.run(
    [["__faasm_write_state_from_file", KEY, BYTES]],
    data(new TextEncoder().encode("/data\0")),
  );
  assert.equal(missing.outcome.error?.code, "ERR_GUEST_MISUSE");
});
