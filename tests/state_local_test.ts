/**
 * Goal: the local tier as guests see it. Method: the probe calls host functions as a script says; a global tier in memory counts
 * what it is asked for.
 */
import assert from "node:assert/strict";
import { MemoryGlobalTier } from "./support/memory_global_tier.ts";
import { DATA } from "./support/probe.ts";
import { StateHost } from "./support/state_host.ts";

const KEY = DATA;
const text = (value: string) => new TextEncoder().encode(`${value}\0`);

Deno.test("a value that is written is read back, whole and in parts", async () => {
  const global = new MemoryGlobalTier();
  await using host = await StateHost.open(global);
  const data = new Uint8Array(256);
  data.set(text("k"));
  data.set([1, 2, 3, 4, 5, 6, 7, 8], 64);
  const ran = await host.run([
    ["__faasm_read_state", KEY, 0, 0],
    ["__faasm_write_state", KEY, DATA + 64, 8],
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
  ], data);
  assert.equal(ran.outcome.status, "ok", ran.outcome.error?.message);
  const [absent, , size, same, low, none, , high, pointer, there, again, part, inPart] = ran.results;
  assert.deepEqual([absent, size, same, low, none, high], [0, 8, 8, 0x04030201, 0, 0x08070605]);
  assert.deepEqual([there, again, part, inPart], [0x04030201, pointer, pointer! + 4, 0x08070605]);
});
