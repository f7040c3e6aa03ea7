/**
 * Goal: a Proto-Faaslet that is taken out of a worker group and put into another is the same to its guests, and bytes that are
 * no such thing harm nobody. Method: a C program that fills everything a Proto-Faaslet holds; its snapshot, flipped and cut.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { compileLibraries, EmbeddedGroup, type FunctionImage, networkRules } from "../runtime/mod.ts";
import { compileModule, inspectModule } from "../runtime/native/mod.ts";
import { buildC, buildLibrary } from "./support/c.ts";
import { DYNAMIC } from "./support/c_flags.ts";
import { assemble, DEFAULT_LIMITS, imageOf } from "./support/guests.ts";
import { rounds } from "./support/long.ts";

const BYTES_MAX = 16 << 20;
const PAGE = 65_536;
const NOTHING = new Uint8Array(0);
const TEXT = new TextDecoder();
const UTF8 = new TextEncoder();

const FOUND = `1 42 7
the initialiser /work links 2 counter 1006
link made by the initialiser
/work/moved moved
/data/moved is not there
/data/removed is not there
/data/changed changed
/data/kept kept
nameless again 1
`;

async function fullImage(): Promise<FunctionImage> {
  const files = [
    { path: "/data/changed", bytes: UTF8.encode("before") },
    { path: "/data/kept", bytes: UTF8.encode("kept") },
    { path: "/data/moved", bytes: UTF8.encode("moved") },
    { path: "/data/removed", bytes: UTF8.encode("removed") },
    { path: "/lib/libcounter.so", bytes: await buildLibrary("libraries/counter.c") },
  ];
  const program = await buildC("snapshot.c", DYNAMIC);
  const libraries = await compileLibraries(inspectModule(program, DEFAULT_LIMITS), files, compileModule);
  return imageOf(1, program, { image: { files, libraries } });
}

/** What the program says: the number that its initialiser drew, and what it found. */
async function ask(group: EmbeddedGroup, start: "warm" | "proto"): Promise<[drawn: string, found: string]> {
  const outcome = await group.call({ id: 1, functionId: 1, input: NOTHING, timeoutMs: 20_000, start });
  const said = TEXT.decode(outcome.output);
  assert.equal(outcome.status, "ok", said + outcome.error?.message);
  return [said.slice(0, 16), said.slice(17)];
}

/** Runs `body` with a group of its own. */
async function withGroup<T>(body: (group: EmbeddedGroup) => Promise<T>): Promise<T> {
  const group = new EmbeddedGroup({ threadsMax: 2 });
  try {
    return await body(group);
  } finally {
    await group.close();
  }
}

async function exported(image: FunctionImage): Promise<Uint8Array> {
  return await withGroup(async (group) => {
    await group.install(image);
    const { bytes, hindrance } = await group.snapshot(image.id, BYTES_MAX);
    assert.equal(hindrance, undefined);
    return bytes!;
  });
}

Deno.test("a snapshot holds memory, globals, function pointers, files, descriptors and opened libraries", async () => {
  const image = await fullImage();
  const [drawn, snapshot] = await withGroup(async (group) => {
    assert.equal((await group.install(image)).log, "initialised 1005\n");
    const { bytes } = await group.snapshot(1, BYTES_MAX);
    const [drawn, found] = await ask(group, "proto");
    assert.equal(found, FOUND);
    assert.deepEqual((await group.snapshot(1, BYTES_MAX)).bytes, bytes, "the same again, whatever was called");
    return [drawn, bytes!];
  });
  await withGroup(async (group) => {
    const report = await group.install({ ...image, snapshot });
    assert.deepEqual([report.isFromSnapshot, report.log, report.snapshotRefused], [true, "", undefined]);
    for (const start of ["warm", "warm", "proto", "warm"] as const) {
      assert.deepEqual(
        await ask(group, start),
        [drawn, FOUND],
        "no initialiser ran: it would have drawn another number",
      );
    }
    assert.deepEqual((await group.snapshot(1, BYTES_MAX)).bytes, snapshot, "and it goes out as it came in");
  });
});

Deno.test("memory comes first in a snapshot, in whole pages: what two of them share has the same place in a page", async () => {
  const wasm = (value: number) =>
    assemble(`(module (memory (export "memory") 4)
      (func (export "init")
        (memory.fill (i32.const 65536) (i32.const 5) (i32.const 65536))
        (i32.store (i32.const 196608) (i32.const ${value})))
      (func (export "main")))`);
  const [one, other] = [
    await exported(imageOf(1, wasm(1), { init: "init" })),
    await exported(imageOf(1, wasm(2), { init: "init" })),
  ];
  assert.deepEqual(one.subarray(0, PAGE), new Uint8Array(PAGE).fill(5), "pages that are zero are left out");
  assert.deepEqual(one.subarray(0, PAGE), other.subarray(0, PAGE));
  assert.deepEqual([one[PAGE], other[PAGE]], [1, 2]);
  assert.ok(one.length < 3 * PAGE);
});

Deno.test("what an initialiser made of state or the network is not written down", async () => {
  const cases = [
    [
      `(import "env" "socket" (func $socket (param i32 i32 i32) (result i32)))
       (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))`,
      `(drop (call $close (call $socket (i32.const 2) (i32.const 1) (i32.const 0))))`,
      "the initialiser used the network",
    ],
    [
      `(import "env" "__faasm_write_state" (func $write (param i32 i32 i32)))`,
      `(call $write (i32.const 0) (i32.const 0) (i32.const 4))`,
      "the initialiser used state",
    ],
  ] as const;
  for (const [field, code, why] of cases) {
    const wasm = assemble(`(module ${field} (memory (export "memory") 1) (data (i32.const 0) "key")
      (func $init (export "init") ${code}) (func (export "main")))`);
    await withGroup(async (group) => {
      const image = imageOf(1, wasm, { init: "init", image: { network: networkRules(["*:*"]) } });
      assert.equal((await group.install(image)).isFromSnapshot, false);
      assert.deepEqual(await group.snapshot(1, BYTES_MAX), { hindrance: why });
    });
  }
});

Deno.test("H13: flipped, cut and made-up snapshots are refused or mean the same to the machine; none harms it", async () => {
  const image = await fullImage();
  const snapshot = await exported(image);
  const description = new DataView(snapshot.buffer, snapshot.byteOffset + snapshot.length - 12).getUint32(0, true);
  const start = snapshot.length - 12 - description;
  const place = fc.oneof({ weight: 9, arbitrary: fc.nat(description + 11).map((at) => start + at) }, {
    weight: 1,
    arbitrary: fc.nat(snapshot.length - 1),
  });
  const change = fc.oneof(
    fc.record({ at: place, byte: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ at: place, digit: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ cut: fc.nat(snapshot.length - 1) }),
    fc.record({ at: place, moved: fc.integer({ min: 1, max: 200 }) }),
  );
  await withGroup(async (group) => {
    const attempt = async (bytes: Uint8Array) => {
      const report = await group.install({ ...image, snapshot: bytes });
      assert.equal(report.isFromSnapshot, report.snapshotRefused === undefined);
      // Whatever it says, a call ends: by itself, by a trap or by its deadline.
      const outcome = await group.call({ id: 1, functionId: 1, input: NOTHING, timeoutMs: 2_000 });
      assert.ok(["ok", "guest-error", "trap", "timeout", "refused"].includes(outcome.status), outcome.status);
      assert.notEqual(outcome.error?.code, "ERR_BUG", outcome.error?.message);
      await group.remove(1);
      return report;
    };
    assert.equal((await attempt(snapshot)).isFromSnapshot, true);
    await fc.assert(
      fc.asyncProperty(change, async (change) => void await attempt(changed(snapshot, change))),
      { seed: 13, numRuns: rounds(150, 3_000) },
    );
    const survivor = await attempt(snapshot);
    assert.equal(survivor.isFromSnapshot, true);
  });
});

type Change = { at: number; byte: number } | { at: number; digit: number } | { cut: number } | {
  at: number;
  moved: number;
};

function changed(snapshot: Uint8Array, change: Change): Uint8Array {
  if ("cut" in change) return snapshot.slice(change.cut);
  const bytes = snapshot.slice();
  if ("byte" in change) bytes[change.at]! ^= change.byte;
  // A number of the description becomes another: the text around it stays whole.
  else if ("digit" in change) {
    const at = bytes.findIndex((byte, index) => index >= change.at && byte >= 48 && byte <= 57);
    if (at >= 0) bytes[at] = 48 + change.digit;
  } else bytes.copyWithin(change.at, Math.max(0, change.at - change.moved), change.at);
  return bytes;
}
