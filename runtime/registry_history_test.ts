/** Versions, and a store that is not what it was (H13, H17, F57). Method: a real store, whose entries the tests damage. */
import assert from "node:assert/strict";
import { FaasletError } from "../errors.ts";
import { Blobs, KEYS, openKv, SCHEMA_VERSION } from "../state/mod.ts";
import { guest } from "../tests/support/guests.ts";
import { rounds } from "../tests/support/long.ts";
import { type HeadEntry, headEntry, type VersionEntry } from "./_entries.ts";
import { EmbeddedGroup } from "./embedded_group.ts";
import { KvFunctionRegistry, type RegistryOptions } from "./function_registry.ts";
import { compileModule, engineHash, inspectModule } from "./native/mod.ts";
import type { DeployRequest } from "./registry.ts";
import { Seals } from "./_seals.ts";

const SEAL_KEY = new Uint8Array(32).fill(7);
const ENGINE = engineHash();

/** One host after another on the same store; `compiled` counts over all of them. */
class Bench implements AsyncDisposable {
  readonly kv: Deno.Kv;
  readonly directory: string;
  readonly groups: EmbeddedGroup[] = [];
  compiled = 0;
  alarms: string[] = [];

  private constructor(directory: string, kv: Deno.Kv) {
    this.directory = directory;
    this.kv = kv;
  }

  static async open(): Promise<Bench> {
    const directory = await Deno.makeTempDir();
    return new Bench(directory, await openKv(`${directory}/kv`));
  }

  start(over: Partial<RegistryOptions> = {}, storedBytesMax = Infinity): Promise<KvFunctionRegistry> {
    const group = new EmbeddedGroup({ threadsMax: 4 });
    this.groups.push(group);
    return KvFunctionRegistry.open({
      kv: this.kv,
      blobs: new Blobs(this.kv, storedBytesMax),
      group,
      inspect: inspectModule,
      compile: (wasm) => {
        this.compiled++;
        return Promise.resolve({ artefact: compileModule(wasm), wallMs: 1, cpuMs: 1 });
      },
      engineHash: ENGINE,
      sealKey: SEAL_KEY,
      now: () => 0,
      onAlarm: (what) => void this.alarms.push(what),
      ...over,
    });
  }

  /** What a function answers, on the host that was started last. */
  async answer(functionId: number): Promise<string> {
    const input = new TextEncoder().encode("hello");
    const outcome = await this.groups.at(-1)!.call({ id: 1, functionId, input, timeoutMs: 5_000 });
    return outcome.status === "ok" ? new TextDecoder().decode(outcome.output) : outcome.status;
  }

  async keys(prefix: Deno.KvKey): Promise<Deno.KvKey[]> {
    return (await Array.fromAsync(this.kv.list({ prefix }))).map(({ key }) => key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const group of this.groups) await group.close();
    this.kv.close();
    await Deno.remove(this.directory, { recursive: true });
  }
}

function request(over: Partial<DeployRequest> = {}): DeployRequest {
  return { tenant: "default", name: "echo", wasm: guest("echo"), settings: {}, files: [], ...over };
}

Deno.test("versions() lists what is kept, and rollback() makes one of them live again, over a restart too", async () => {
  await using bench = await Bench.open();
  const registry = await bench.start();
  await registry.deploy(request());
  await registry.deploy(request({ wasm: guest("print") }));
  await registry.deploy(request({ wasm: guest("print"), settings: { timeoutMs: 7 } }));
  assert.deepEqual((await registry.versions("default", "echo"))!.map(({ version, isLive }) => [version, isLive]), [
    [3, true],
    [2, false],
    [1, false],
  ]);
  assert.equal((await registry.rollback("default", "echo")).version, 2);
  assert.equal((await registry.rollback("default", "echo", 1)).version, 1);
  assert.equal(await bench.answer(registry.live("default", "echo")!.functionId), "hello");
  assert.equal((await bench.groups[0]!.stats()).functions, 1, "only the live version is loaded");
  await assert.rejects(registry.rollback("default", "echo"), { code: "ERR_CONFLICT" });
  await assert.rejects(registry.rollback("default", "echo", 9), { code: "ERR_NOT_FOUND", message: /1, 2, 3/ });
  await assert.rejects(registry.rollback("default", "nothing"), { code: "ERR_NOT_FOUND" });
  assert.equal(await registry.versions("default", "nothing"), undefined);
  const again = await bench.start();
  assert.equal((await again.ready("default", "echo"))!.record.version, 1);
  const { outcome, record } = await again.deploy(request({ settings: { timeoutMs: 9 } }));
  assert.deepEqual([outcome, record.version], ["updated", 4], "numbers are never used twice");
  assert.equal(bench.compiled, 2, "neither a rollback nor a restart compiles");
});

Deno.test("only so many versions are kept, never without the live one, and their bytes go with them", async () => {
  await using bench = await Bench.open();
  const registry = await bench.start({ limits: { versionsMax: 3 } });
  const file = (fill: number) => [{ path: "/data", bytes: new Uint8Array(70_000).fill(fill) }];
  await registry.deploy(request({ files: file(1) }));
  for (let fill = 2; fill <= 3; fill++) await registry.deploy(request({ files: file(fill) }));
  await registry.rollback("default", "echo", 1);
  await registry.deploy(request({ files: file(4) }));
  await registry.deploy(request({ files: file(5) }));
  const kept = (await registry.versions("default", "echo"))!.map(({ version }) => version);
  assert.deepEqual(kept, [5, 4, 3]);
  assert.equal((await bench.keys(KEYS.blobs("default"))).length, 2 + 3, "module, machine code, three files");
  assert.equal(registry.stats().storedBytes > 0, true);
  await registry.remove("default", "echo");
  assert.deepEqual(await bench.keys([]), [KEYS.schema()], "nothing is left");
  assert.equal(registry.stats().storedBytes, 0);
});

Deno.test("change() keeps the module and every setting that is not named", async () => {
  await using bench = await Bench.open();
  const registry = await bench.start();
  await registry.deploy(
    request({ settings: { timeoutMs: 5, queue: 3 }, files: [{ path: "/a", bytes: new Uint8Array(3) }] }),
  );
  const { record } = await registry.change("default", "echo", { timeoutMs: 50, queue: null });
  assert.deepEqual([record.version, record.settings.timeoutMs, record.settings.queue], [2, 50, 1_024]);
  assert.equal(record.files.length, 1);
  assert.equal((await registry.change("default", "echo", { timeoutMs: 50 })).outcome, "unchanged");
  await assert.rejects(registry.change("default", "echo", { timeout: 50 }), { code: "ERR_SETTINGS_INVALID" });
  await assert.rejects(registry.change("default", "nothing", {}), { code: "ERR_NOT_FOUND" });
  assert.equal(bench.compiled, 1);
});

Deno.test("a version that is larger than a value of the store is kept like any other", async () => {
  await using bench = await Bench.open();
  const registry = await bench.start();
  const bytes = new Uint8Array(0);
  const files = Array.from({ length: 3_000 }, (_, at) => ({ path: `/${crypto.randomUUID()}-${at}`, bytes }));
  await registry.deploy(request({ files }));
  assert.equal(
    (await bench.keys(KEYS.blobs("default"))).length,
    4,
    "module, machine code, the empty file, the version",
  );
  const again = await bench.start();
  assert.equal((await again.ready("default", "echo"))!.record.files.length, 3_000);
  await again.remove("default", "echo");
  assert.deepEqual(await bench.keys(["t"]), []);
});

Deno.test("H13: damaged machine code is never loaded: it is compiled anew, with an alarm, and whole from then on", async () => {
  await using bench = await Bench.open();
  const first = await bench.start();
  const { record } = await first.deploy(request());
  const digests = (await bench.keys(KEYS.blobs("default"))).map((key) => String(key.at(-1)));
  const code = digests.find((digest) => digest !== record.report.digest)!;
  const { value: chunk } = await bench.kv.get<Uint8Array>(KEYS.chunk("default", code, 0));
  const count = rounds(6, 200);
  for (let round = 0; round < count; round++) {
    const damaged = new Uint8Array(chunk!);
    const at = Math.floor(round * (chunk!.length - 1) / (count - 1));
    damaged[at]! ^= 0x80;
    await bench.kv.set(KEYS.chunk("default", code, 0), damaged);
    const host = await bench.start();
    const [compiled, alarms] = [bench.compiled, bench.alarms.length];
    const live = await host.ready("default", "echo");
    assert.deepEqual([bench.compiled - compiled, bench.alarms.length - alarms], [1, 1], `byte ${at}`);
    assert.equal(host.stats().alarms, 1);
    assert.equal(await bench.answer(live!.functionId), "hello");
    assert.deepEqual((await bench.kv.get<Uint8Array>(KEYS.chunk("default", code, 0))).value, chunk);
    await bench.groups.pop()!.close();
  }
});

Deno.test("H13: a damaged module is refused when it would have to be compiled", async () => {
  await using bench = await Bench.open();
  const { record } = await (await bench.start()).deploy(request());
  await bench.kv.delete(KEYS.chunk("default", record.report.digest, 0));
  const host = await bench.start({ engineHash: "another" });
  await assert.rejects(host.ready("default", "echo"), { code: "ERR_ARTEFACT" });
  assert.equal(host.stats().alarms, 1);
});

Deno.test("H13: versions and heads that were changed, swapped or sealed by another are not believed", async () => {
  await using bench = await Bench.open();
  const first = await bench.start();
  await first.deploy(request());
  await first.deploy(request({ tenant: "other", wasm: guest("print") }));
  const mine = KEYS.version("default", "echo", 1);
  const head = KEYS.function("default", "echo");
  const [own, theirs] = [(await bench.kv.get<VersionEntry>(mine)).value!, KEYS.version("other", "echo", 1)];
  const ownHead = (await bench.kv.get<HeadEntry>(head)).value!;
  const foreign = new Seals(new Uint8Array(32).fill(8));
  const flipped = new Uint8Array(own.bytes!);
  flipped[flipped.length >> 1]! ^= 1;
  const attacks: [string, Deno.KvKey, unknown][] = [
    ["another tenant's version", mine, (await bench.kv.get(theirs)).value],
    ["a flipped bit", mine, { ...own, bytes: flipped }],
    ["no seal", mine, { bytes: own.bytes }],
    ["no value of ours", mine, "x"],
    ["a head with another key", head, headEntry("default", "echo", 1, 1, foreign)],
    ["a head that names a version that is not there", head, headEntry("default", "echo", 5, 5, new Seals(SEAL_KEY))],
    ["a head whose numbers were changed", head, { ...ownHead, newest: 99 }],
  ];
  for (const [what, key, value] of attacks) {
    const { value: before } = await bench.kv.get(key);
    await bench.kv.set(key, value);
    const host = await bench.start();
    assert.equal(host.stats().alarms > 0, true, what);
    await assert.rejects(host.ready("default", "echo"), { code: "ERR_ARTEFACT" }, what);
    await assert.rejects(host.describe("default", "echo"), { code: "ERR_ARTEFACT" }, what);
    assert.deepEqual(await host.list("default"), []);
    assert.equal((await host.ready("other", "echo"))!.record.version, 1, "nobody else is touched");
    await bench.kv.set(key, before);
  }
  const whole = await bench.start();
  assert.equal((await whole.ready("default", "echo"))!.record.version, 1, "nothing was lost meanwhile");
  // The way out: deploying it again.
  await bench.kv.set(mine, "x");
  const host = await bench.start();
  assert.equal((await host.deploy(request())).outcome, "created");
  assert.equal(await bench.answer((await host.ready("default", "echo"))!.functionId), "hello");
  assert.equal((await (await bench.start()).ready("default", "echo"))!.record.version, 1);
});

Deno.test("H13: nothing in a store that was sealed with another key is believed", async () => {
  await using bench = await Bench.open();
  await (await bench.start()).deploy(request());
  const host = await bench.start({ sealKey: new Uint8Array(32).fill(9) });
  await assert.rejects(host.ready("default", "echo"), { code: "ERR_ARTEFACT" });
  assert.equal(host.stats().alarms > 0, true);
});

Deno.test("H17: uploads of the same bytes store them once, and uploading and removing over and over keeps nothing", async () => {
  await using bench = await Bench.open();
  const registry = await bench.start();
  const wasm = guest("echo");
  for (let round = 0; round < rounds(20, 2_000); round++) {
    await registry.deploy(
      request({ name: "a", wasm, files: [{ path: "/n", bytes: new TextEncoder().encode(`${round}`) }] }),
    );
    await registry.deploy(request({ name: "b", wasm }));
    assert.equal((await bench.keys(KEYS.blobs("default"))).length, 3);
    await registry.remove("default", "a");
    await registry.remove("default", "b");
  }
  assert.deepEqual(await bench.keys([]), [KEYS.schema()]);
});

Deno.test("H17: a tenant's storage ends at its quota, nobody else's does, and removing makes room", async () => {
  await using bench = await Bench.open();
  const registry = await bench.start({}, 200_000);
  const file = (seed: number) => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    return request({ name: `f${seed}`, files: [{ path: "/f", bytes }] });
  };
  let stored = 0;
  const refused = await (async () => {
    for (;; stored++) await registry.deploy(file(stored));
  })().catch((thrown) => thrown);
  assert.equal(refused instanceof FaasletError && refused.code, "ERR_QUOTA");
  assert.equal(stored >= 2, true);
  assert.equal(registry.stats().storedBytes <= 200_000, true);
  assert.deepEqual(await bench.keys(KEYS.pendings("default")), [], "nothing is left of the one that was refused");
  assert.equal((await registry.deploy({ ...file(0), tenant: "other" })).outcome, "created");
  await registry.remove("default", "f0");
  assert.equal((await registry.deploy(file(77))).outcome, "created");
});

Deno.test("F57: a store of layout 1 is brought up to date, and machine code without a seal is not believed", async () => {
  await using bench = await Bench.open();
  const { record } = await (await bench.start()).deploy(request());
  // As the first layout had it: everything in the head, no versions, no tenants, no seals.
  const code = (await bench.keys(KEYS.blobs("default"))).map((key) => String(key.at(-1)))
    .find((digest) => digest !== record.report.digest);
  await bench.kv.set(KEYS.function("default", "echo"), { record, artefact: { digest: code, engineHash: ENGINE } });
  await bench.kv.delete(KEYS.version("default", "echo", 1));
  await bench.kv.delete(KEYS.tenant("default"));
  await bench.kv.set(KEYS.schema(), 1);
  const host = await bench.start();
  assert.equal((await bench.kv.get(KEYS.schema())).value, SCHEMA_VERSION);
  assert.equal((await host.list("default"))[0]!.version, 1);
  const live = await host.ready("default", "echo");
  assert.equal(await bench.answer(live!.functionId), "hello");
  assert.deepEqual([bench.compiled, bench.alarms], [2, []]);
  assert.equal((await (await bench.start()).ready("default", "echo"))!.record.version, 1);
  assert.equal(bench.compiled, 2, "what was compiled then is kept");
});

Deno.test("F57: a store of a newer layout is refused by name, and nothing is written to it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const kv = await openKv(`${directory}/kv`);
    await kv.set(KEYS.schema(), SCHEMA_VERSION + 1);
    const { versionstamp } = await kv.get(KEYS.schema());
    kv.close();
    await assert.rejects(openKv(`${directory}/kv`), {
      code: "ERR_STORAGE",
      message: new RegExp(`version ${SCHEMA_VERSION + 1}.*newer program`),
    });
    using raw = await Deno.openKv(`${directory}/kv`);
    assert.equal((await raw.get(KEYS.schema())).versionstamp, versionstamp);
    assert.equal((await Array.fromAsync(raw.list({ prefix: [] }))).length, 1);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
