/**
 * Goal: what a hostile guest can try with state (H03 to H05, H44 on one host, H45), and what an initialiser and a full host do.
 * Method: scripts of the probe; two guests at once for races; the values of others are looked at afterwards.
 */
import assert from "node:assert/strict";
import { STATE_LIMITS } from "../../limits.ts";
import { guest } from "../support/guests.ts";
import { rounds } from "../support/long.ts";
import { MemoryGlobalTier } from "../support/memory_global_tier.ts";
import { type Argument, DATA, type Step } from "../support/probe.ts";
import { StateHost, TENANT } from "../support/state_host.ts";
import { until } from "../support/until.ts";

const KEY = DATA;
const OTHER = DATA + 16;
const BYTES = DATA + 64;
const PAGE = 4_096;
const K = { tenant: TENANT, key: "k" };

function data(bytes: Uint8Array = new Uint8Array(0), key = "k"): Uint8Array {
  const all = new Uint8Array(64 + bytes.length);
  all.set(new TextEncoder().encode(key));
  all.set(new TextEncoder().encode("other"), 16);
  all.set(bytes, 64);
  return all;
}

/** The code that a script ends with. */
async function codeOf(host: StateHost, steps: readonly Step[], bytes = data()): Promise<string | undefined> {
  return (await host.run(steps, bytes)).outcome.error?.code;
}

Deno.test("H03: a key that flips while it is read names one of its two values, never a mix", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier(), { wasm: guest("share") });
  const put = async (key: string, bytes: Uint8Array) => {
    const head = { version: "0".repeat(19) + "1", bytes: bytes.length, hashes: new Uint8Array(16).fill(1) };
    await host.group.state.regionFill(key, 0, bytes, false);
    await host.group.state.regionCommit(key, head, false);
  };
  await put("a", new Uint8Array(1));
  await put("b", new Uint8Array(2));
  const shared = new Uint8Array(128);
  shared.set(new TextEncoder().encode("a"), 64);
  await put("shared", shared);
  const input = new Uint8Array([3, 0, 0, 0, 0]);
  new DataView(input.buffer).setUint32(1, rounds(20_000, 100_000), true);
  const flipping = host.call({ input: new Uint8Array([4, 0, 0, 0, 0]) });
  const read = await host.call({ input });
  assert.deepEqual([read.status, read.returnValue], ["ok", 0], read.error?.message);
  assert.equal((await flipping).status, "ok");
  const keys = (await host.residency.regions()).map(({ key }) => key).sort();
  assert.deepEqual(keys, ["a", "b", "shared"]);
});

Deno.test("H04: a value of 1 MiB that is read into 16 bytes writes 16 bytes, and its size is returned", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  await global.set(K, new Uint8Array(1 << 20).fill(7));
  const ran = await host.run([
    ["fill", 0, 0x11, 4096],
    ["__faasm_read_state", KEY, 0x100, 16],
    ["peek", 0xfc],
    ["peek", 0x100],
    ["peek", 0x10c],
    ["peek", 0x110],
  ], data());
  assert.deepEqual(ran.results.slice(1), [1 << 20, 0x11111111, 0x07070707, 0x07070707, 0x11111111]);
});

Deno.test("H05: parts outside of a value trap by name, and change nothing", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  const size = 100_000;
  const value = Uint8Array.from({ length: size }, (_, at) => at % 251);
  const neighbour = new Uint8Array(size).fill(9);
  await global.set(K, value);
  await global.set({ tenant: TENANT, key: "other" }, neighbour);
  await host.run([["__faasm_read_state_ptr", KEY, 0], ["__faasm_read_state_ptr", OTHER, 0]], data());
  const parts: readonly (readonly [number, number])[] = [
    [-4, 8],
    [size - 1, 2],
    [2 ** 31, 1],
    [0, 2 ** 32 - 1],
    [2 ** 32 - 1, 1],
    [size, 1],
    [size + 1, 0],
    [2 ** 31, 2 ** 31],
  ];
  for (const total of [size, 0, 2 ** 32 - 1]) {
    for (const [offset, length] of parts) {
      const calls: readonly Step[] = [
        ["__faasm_write_state_offset", KEY, total, offset, 0, length],
        ["__faasm_read_state_offset", KEY, total, offset, 0, length],
        ["__faasm_read_state_offset_ptr", KEY, total, offset, length],
        ["__faasm_flag_state_offset_dirty", KEY, total, offset, length],
      ];
      for (const step of calls) {
        const code = await codeOf(host, [step]);
        // A flag is a hint: what is within total may be flagged.
        const isHint = step[0] === "__faasm_flag_state_offset_dirty" && total === 2 ** 32 - 1;
        const expected = isHint ? [undefined, "ERR_GUEST_MISUSE"] : ["ERR_GUEST_MISUSE", "ERR_GUEST_POINTER"];
        // Nothing at all, behind the end, is nothing.
        if (length === 0 && total === 2 ** 32 - 1) expected.push("ERR_GUEST_MISUSE");
        assert.ok(expected.includes(code as never), `${step.join(" ")}: ${code}`);
      }
    }
  }
  assert.deepEqual(await host.group.state.regionRead("k", 0, size), value);
  assert.deepEqual(await host.group.state.regionRead("other", 0, size), neighbour);
});

Deno.test("H44: a lock is freed when its call ends, in whatever way", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  const lock: Step = ["__faasm_lock_state_write", KEY];
  assert.equal(await codeOf(host, [lock]), undefined, "by returning");
  assert.equal(await codeOf(host, [lock, ["peek", -1]]), "ERR_GUEST_TRAP");
  assert.equal(await codeOf(host, [lock, ["__faasm_host_interface_test", 1]]), "ERR_BUG");
  assert.equal(await codeOf(host, [lock, ["__faasm_read_input", -1, -1]]), "ERR_GUEST_POINTER");
  // One holds it and waits for something else; those that want it end by their deadline or by a cancel, and then it by its own.
  const busy = await global.lock({ tenant: TENANT, key: "other" }, "write");
  const holder = host.nextId;
  const holding = host.run([lock, ["__faasm_lock_state_global", OTHER]], data());
  // The first to ask was this test.
  await until(() => global.asked.filter((what) => what === "lock other").length === 2, "it holds the lock");
  const late = await host.run([lock], data(), { timeoutMs: 50 });
  assert.equal(late.outcome.status, "timeout");
  const cancelled = host.nextId;
  const waiting = [host.run([lock], data()), host.run([["__faasm_lock_state_read", KEY]], data())];
  host.group.cancel(cancelled);
  assert.equal((await waiting[0])!.outcome.status, "cancelled");
  host.group.cancel(holder);
  assert.equal((await holding).outcome.status, "cancelled");
  assert.equal((await waiting[1])!.outcome.status, "ok", "who waited on, has it");
  assert.equal(await codeOf(host, [lock]), undefined, "and then it is free");
  await busy.release();
  assert.deepEqual(await host.residency.regions(), [], "a lock is no value");
});

Deno.test("H44: a lock that is misused is a trap with a name", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  const word = (name: string, key = KEY): Step => [`__faasm_${name}`, key];
  const misuses: readonly (readonly Step[])[] = [
    [word("unlock_state_read")],
    [word("unlock_state_write")],
    [word("lock_state_read"), word("unlock_state_write")],
    [word("lock_state_write"), word("unlock_state_read")],
    [word("lock_state_write"), word("unlock_state_write"), word("unlock_state_write")],
    [word("lock_state_read"), word("lock_state_read")],
    [word("lock_state_write"), word("lock_state_write")],
    [word("lock_state_read"), word("lock_state_write")],
    [word("lock_state_read"), word("unlock_state_read", OTHER)],
    [word("unlock_state_global")],
    [word("lock_state_global"), word("lock_state_global_read")],
    [word("lock_state_global_read"), word("unlock_state_global_write")],
  ];
  for (const steps of misuses) {
    assert.equal(await codeOf(host, steps), "ERR_GUEST_MISUSE", steps.map(([name]) => name).join());
  }
  const held = host.run([word("lock_state_write"), ["__faasm_lock_state_global", KEY]], data());
  await held;
  assert.equal(await codeOf(host, [word("unlock_state_write")]), "ERR_GUEST_MISUSE", "another call's");
});

Deno.test("H44: a hundred readers do not keep a writer out", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier(), { group: { threadsMax: 128 } });
  await host.run([["__faasm_write_state", KEY, BYTES, 4]], data(new Uint8Array(4)));
  const read: readonly Step[] = Array.from({ length: 200 }, (_, at): Step[] => [
    ["__faasm_lock_state_read", KEY],
    ["__faasm_read_state", KEY, 0x100 + 4 * (at % 8), 4],
    ["sched_yield"],
    ["__faasm_unlock_state_read", KEY],
  ]).flat();
  let isOver = false;
  let readings = 0;
  const readers = Array.from({ length: 100 }, async () => {
    while (!isOver) {
      const { outcome } = await host.run(read, data());
      assert.equal(outcome.status, "ok", outcome.error?.message);
      readings++;
    }
  });
  for (let round = 0; round < 10; round++) {
    const wrote = await host.run([
      ["__faasm_lock_state_write", KEY],
      ["__faasm_write_state", KEY, BYTES, 4],
      ["__faasm_unlock_state_write", KEY],
    ], data(new Uint8Array([round, 0, 0, 0])));
    assert.equal(wrote.outcome.status, "ok", wrote.outcome.error?.message);
  }
  isOver = true;
  await Promise.all(readers);
  assert.ok(readings > 0);
});

Deno.test("H44: a global lock is freed when its call ends, and a push under one that was lost is refused", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  await host.run([["__faasm_lock_state_global", KEY], ["__faasm_write_state", KEY, BYTES, 1], [
    "__faasm_push_state",
    KEY,
  ]], data(new Uint8Array([5])));
  await until(() => global.holders(K) === 0, "the lock of an ended call is freed");
  assert.equal(await codeOf(host, [["__faasm_lock_state_global_write", KEY], ["peek", -1]]), "ERR_GUEST_TRAP");
  await until(() => global.holders(K) === 0, "the lock of a trapped call is freed");
  const waiting = host.nextId + 1;
  const holder = await global.lock(K, "write");
  const read = host.run([["__faasm_lock_state_global_read", KEY]], data(), { timeoutMs: 100 });
  assert.equal((await read).outcome.status, "timeout");
  const cancelled = host.run([["__faasm_lock_state_global_read", KEY]], data());
  host.group.cancel(waiting);
  assert.equal((await cancelled).outcome.status, "cancelled");
  await holder.release();
  assert.equal(global.holders(K), 0, "who gave up, never gets it");
  global.before = (operation) => {
    if (operation === "push") global.lose(K);
    return Promise.resolve();
  };
  const steps: Step[] = [["__faasm_lock_state_global", KEY], ["__faasm_write_state", KEY, BYTES, 1], [
    "__faasm_push_state",
    KEY,
  ]];
  assert.equal(await codeOf(host, steps, data(new Uint8Array([6]))), "ERR_LOCK_LOST");
  assert.deepEqual([...(await global.get(K))!.bytes], [5]);
});

Deno.test("H45: behind the end of a value of any size there are zeros, whatever others wrote there", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  for (const size of [1, 5, PAGE - 1, PAGE, PAGE + 1, 65_535, 65_536, 65_537, 100_001]) {
    const key = data(new Uint8Array(size).fill(3), `k${size}`);
    const rest = Math.ceil(size / PAGE) * PAGE - size;
    const tail: Step[] = rest === 0
      ? []
      : [["sum", { step: 1, plus: size }, rest], ["fill", { step: 1, plus: size }, 0x77, rest]];
    const steps: Step[] = [["__faasm_write_state", KEY, BYTES, size], ["__faasm_read_state_ptr", KEY, 0], ["peek8", {
      step: 1,
      plus: size - 1,
    }], ...tail];
    for (let round = 0; round < 2; round++) {
      const { results, outcome } = await host.run(steps, key);
      assert.equal(outcome.status, "ok", outcome.error?.message);
      assert.deepEqual([results[2], results[3] ?? 0], [3, 0], `a value of ${size} bytes`);
    }
    // What was written behind the end is no part of the value when that grows.
    const grown = new Uint8Array(size + 10).fill(3, 0, size);
    const { results } = await host.run([["__faasm_read_state_ptr", KEY, 0], [
      "fill",
      { step: 0, plus: size },
      0x77,
      rest,
    ]], key);
    assert.ok(results[0]! > 0);
    await host.run([["__faasm_write_state", KEY, BYTES, size + 10]], data(grown, `k${size}`));
    assert.deepEqual(await host.group.state.regionRead(`k${size}`, 0, size + 100), grown);
  }
});

Deno.test("H45: a value that becomes shorter, longer or goes while it is mapped leaves memory that can be used", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  const big = 1 << 20;
  const zeros: Argument[] = [KEY, big, 0, BYTES, 0];
  const all: Step[] = [
    ["__faasm_write_state_offset", ...zeros],
    ["__faasm_read_state_ptr", KEY, 0],
    ["fill", { step: 1 }, 0x42, big],
    ["__faasm_write_state", KEY, BYTES, 3],
    ["peek", { step: 1 }],
    ["sum", { step: 1, plus: 4 }, big - 4],
    ["fill", { step: 1 }, 0x43, big],
    ["__faasm_write_state", KEY, 0, 0x8000],
    ["__faasm_read_state_ptr", KEY, 0],
    ["peek", { step: 8, plus: 0x7ffc }],
  ];
  const ran = await host.run(all, data(new Uint8Array([1, 2, 3])));
  assert.equal(ran.outcome.status, "ok", ran.outcome.error?.message);
  assert.deepEqual([ran.results[4], ran.results[5]], [0x00030201, 0], "what was cut off is zero");
  assert.equal(ran.results[8], ran.results[1], "the same pages, the same address");
  // Somebody deletes it while a guest spins over it.
  const spinning = host.run(
    Array.from(
      { length: 300 },
      (): Step[] => [["__faasm_read_state_ptr", OTHER, big], ["sum", 0, 1000], ["peek8", KEY]],
    ).flat(),
    data(),
  );
  for (let round = 0; round < 20; round++) {
    await host.group.state.regionForget("other");
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const { outcome } = await spinning;
  assert.ok(outcome.status === "ok" || outcome.error?.code === "ERR_GUEST_MISUSE", outcome.error?.message);
  await until(async () => (await host.group.state.regionTotals()).mappings === 0, "all is unmapped");
});

Deno.test("H45: a call may have so many pointers, and no more", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  const max = STATE_LIMITS.callMappingsMax;
  await host.run([["__faasm_write_state_offset", KEY, 64 << 20, 0, 0, 0]], data());
  const same = await host.run(
    Array.from({ length: 2_000 }, (): Step => ["__faasm_read_state_ptr", KEY, 65_536]),
    data(),
  );
  assert.equal(new Set(same.results).size, 1, same.outcome.error?.message);
  const parts = (count: number) =>
    Array.from({ length: count }, (_, at): Step => ["__faasm_read_state_offset_ptr", KEY, 64 << 20, at * PAGE * 2, 1]);
  const most = await host.run(parts(max), data());
  assert.equal(most.outcome.status, "ok", most.outcome.error?.message);
  assert.equal(new Set(most.results).size, max);
  assert.equal(await codeOf(host, parts(max + 1)), "ERR_QUOTA");
  await until(async () => (await host.group.state.regionTotals()).mappings === 0, "all is unmapped");
});

Deno.test("H45: values are within their limits, at the limit and beyond", async () => {
  await using host = await StateHost.open(new MemoryGlobalTier());
  const { valueBytesMax, keyBytesMax } = STATE_LIMITS;
  assert.equal(await codeOf(host, [["__faasm_write_state_offset", KEY, valueBytesMax, 0, 0, 1]]), undefined);
  assert.equal(
    await codeOf(host, [["__faasm_write_state_offset", OTHER, valueBytesMax + 1, 0, 0, 1]]),
    "ERR_STATE_LIMIT",
  );
  for (const [length, code] of [[keyBytesMax, undefined], [keyBytesMax + 1, "ERR_GUEST_MISUSE"]] as const) {
    const long = new TextEncoder().encode("k".repeat(length) + "\0");
    assert.equal(await codeOf(host, [["__faasm_lock_state_read", BYTES]], data(long)), code);
  }
  for (const key of ["", "..", "a/../b", "a\nb", "a\u0085b", "./x"]) {
    assert.equal(await codeOf(host, [["__faasm_lock_state_read", KEY]], data(undefined, key)), "ERR_NAME_INVALID", key);
  }
  assert.equal(
    await codeOf(host, [["__faasm_append_state", KEY, 0, STATE_LIMITS.recordBytesMax + 1]]),
    "ERR_STATE_LIMIT",
  );
});

Deno.test("H45: a host that is full of what was not pushed says so, and frees what was", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global, { group: { stateBytesMax: 2 << 20 } });
  const size = 256 << 10;
  const write = (at: number, ...more: Step[]) =>
    host.run([["__faasm_write_state_offset", KEY, size, 0, BYTES, 1], ...more], data(new Uint8Array([at]), `v${at}`));
  for (let at = 0; at < 30; at++) {
    const { outcome } = await write(at, ["__faasm_push_state", KEY]);
    assert.equal(outcome.status, "ok", outcome.error?.message);
  }
  const here = await host.residency.regions();
  assert.ok(here.length >= 4 && here.length <= 8, `${here.length} values are here`);
  assert.deepEqual(
    here.map(({ key }) => key).sort(),
    Array.from(here, (_, at) => `v${29 - at}`).sort(),
    "those used last",
  );
  // One that went comes back as it was.
  const back = await host.run([["__faasm_read_state", KEY, 0x100, 1], ["peek8", 0x100]], data(undefined, "v3"));
  assert.deepEqual(back.results, [size, 3]);
  const codes = [];
  for (let at = 100; at < 110; at++) codes.push((await write(at)).outcome.error?.code);
  assert.equal(codes.filter((code) => code === "ERR_QUOTA").length, 2, codes.join());
  assert.equal(codes[0], undefined);
  assert.ok((await host.group.state.regionTotals()).bytes <= 2 << 20);
  await host.residency.push("v100");
  assert.equal((await write(110)).outcome.status, "ok", "there is room again");
});
