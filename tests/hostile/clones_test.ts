/**
 * H12: a thousand Faaslets of one snapshot. Goal: what the host gives them is fresh in each, a generator that the snapshot
 * froze is renewed by the hook, and no clock goes back. Method: a guest that says all of it; without its hook it has to repeat
 * itself, or the test would show nothing.
 */
import assert from "node:assert/strict";
import { type Attack, attackTest } from "../support/attack.ts";

const COUNT = 1_000;

interface Said {
  readonly renewed: bigint;
  readonly frozen: bigint;
  readonly fresh: string;
  readonly monotonic: bigint;
  readonly real: bigint;
}

async function ask(attack: Attack, target: number, start: "proto" | "warm"): Promise<Said> {
  const { status, output, start: started } = await attack.call(target, { start });
  assert.deepEqual([status, output.length], ["ok", 48]);
  if (start === "proto") assert.equal(started, "proto");
  const view = new DataView(output.buffer, output.byteOffset);
  return {
    renewed: view.getBigUint64(0, true),
    frozen: view.getBigUint64(8, true),
    fresh: output.subarray(16, 32).toHex(),
    monotonic: view.getBigUint64(32, true),
    real: view.getBigUint64(40, true),
  };
}

attackTest(
  "H12: a thousand restores of one snapshot share no random number, and their clocks go on",
  async (attack) => {
    const target = await attack.install("generator", { init: "init" });
    const all: Said[] = [];
    // One after another, so that there is an order; some of them in a Faaslet that was reset.
    for (let call = 0; call < COUNT; call++) all.push(await ask(attack, target, call % 4 === 3 ? "warm" : "proto"));
    assert.equal(new Set(all.map(({ fresh }) => fresh)).size, COUNT, "random_get");
    assert.equal(new Set(all.map(({ renewed }) => renewed)).size, COUNT, "a generator behind the hook");
    assert.equal(new Set(all.map(({ frozen }) => frozen)).size, 1, "a generator without it: each call is a clone");
    all.forEach(({ monotonic, real }, call) => {
      const before = all[call - 1];
      if (before === undefined) return;
      assert.ok(monotonic >= before.monotonic, "the monotonic clock");
      // The machine's own may be set meanwhile; a snapshot's would be minutes old.
      assert.ok(real > before.real - 1_000_000_000n, "the real clock");
    });
  },
);

attackTest("H12: so do a thousand that run side by side", async (attack) => {
  const target = await attack.install("generator", { init: "init" });
  const all = await Promise.all(Array.from({ length: COUNT }, () => ask(attack, target, "proto")));
  assert.equal(new Set(all.map(({ fresh }) => fresh)).size, COUNT);
  assert.equal(new Set(all.map(({ renewed }) => renewed)).size, COUNT);
});
