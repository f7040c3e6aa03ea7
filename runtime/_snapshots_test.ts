/** Goal: a host that starts again serves what its initialisers left, and nothing else. Method: a registry on a real store. */
import assert from "node:assert/strict";
import { Blobs, KEYS, openKv, SnapshotChunks } from "../state/mod.ts";
import { failing } from "../tests/support/failing_kv.ts";
import { assemble } from "../tests/support/guests.ts";
import { Scratch } from "../tests/support/scratch.ts";
import { until } from "../tests/support/until.ts";
import { EmbeddedGroup } from "./embedded_group.ts";
import { KvFunctionRegistry, type RegistryOptions } from "./function_registry.ts";
import { compileModule, engineHash, inspectModule } from "./native/mod.ts";

const PAGE = 65_536;
const TENANT = "default";

/** Its initialiser draws a number and fills some pages; a call answers with the number. */
function drawing(fill = 1, pages = 3): Uint8Array {
  return assemble(`(module
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "env" "__faasm_write_output" (func $write (param i32 i32)))
    (memory (export "memory") ${pages + 1})
    (func (export "init")
      (memory.fill (i32.const ${PAGE}) (i32.const ${fill}) (i32.const ${pages * PAGE}))
      ${
    Array.from({ length: pages }, (_, at) => `(i32.store (i32.const ${(at + 1) * PAGE}) (i32.const ${at}))`).join("")
  }
      (drop (call $random (i32.const 0) (i32.const 8))))
    (func (export "main") (call $write (i32.const 0) (i32.const 8))))`);
}

class Bench implements AsyncDisposable {
  readonly kv: Deno.Kv;
  readonly scratch: Scratch;
  readonly alarms: string[] = [];
  #open: { registry: KvFunctionRegistry; group: EmbeddedGroup } | undefined;
  #calls = 0;

  private constructor(kv: Deno.Kv, scratch: Scratch) {
    this.kv = kv;
    this.scratch = scratch;
  }

  static async open(): Promise<Bench> {
    const scratch = new Scratch();
    return new Bench(await openKv(`${scratch.path}/kv`), scratch);
  }

  /** A host that starts, after the last one has ended. */
  async start(over: Partial<RegistryOptions> = {}): Promise<KvFunctionRegistry> {
    await this.stop();
    const group = new EmbeddedGroup({ threadsMax: 4 });
    const registry = await KvFunctionRegistry.open({
      kv: this.kv,
      blobs: new Blobs(over.kv ?? this.kv),
      group,
      inspect: inspectModule,
      compile: (wasm) => Promise.resolve({ artefact: compileModule(wasm), wallMs: 1, cpuMs: 1 }),
      engineHash: engineHash(),
      sealKey: new Uint8Array(32).fill(7),
      now: () => 0,
      onAlarm: (what) => this.alarms.push(what),
      ...over,
    });
    this.#open = { registry, group };
    return registry;
  }

  async stop(): Promise<void> {
    await this.#open?.registry.close();
    await this.#open?.group.close();
    this.#open = undefined;
  }

  async deploy(name: string, wasm: Uint8Array, settings: Record<string, unknown> = {}): Promise<void> {
    await this.#open!.registry.deploy({
      tenant: TENANT,
      name,
      wasm,
      settings: { init: "init", ...settings },
      files: [],
    });
  }

  /** The number that the function's initialiser drew. */
  async drawn(name: string): Promise<string> {
    const live = await this.#open!.registry.ready(TENANT, name);
    const input = new Uint8Array(0);
    const outcome = await this.#open!.group.call({
      id: ++this.#calls,
      functionId: live!.functionId,
      input,
      timeoutMs: 5_000,
    });
    assert.equal(outcome.status, "ok", outcome.error?.message);
    return outcome.output.toHex();
  }

  async keys(...part: Deno.KvKeyPart[]): Promise<Deno.KvKey[]> {
    const keys: Deno.KvKey[] = [];
    for await (const { key } of this.kv.list({ prefix: ["t", TENANT, ...part] })) keys.push(key);
    return keys;
  }

  /** Everything of snapshots in the store. */
  async stored(): Promise<{ snapshots: number; pieces: number; notes: number; counted: number }> {
    return {
      snapshots: (await this.keys("snapshot")).length,
      pieces: (await this.keys("snapshot-chunk")).length,
      notes: (await this.keys("snapshot-use")).length,
      counted: await new SnapshotChunks(this.kv).storedBytes(TENANT),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.kv.close();
    this.scratch[Symbol.dispose]();
  }
}

Deno.test("a registry that opens again serves the Proto-Faaslet, until module, settings or program are others", async () => {
  await using bench = await Bench.open();
  let registry = await bench.start();
  await bench.deploy("draw", drawing());
  const drawn = await bench.drawn("draw");
  await bench.stop();
  for (let round = 0; round < 2; round++) {
    registry = await bench.start();
    assert.equal(await bench.drawn("draw"), drawn);
    assert.deepEqual(registry.stats().snapshots, { made: 0, loaded: 1, refused: 0, failed: 0 });
    const { snapshot } = (await registry.describe(TENANT, "draw"))!;
    assert.ok(
      snapshot !== undefined && "bytes" in snapshot && snapshot.bytes > 4 * PAGE && snapshot.storedBytes < PAGE,
    );
    assert.equal(registry.stats().snapshotBytes, snapshot.storedBytes);
  }
  await bench.deploy("draw", drawing(), { environment: { A: "1" } });
  const second = await bench.drawn("draw");
  assert.notEqual(second, drawn, "another environment is another version");
  registry = await bench.start();
  assert.equal(await bench.drawn("draw"), second);
  await registry.rollback(TENANT, "draw");
  assert.equal(await bench.drawn("draw"), drawn, "and the old one has its own");
  await bench.start({ engineHash: "another engine" });
  const third = await bench.drawn("draw");
  assert.notEqual(third, drawn);
  await bench.start({ engineHash: "another engine" });
  assert.equal(await bench.drawn("draw"), third);
  assert.deepEqual(bench.alarms, []);
});

Deno.test("two versions of a function share the pieces that are the same, and the same bytes twice store nothing new", async () => {
  await using bench = await Bench.open();
  await bench.start();
  await bench.deploy("draw", drawing(1, 20));
  await bench.stop();
  const one = await bench.stored();
  assert.deepEqual([one.snapshots, one.pieces, one.notes], [1, 22, 22]);
  await bench.start();
  await bench.deploy("draw", drawing(1, 20), { environment: { A: "1" } });
  await bench.deploy("other", drawing(1, 20));
  await bench.stop();
  const three = await bench.stored();
  // Only the page with the drawn number is each snapshot's own.
  assert.deepEqual([three.snapshots, three.pieces, three.notes], [3, 24, 66]);
  const registry = await bench.start();
  const before = await bench.keys();
  await bench.deploy("draw", drawing(1, 20), { environment: { A: "1" } });
  await bench.stop();
  assert.deepEqual(await bench.keys(), before);
  assert.equal(registry.stats().snapshots.made, 0);
});

Deno.test("a removed function's pieces are reclaimed, but for those of others; with the last one all is gone", async () => {
  await using bench = await Bench.open();
  let registry = await bench.start();
  await bench.deploy("one", drawing(1, 5));
  await bench.deploy("two", drawing(1, 5));
  await bench.stop();
  registry = await bench.start();
  await registry.remove(TENANT, "one");
  assert.deepEqual((({ snapshots, pieces, notes }) => [snapshots, pieces, notes])(await bench.stored()), [1, 7, 7]);
  const kept = await bench.drawn("two");
  registry = await bench.start();
  assert.equal(await bench.drawn("two"), kept);
  await registry.remove(TENANT, "two");
  assert.deepEqual(await bench.stored(), { snapshots: 0, pieces: 0, notes: 0, counted: 0 });
  assert.deepEqual(await bench.keys(), []);
});

Deno.test("a version that makes room takes its snapshot along", async () => {
  await using bench = await Bench.open();
  await bench.start({ limits: { versionsMax: 2 } });
  for (let version = 1; version <= 4; version++) await bench.deploy("draw", drawing(version));
  await bench.stop();
  assert.equal((await bench.stored()).snapshots, 2);
  const registry = await bench.start();
  await registry.remove(TENANT, "draw");
  assert.deepEqual(await bench.keys(), []);
});

Deno.test("what is not stored says why, and its initialiser runs again", async () => {
  await using bench = await Bench.open();
  const cases = [
    [{ snapshotLimits: { bytesMax: PAGE } }, /larger than 65536 bytes/],
    [{ snapshotLimits: { storedBytesMax: 1_000 } }, /fill their room/],
  ] as const;
  for (const [over, why] of cases) {
    let registry = await bench.start(over);
    await bench.deploy("draw", drawing());
    const drawn = await bench.drawn("draw");
    await bench.stop();
    registry = await bench.start(over);
    const { snapshot } = (await registry.describe(TENANT, "draw"))!;
    assert.match(snapshot !== undefined && "hindrance" in snapshot ? snapshot.hindrance : "", why);
    assert.notEqual(await bench.drawn("draw"), drawn);
    assert.deepEqual((({ pieces, notes }) => [pieces, notes])(await bench.stored()), [0, 0]);
    await registry.remove(TENANT, "draw");
    assert.deepEqual(await bench.keys(), []);
  }
  const registry = await bench.start();
  const wasm = assemble(`(module (memory (export "memory") 1) (func (export "main")))`);
  await registry.deploy({ tenant: TENANT, name: "plain", wasm, settings: {}, files: [] });
  await bench.stop();
  assert.deepEqual(
    await bench.stored(),
    { snapshots: 0, pieces: 0, notes: 0, counted: 0 },
    "no initialiser, no snapshot",
  );
});

Deno.test("H13: an altered snapshot, and one of another version, is refused and counted, and the initialiser runs", async () => {
  type Entry = Record<string, unknown> & { digests: Uint8Array<ArrayBuffer>; seal: Uint8Array<ArrayBuffer> };
  const key = KEYS.snapshot(TENANT, "draw", 1);
  const flipped = (bytes: Uint8Array<ArrayBuffer>, at = 0) => bytes.with(at, bytes[at]! ^ 1);
  const alterations: Record<string, (bench: Bench, entry: Entry) => Promise<unknown>> = {
    "the list of pieces": ({ kv }, entry) => kv.set(key, { ...entry, digests: flipped(entry.digests, 40) }),
    "the seal": ({ kv }, entry) => kv.set(key, { ...entry, seal: flipped(entry.seal) }),
    "no seal": ({ kv }, { seal: _, ...entry }) => kv.set(key, entry),
    "the size": ({ kv }, entry) => kv.set(key, { ...entry, bytes: Number(entry.bytes) + 1 }),
    "the engine": ({ kv }, entry) => kv.set(key, { ...entry, engine: "another" }),
    "no entry at all": ({ kv }) => kv.set(key, "nonsense"),
    "another version's": async ({ kv }) => kv.set(key, (await kv.get(KEYS.snapshot(TENANT, "draw", 2))).value),
    "another function's": async ({ kv }) => kv.set(key, (await kv.get(KEYS.snapshot(TENANT, "other", 1))).value),
    "a piece": async ({ kv }, entry) => {
      const piece = KEYS.snapshotChunk(TENANT, entry.digests.slice(32, 64));
      await kv.set(piece, (await kv.get<Uint8Array>(piece)).value!.map((byte) => byte ^ 0xff));
    },
    "another piece": async ({ kv }, entry) => {
      const other = KEYS.snapshotChunk(TENANT, entry.digests.slice(64, 96));
      await kv.set(KEYS.snapshotChunk(TENANT, entry.digests.slice(32, 64)), (await kv.get(other)).value);
    },
    "a piece that is gone": ({ kv }, entry) => kv.delete(KEYS.snapshotChunk(TENANT, entry.digests.slice(0, 32))),
  };
  for (const [what, alter] of Object.entries(alterations)) {
    await using bench = await Bench.open();
    let registry = await bench.start();
    await bench.deploy("other", drawing(1, 4));
    await bench.deploy("draw", drawing(1, 4));
    const drawn = await bench.drawn("draw");
    await bench.deploy("draw", drawing(2, 4));
    await registry.rollback(TENANT, "draw");
    await bench.stop();
    await alter(bench, (await bench.kv.get<Entry>(key)).value!);
    registry = await bench.start();
    const again = await bench.drawn("draw");
    assert.notEqual(again, drawn, what);
    await until(() => registry.stats().snapshots.made === 1, "it is stored anew");
    assert.deepEqual(registry.stats().snapshots, { made: 1, loaded: 0, refused: 1, failed: 0 }, what);
    assert.match(bench.alarms.join(), /^the snapshot of version 1 of draw is refused: [^,]*/, what);
    // What was found damaged is written again, shared or not.
    registry = await bench.start();
    assert.equal(await bench.drawn("draw"), again, what);
    await bench.drawn("other");
    assert.equal(registry.stats().snapshots.refused, 0, what);
    for (const name of ["draw", "other"]) await registry.remove(TENANT, name);
    assert.deepEqual(await bench.keys(), [], `${what}: all is reclaimed`);
  }
});

Deno.test("a crash at any write of a snapshot costs that snapshot at most, and leaves nothing behind", async () => {
  for (let failAt = 1;; failAt++) {
    await using bench = await Bench.open();
    let registry = await bench.start();
    await bench.deploy("draw", drawing(1, 30));
    await bench.stop();
    // Its snapshot is taken away, as in a store of a program that had none; the next start makes it.
    await new SnapshotChunks(bench.kv).drop({ tenant: TENANT, name: "draw", version: 1 });
    await bench.kv.delete(KEYS.snapshot(TENANT, "draw", 1));
    registry = await bench.start({ kv: failing(bench.kv, failAt) });
    const first = await bench.drawn("draw");
    await bench.stop();
    const { made, failed } = registry.stats().snapshots;
    assert.equal(made + failed, 1);
    registry = await bench.start();
    const second = await bench.drawn("draw");
    assert.equal(second === first, made === 1);
    await bench.stop();
    registry = await bench.start();
    assert.equal(await bench.drawn("draw"), second, "it is whole now");
    assert.equal(registry.stats().snapshots.refused, 0);
    await registry.remove(TENANT, "draw");
    assert.deepEqual(await bench.keys(), [], `write ${failAt}`);
    if (made === 1) break;
  }
});
