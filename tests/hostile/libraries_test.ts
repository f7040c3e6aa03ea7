/**
 * Libraries as an attack on time: H16 and H22 for what a program opens while it runs. Goal: a deadline holds while libraries
 * are opened, however many need however many others, and what would cost too much is refused when it is deployed.
 */
import assert from "node:assert/strict";
import { FUNCTION_LIMITS } from "../../limits.ts";
import { compileLibraries } from "../../runtime/mod.ts";
import { compileModule, inspectModule } from "../../runtime/native/mod.ts";
import { attackTest } from "../support/attack.ts";
import { assemble, DEFAULT_LIMITS } from "../support/guests.ts";
import { libraryOf } from "../support/library.ts";
import { rounds } from "../support/long.ts";

const REPORT = { imports: [{ module: "env", name: "dlopen", params: [], results: [] }] };

/** Opens the library that its input names, and answers with the handle. */
const OPENS = assemble(`(module
  (import "env" "dlopen" (func $open (param i32 i32) (result i32)))
  (import "env" "__faasm_read_input" (func $read (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write (param i32 i32)))
  (memory (export "memory") 1) (table 4 4 funcref) (global $stack (mut i32) (i32.const 65536))
  (func (export "main")
    (drop (call $read (i32.const 16) (i32.const 100)))
    (i32.store (i32.const 8) (call $open (i32.const 16) (i32.const 2)))
    (call $write (i32.const 8) (i32.const 4))))`);

attackTest("H22: libraries that all need all others are opened once each, or until the deadline", async (attack) => {
  const count = rounds(60, 200);
  // Each asks for functions that it finds in none of them, or in the last one that it looks at.
  const imports = Array.from({ length: 50 }, (_, at) => `(import "env" "weak${at}" (func))`).join(" ");
  const files = Array.from({ length: count }, (_, at) => {
    const needed = Array.from({ length: at }, (_, other) => `l${other}`);
    const weak = Array.from({ length: 50 }, (_, number) => `weak${number}`);
    return { path: `/l${at}`, bytes: libraryOf(`(module ${imports})`, { needed, weak }) };
  });
  const libraries = await compileLibraries(inspectModule(OPENS, DEFAULT_LIMITS), files, compileModule);
  const target = await attack.install(OPENS, { image: { files, libraries } });
  const input = new TextEncoder().encode(`l${count - 1}\0`);
  for (const timeoutMs of [100, 60_000]) {
    const started = performance.now();
    const { status } = await attack.withBystander(attack.call(target, { input, timeoutMs }));
    const tookMs = performance.now() - started;
    if (status === "timeout") assert.ok(tookMs < timeoutMs + 5_000, `${tookMs} ms for ${timeoutMs}`);
    else assert.equal(status, "ok");
  }
});

Deno.test("H16: a library that needs too many, and a function that brings too many, are refused", async () => {
  const needed = (count: number) =>
    libraryOf("(module)", { needed: Array.from({ length: count }, (_, at) => `${at}`) });
  const files = (count: number, bytes: Uint8Array) =>
    Array.from({ length: count }, (_, at) => ({ path: `/${at}`, bytes }));
  const compile = (all: { path: string; bytes: Uint8Array }[]) => compileLibraries(REPORT, all, compileModule);
  assert.equal((await compile(files(1, needed(256)))).length, 1);
  await assert.rejects(compile(files(1, needed(257))), { code: "ERR_MODULE_LIMIT", message: /needs: 257 is over/ });
  let compiled = 0;
  const many = files(FUNCTION_LIMITS.librariesMax + 1, libraryOf("(module)"));
  await assert.rejects(
    compileLibraries(REPORT, many, () => {
      compiled++;
      return new Uint8Array(0);
    }),
    { code: "ERR_MODULE_LIMIT", message: /257 is over the limit of 256/ },
  );
  assert.equal(compiled, 0);
});
