/** Goal: `faaslet run --with` runs chains with no server. Method: the command line as a process of its own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assemble, guest } from "./support/guests.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;

/** Chains to `leaf` with "!A", or to itself when it has an argument; its exit code is what it awaited. */
const PROGRAM = `(module
  (import "env" "__faasm_chain_name" (func $chain (param i32 i32 i32) (result i32)))
  (import "env" "__faasm_chain_this" (func $again (param i32 i32 i32) (result i32)))
  (import "env" "__faasm_get_idx" (func $index (result i32)))
  (import "env" "__faasm_await_call" (func $await (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "leaf\\00")
  (data (i32.const 80) "!A")
  (func (export "main") (result i32)
    (if (call $index) (then (return (i32.add (call $index) (i32.const 1)))))
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (if (i32.gt_u (i32.load (i32.const 0)) (i32.const 1))
      (then (return (call $await (call $again (i32.const 41) (i32.const 0) (i32.const 0))))))
    (call $await (call $chain (i32.const 64) (i32.const 80) (i32.const 2)))))`;

Deno.test("run --with: a program chains to functions that it was given, and to itself", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeFile(join(folder, "program.wasm"), assemble(PROGRAM));
    await Deno.writeFile(join(folder, "echo.wasm"), guest("echo"));
    const run = async (words: string[]) => {
      const args = ["run", "-A", MAIN, "run", ...words];
      const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: folder, stdin: "null" }).output();
      return { code, said: new TextDecoder().decode(stderr) };
    };
    assert.equal((await run(["--with", "leaf=echo.wasm", "program.wasm"])).code, 65);
    assert.equal((await run(["program.wasm", "again"])).code, 42);
    assert.equal((await run(["program.wasm"])).code, 1, "nobody is called leaf");
    const wrong = await run(["--with", "leaf", "program.wasm"]);
    assert.equal(wrong.code, 121);
    assert.match(wrong.said, /write NAME=FILE/);
    assert.equal((await run(["--with", "../x=echo.wasm", "program.wasm"])).code, 121);
    assert.equal((await run(["--with", "leaf=missing.wasm", "program.wasm"])).code, 122);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
