/**
 * H07: guests that use up their stack. Goal: `ERR_GUEST_STACK` each time, whatever the stack ended in, and the process
 * lives on. Method: recursion by itself, through host functions that are called at every depth, through tables, with small
 * and with huge frames; on all threads at once.
 */
import assert from "node:assert/strict";
import type { CallOutcome } from "../../runtime/mod.ts";
import { attackTest, words } from "../support/attack.ts";
import { assemble } from "../support/guests.ts";
import { rounds, seeded } from "../support/long.ts";

function assertStack({ status, error, output }: CallOutcome, what: string): void {
  assert.equal(status, "trap", what);
  assert.equal(error?.code, "ERR_GUEST_STACK", `${what}: ${error?.message}`);
  assert.match(error!.message, /call stack exhausted/);
  assert.equal(output.length, 0);
}

attackTest("H07: recursion without end ends, and its Faaslet with it", async (attack) => {
  const plain = await attack.install("recursion");
  const withHost = await attack.install("recursion", { entry: "with_host" });
  for (let round = 0; round < rounds(5, 500); round++) {
    for (const target of [plain, withHost]) {
      const { discarded } = await attack.settled(1, async () => assertStack(await attack.call(target), "recursion"));
      assert.equal(discarded, 1);
    }
  }
});

attackTest("H07: a host function that is called with the stack nearly full has room of its own", async (attack) => {
  const random = seeded(7);
  const target = await attack.install("deep_host");
  // Each frame writes 64 bytes to a log that counts them: that many frames there are.
  const { stdoutBytes } = await attack.call(target, { input: words(2, 0, 0) });
  const depth = stdoutBytes / 64;
  assert.ok(depth > 10_000, `${depth} frames`);
  for (let host = 0; host < 8; host++) {
    for (let round = 0; round < rounds(6, 500); round++) {
      const frames = Math.floor(random() * 64);
      const outcome = await attack.call(target, { input: words(host, frames, depth - 40) });
      assertStack(outcome, `host function ${host} behind ${frames} frames`);
    }
  }
});

/** Recursion with so many locals in each frame, all of them in use behind the call. */
function wide(locals: number, kind: "i64" | "v128"): Uint8Array {
  const names = Array.from({ length: locals }, (_, at) => `$l${at}`);
  const load = (at: number) => `(local.set $l${at} (${kind}.load (i32.const ${(at % 4_000) * 16})))`;
  const store = (at: number) => `(${kind}.store (i32.const ${(at % 4_000) * 16}) (local.get $l${at}))`;
  return assemble(`(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (func $down ${names.map((name) => `(local ${name} ${kind})`).join(" ")}
      ${names.map((_, at) => load(at)).join(" ")}
      (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 64)))
      (call $down)
      ${names.map((_, at) => store(at)).join(" ")})
    (func (export "main") (call $down)))`);
}

attackTest("H07: frames of any size end before the stack does", async (attack) => {
  for (const [locals, kind] of [[100, "i64"], [2_000, "i64"], [1_000, "v128"], [4_000, "v128"]] as const) {
    const target = await attack.install(wide(locals, kind));
    assertStack(await attack.call(target), `${locals} locals of type ${kind}`);
  }
});

attackTest(
  "H07: recursion through a table and in an initialiser ends as well; a tail call has no end to come to",
  async (attack) => {
    const indirect = await attack.install(assemble(`(module
    (type $f (func (result i32))) (table 1 funcref) (elem (i32.const 0) $down)
    (func $down (result i32) (i32.add (i32.const 1) (call_indirect (type $f) (i32.const 0))))
    (func (export "main") (result i32) (call $down)))`));
    assertStack(await attack.call(indirect), "through a table");
    const init = { init: "main", entry: "with_host" };
    await assert.rejects(attack.install("recursion", init), { code: "ERR_INIT", message: /call stack exhausted/ });
    // It ends at its deadline only.
    const tail = await attack.install(tailCalls());
    assert.equal((await attack.call(tail, { timeoutMs: 50 })).status, "timeout");
  },
);

/** `(func $f return_call $f)`, which the assembler of the tests does not know. */
function tailCalls(): Uint8Array {
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...[1, 4, 1, 0x60, 0, 0],
    ...[3, 2, 1, 0],
    ...[7, 8, 1, 4, 0x6d, 0x61, 0x69, 0x6e, 0, 0],
    ...[10, 6, 1, 4, 0, 0x12, 0, 0x0b],
  ]);
}

attackTest(
  "H07: recursion through a callback of the host's ends, as does whatever else the guest does in it",
  async (attack) => {
    const target = await attack.install("allocator");
    for (let round = 0; round < rounds(3, 100); round++) {
      assertStack(await attack.call(target, { input: words(0) }), "memory for memory");
    }
    const endOf = async (number: number) => {
      const { status, error, returnValue } = await attack.call(target, { input: words(number), timeoutMs: 100 });
      return [status, error?.code ?? returnValue];
    };
    assert.deepEqual(await endOf(1), ["timeout", "ERR_CALL_TIMEOUT"]);
    assert.deepEqual(await endOf(2), ["guest-error", 5]);
    assert.deepEqual(await endOf(3), ["trap", "ERR_GUEST_TRAP"]);
    assert.deepEqual(await endOf(4), ["trap", "ERR_GUEST_MISUSE"]);
    assert.deepEqual(await endOf(5), ["trap", "ERR_GUEST_MISUSE"]);
    const id = attack.nextCall();
    const looping = attack.call(target, { id, input: words(1) });
    attack.group.cancel(id);
    assert.equal((await looping).status, "cancelled");
  },
);

attackTest("H07: many stacks that are full at once leave the others theirs", async (attack) => {
  const target = await attack.install("recursion");
  for (let round = 0; round < rounds(1, 20); round++) {
    const calls = Array.from({ length: 40 }, () => attack.call(target));
    for (const outcome of await attack.withBystander(Promise.all(calls))) assertStack(outcome, "one of many");
  }
});
