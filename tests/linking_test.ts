/**
 * Goal: a program opens real side modules of clang: functions, shared data, function pointers both ways, constructors, a
 * library that needs a library, before the snapshot and after it. Method: C programs built with the packaged clang.
 */
import assert from "node:assert/strict";
import { compileLibraries, EmbeddedGroup, type FunctionImage } from "../runtime/mod.ts";
import { compileModule, inspectModule } from "../runtime/native/mod.ts";
import { libraryOf } from "./support/library.ts";
import { buildC, buildLibrary } from "./support/c.ts";
import { DYNAMIC } from "./support/c_flags.ts";
import { assemble, DEFAULT_LIMITS, imageOf } from "./support/guests.ts";

const TEXT = new TextDecoder();
const EXPECTED = `count 1006
again 1
value 1006
count 8
apply 42
square 81 same 1
twice is twice 1
touch 112 shared 112
count_twice 14
through needed 1
text one
global 1 1
missing 0 libnone.so: no such library among the function's files
symbol 0 no symbol "none"
broken 0 /lib/libbroken.so: undefined symbols: nowhere; the program has to export them
text file 0 /lib/notes.txt: not a library
clean 1
close 0 0
closed -1 3 is no handle of a library
still 8
written 0 /lib/libmath.so: not as it came with the function
`;

async function withLibraries(id: number): Promise<FunctionImage> {
  const counter = await buildLibrary("libraries/counter.c");
  const math = await buildLibrary("libraries/math.c", { "libcounter.so": counter });
  const files = [
    { path: "/lib/libcounter.so", bytes: counter },
    { path: "/lib/libmath.so", bytes: math },
    { path: "/lib/libbroken.so", bytes: await buildLibrary("libraries/broken.c") },
    { path: "/lib/notes.txt", bytes: new TextEncoder().encode("no library") },
  ];
  const program = await buildC("libraries/program.c", DYNAMIC);
  const report = inspectModule(program, DEFAULT_LIMITS);
  const libraries = await compileLibraries(report, files, compileModule);
  assert.deepEqual(libraries.map(({ path }) => path), files.slice(0, 3).map(({ path }) => path));
  return imageOf(id, program, { image: { files, libraries } });
}

Deno.test("dlopen() joins libraries to the program, before the snapshot and after it, the same for each call", async () => {
  const group = new EmbeddedGroup({ threadsMax: 2 });
  try {
    const report = await group.install(await withLibraries(1));
    assert.equal(report.log, "early 1005\n");
    let id = 0;
    for (const start of ["proto", "warm", "warm", "cold", "proto"] as const) {
      const outcome = await group.call({ id: ++id, functionId: 1, input: new Uint8Array(0), timeoutMs: 20_000, start });
      const said = TEXT.decode(outcome.output);
      assert.equal(outcome.status, "ok", said + outcome.error?.message);
      assert.equal(start === "cold" ? said.replace("early 1005\n", "") : said, EXPECTED);
    }
  } finally {
    await group.close();
  }
});

Deno.test("dlopen() of a hostile library gives no handle, or ends the call that opened it, and nothing else", async () => {
  const program = assemble(`(module
    (import "env" "dlopen" (func $open (param i32 i32) (result i32)))
    (import "env" "dlerror" (func $error (result i32)))
    (import "env" "__faasm_read_input" (func $read (param i32 i32) (result i32)))
    (import "env" "__faasm_write_output" (func $write (param i32 i32)))
    (memory (export "memory") 1)
    (table 4 4 funcref)
    (global $stack (mut i32) (i32.const 65536))
    (global (export "constant") i32 (i32.const 77))
    (func (export "main") (local $text i32)
      (drop (call $read (i32.const 16) (i32.const 100)))
      (if (call $open (i32.const 16) (i32.const 2)) (then (return)))
      (local.set $text (call $error))
      (call $write (local.get $text) (i32.const 100))))`);
  const start = `(func (export "__wasm_call_ctors")`;
  const libraries: [string, Uint8Array, RegExp | string][] = [
    ["good", libraryOf(`(module ${start}))`), /^$/],
    ["traps", libraryOf(`(module ${start} unreachable))`), "ERR_GUEST_TRAP"],
    ["loops", libraryOf(`(module ${start} (loop $on (br $on))))`), "ERR_CALL_TIMEOUT"],
    ["large", libraryOf("(module)", { memory: 2 ** 31 }), /no memory/],
    ["wide", libraryOf("(module)", { table: 999_999 }), /no room in the table/],
    ["ring", libraryOf("(module)", { needed: ["ring"] }), /needs itself/],
    ["lonely", libraryOf("(module)", { needed: ["none"] }), /no such library/],
    ["asks", libraryOf(`(module (import "env" "none" (func)))`), /undefined symbols: none/],
    ["lies", libraryOf(`(module (import "env" "dlopen" (func (param i64))))`), /incompatible import type/],
    ["data", libraryOf(`(module (import "GOT.mem" "main" (global (mut i32))))`), /undefined symbols: main/],
    [
      "outside",
      libraryOf(
        `(module (import "env" "memory" (memory 1)) ${start} (i32.store (i32.const -4) (i32.const 1))))`,
      ),
      "ERR_GUEST_TRAP",
    ],
  ];
  const files = libraries.map(([name, bytes]) => ({ path: `/${name}`, bytes }));
  const report = inspectModule(program, DEFAULT_LIMITS);
  const compiled = await compileLibraries(report, files, compileModule);
  const group = new EmbeddedGroup({ threadsMax: 2 });
  try {
    await group.install(imageOf(1, program, { image: { files, libraries: compiled } }));
    for (const [at, [name, , expected]] of libraries.entries()) {
      for (let turn = 0; turn < 3; turn++) {
        const input = new TextEncoder().encode(`${name}\0`);
        const outcome = await group.call({ id: at * 3 + turn + 1, functionId: 1, input, timeoutMs: 200 });
        if (typeof expected === "string") {
          assert.equal(outcome.error?.code, expected, `${name}: ${TEXT.decode(outcome.output)}`);
        } else assert.match(TEXT.decode(outcome.output), expected, `${name}: ${outcome.error?.message}`);
      }
    }
  } finally {
    await group.close();
  }
});

Deno.test("a library that could not be reset or has a memory of its own is refused when it is deployed", async () => {
  const report = { imports: [{ module: "env", name: "dlopen", params: [], results: [] }] };
  const refused: [string, Uint8Array, RegExp][] = [
    ["own memory", libraryOf("(module (memory 1))"), /no memory and no table of its own/],
    ["own table", libraryOf("(module (table 1 funcref))"), /no memory and no table of its own/],
    [
      "table writes",
      libraryOf(
        `(module (import "env" "__indirect_function_table" (table 1 funcref))
          (func (table.set 0 (i32.const 0) (ref.null func))))`,
      ),
      /cannot write to tables/,
    ],
    ["a foreign import", libraryOf(`(module (import "host" "x" (func)))`), /nothing that a library may import/],
    [
      "data outside",
      libraryOf(
        `(module (import "env" "memory" (memory 1)) (import "env" "__memory_base" (global $base i32))
          (data (global.get $base) "0123456789"))`,
        { memory: 9 },
      ),
      /outside the library's memory/,
    ],
  ];
  for (const [what, bytes, message] of refused) {
    await assert.rejects(
      () => compileLibraries(report, [{ path: "/lib.so", bytes }], compileModule),
      { message },
      what,
    );
  }
  const program = { imports: [] };
  assert.deepEqual(await compileLibraries(program, [{ path: "/lib.so", bytes: refused[0]![1] }], compileModule), []);
});
