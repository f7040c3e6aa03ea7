/**
 * Goal: whatever two hosts do with one value, no byte that one of them wrote is lost, and both have the same in the end.
 * Method: random events from a seed, each byte written by one host only; the same on a plain array.
 */
import assert from "node:assert/strict";
import { STATE_LIMITS } from "../limits.ts";
import { type GlobalTier, KvGlobalTier, openKv } from "../state/mod.ts";
import { rounds, seeded } from "./support/long.ts";
import { MemoryGlobalTier } from "./support/memory_global_tier.ts";
import { DATA, type Step } from "./support/probe.ts";
import { StateHost, TENANT } from "./support/state_host.ts";

const CHUNK = STATE_LIMITS.chunkBytes;
const BYTES = 3 * CHUNK + 1_000;
const K = { tenant: TENANT, key: "k" };
const KEY = new TextEncoder().encode("k\0");

/** Host `one` writes even bytes, host `two` odd ones. */
function randomSteps(random: () => number, host: number, model: Uint8Array): Step[] {
  const steps: Step[] = [];
  const place = () => Math.floor(random() * BYTES / 2) * 2 + host;
  const kind = Math.floor(random() * 6);
  const value = Math.floor(random() * 255) + 1;
  const at = Math.min(place(), BYTES - 2 + host);
  if (kind === 0) {
    // Through a pointer, with others' bytes around it.
    steps.push(["__faasm_read_state_ptr", DATA, BYTES], ["poke8", { step: 0, plus: at }, value]);
    model[at] = value;
  } else if (kind === 1) {
    steps.push(["poke", 0x100, value], ["__faasm_write_state_offset", DATA, BYTES, at, 0x100, 1]);
    model[at] = value;
  } else if (kind === 2) {
    steps.push(["__faasm_push_state", DATA]);
  } else if (kind === 3) {
    steps.push(["__faasm_push_state_partial", DATA]);
  } else if (kind === 4) {
    // A change while it is mapped, pushed by the call itself.
    steps.push(
      ["__faasm_read_state_offset_ptr", DATA, BYTES, at, 1],
      ["poke8", { step: 0 }, value],
      ["__faasm_flag_state_offset_dirty", DATA, BYTES, at, 1],
      ["__faasm_push_state_partial", DATA],
    );
    model[at] = value;
  }
  return steps;
}

async function simulate(global: Partial<GlobalTier>, seed: number, events: number): Promise<void> {
  const random = seeded(seed);
  await using one = await StateHost.open(global);
  await using two = await StateHost.open(global);
  const hosts = [one, two];
  const model = new Uint8Array(BYTES);
  await global.set!(K, model);
  for (let event = 0; event < events; event++) {
    // Sometimes both at once.
    const acting = random() < 0.3 ? [0, 1] : [Math.floor(random() * 2)];
    await Promise.all(acting.map(async (number) => {
      const host = hosts[number]!;
      const steps = randomSteps(random, number, model);
      if (steps.length === 0) return void await host.group.state.regionDrop("k");
      const { outcome } = await host.run(steps, KEY);
      assert.equal(outcome.status, "ok", `seed ${seed}, event ${event}: ${outcome.error?.message}`);
    }));
  }
  for (const host of [one, two, one]) await host.run([["__faasm_push_state_partial", DATA]], KEY);
  for (const [number, host] of hosts.entries()) {
    await host.run([["__faasm_read_state_ptr", DATA, 0]], KEY);
    const region = await host.group.state.regionRead("k", 0, BYTES);
    assert.equal(firstDifference(region!, model), undefined, `seed ${seed}: host ${number} has another byte`);
  }
  const stored = await global.get!(K);
  assert.equal(firstDifference(stored!.bytes, model), undefined, `seed ${seed}: the global tier has another byte`);
}

function firstDifference(bytes: Uint8Array, expected: Uint8Array): string | undefined {
  if (bytes.length !== expected.length) return `${bytes.length} bytes`;
  const at = bytes.findIndex((byte, place) => byte !== expected[place]);
  return at < 0 ? undefined : `at ${at}: ${bytes[at]} for ${expected[at]}`;
}

Deno.test("two hosts lose no byte of each other's, whatever they do", async () => {
  for (let seed = 1; seed <= rounds(12, 300); seed++) await simulate(new MemoryGlobalTier(), seed, 40);
});

Deno.test("two hosts lose no byte of each other's over a store either", async () => {
  for (let seed = 1; seed <= rounds(3, 30); seed++) {
    const kv = await openKv(":memory:");
    const global = new KvGlobalTier({ kv });
    try {
      await simulate(global, seed, 30);
    } finally {
      await global.close();
      kv.close();
    }
  }
});
