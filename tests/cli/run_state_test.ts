/** Goal: `faaslet run` has state with no server. Method: a program that counts its runs, in a directory and without one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { faaslet } from "../support/cli.ts";
import { assemble } from "../support/guests.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

/** Adds one to the first byte of "runs" and pushes it; its exit code is the sum. With an argument it does so in a chained call. */
const COUNTER = `(module
  (import "env" "__faasm_read_state_ptr" (func $pointer (param i32 i32) (result i32)))
  (import "env" "__faasm_push_state" (func $push (param i32)))
  (import "env" "__faasm_lock_state_global" (func $lock (param i32)))
  (import "env" "__faasm_chain_this" (func $again (param i32 i32 i32) (result i32)))
  (import "env" "__faasm_get_idx" (func $index (result i32)))
  (import "env" "__faasm_await_call" (func $await (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "runs\\00")
  (func (export "main") (result i32)
    (local $value i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (if (i32.and (i32.gt_u (i32.load (i32.const 0)) (i32.const 1)) (i32.eqz (call $index)))
      (then (return (call $await (call $again (i32.const 1) (i32.const 0) (i32.const 0))))))
    (call $lock (i32.const 64))
    (local.set $value (call $pointer (i32.const 64) (i32.const 4)))
    (i32.store (local.get $value) (i32.add (i32.load (local.get $value)) (i32.const 1)))
    (call $push (i32.const 64))
    (i32.load (local.get $value))))`;

Deno.test("run --data keeps what was pushed; without it, a run has state of its own", async () => {
  using scratch = new Scratch();
  const program = join(scratch.path, "counter.wasm");
  const directory = join(scratch.path, "data");
  await Deno.writeFile(program, assemble(COUNTER));
  for (let round = 1; round <= 3; round++) {
    const { code, stderr } = await faaslet(["run", "--data", directory, program]);
    assert.equal(code, round, stderr);
  }
  assert.equal((await faaslet(["run", "--data", directory, program, "chained"])).code, 4);
  assert.equal((await faaslet(["run", program])).code, 1);
  assert.equal((await faaslet(["run", program])).code, 1);
  const other = join(scratch.path, "other");
  assert.equal((await faaslet(["run", "--data", other, program])).code, 1);
});

Deno.test("a host goes on with what runs pushed, and a run leaves a directory alone that a host uses", async () => {
  using scratch = new Scratch();
  const program = join(scratch.path, "counter.wasm");
  const directory = join(scratch.path, "data");
  await Deno.writeFile(program, assemble(COUNTER));
  assert.equal((await faaslet(["run", "--data", directory, program])).code, 1);
  {
    await using host = await RealHost.start(directory);
    const { code, stderr } = await faaslet(["run", "--data", directory, program]);
    assert.equal(code, 120);
    assert.match(stderr, /cannot use the data directory/);
    const environment = { FAASLET_URL: host.url };
    const deployed = await faaslet(["deploy", program, "--name", "counter"], { environment });
    assert.equal(deployed.code, 0, deployed.stderr);
    for (const value of [2, 3]) {
      const response = await fetch(`${host.url}/function/counter`);
      assert.equal(response.headers.get("x-return-value"), String(value), await response.text());
    }
    const stored = await faaslet(["state", "get", "runs"], { environment });
    assert.deepEqual([...stored.bytes], [3, 0, 0, 0], stored.stderr);
  }
  assert.equal((await faaslet(["run", "--data", directory, program])).code, 4);
});
