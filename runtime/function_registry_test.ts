import assert from "node:assert/strict";
import { Blobs, KEYS, openKv } from "../state/mod.ts";
import { failing } from "../tests/support/failing_kv.ts";
import { assemble, guest } from "../tests/support/guests.ts";
import { libraryOf } from "../tests/support/library.ts";
import { EmbeddedGroup } from "./embedded_group.ts";
import { KvFunctionRegistry, type RegistryOptions } from "./function_registry.ts";
import { compileModule, engineHash, inspectModule } from "./native/mod.ts";
import type { DeployRequest } from "./registry.ts";

const SEAL_KEY = new Uint8Array(32).fill(7);

/** A registry on a real store and a real group; compiling is counted and happens here. */
async function withRegistry(
  body: (tools: {
    registry: KvFunctionRegistry;
    group: EmbeddedGroup;
    kv: Deno.Kv;
    compiled: () => number;
    reopen: (over?: Partial<RegistryOptions>) => Promise<KvFunctionRegistry>;
  }) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const kv = await openKv(`${directory}/kv`);
  const groups: EmbeddedGroup[] = [];
  let compilations = 0;
  function reopen(over: Partial<RegistryOptions> = {}): Promise<KvFunctionRegistry> {
    const group = new EmbeddedGroup({ threadsMax: 8 });
    groups.push(group);
    return KvFunctionRegistry.open({
      kv,
      blobs: new Blobs(over.kv ?? kv),
      group,
      inspect: inspectModule,
      compile: (wasm) => {
        compilations++;
        return Promise.resolve({ artefact: compileModule(wasm), wallMs: 1, cpuMs: 1 });
      },
      engineHash: engineHash(),
      sealKey: SEAL_KEY,
      now: () => 0,
      ...over,
    });
  }
  try {
    const registry = await reopen();
    await body({ registry, group: groups[0]!, kv, compiled: () => compilations, reopen });
    await registry.close();
  } finally {
    for (const group of groups) await group.close();
    kv.close();
    await Deno.remove(directory, { recursive: true });
  }
}

function request(over: Partial<DeployRequest> = {}): DeployRequest {
  return { tenant: "default", name: "echo", wasm: guest("echo"), settings: {}, files: [], ...over };
}

async function keysOf(kv: Deno.Kv, prefix: Deno.KvKey): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of kv.list({ prefix })) keys.push(JSON.stringify(key));
  return keys;
}

async function run(group: EmbeddedGroup, functionId: number, text: string): Promise<string> {
  const input = new TextEncoder().encode(text);
  const outcome = await group.call({ id: 1, functionId, input, timeoutMs: 5_000 });
  return new TextDecoder().decode(outcome.output);
}

Deno.test("deploy() makes a function callable; the same again changes nothing", async () => {
  await withRegistry(async ({ registry, group, compiled }) => {
    const first = await registry.deploy(request());
    assert.equal(first.outcome, "created");
    assert.equal(first.record.version, 1);
    assert.equal(await run(group, registry.live("default", "echo")!.functionId, "hello"), "hello");
    const second = await registry.deploy(request());
    assert.equal(second.outcome, "unchanged");
    assert.equal(compiled(), 1);
  });
});

Deno.test("deploy() of other settings is a new version that compiles nothing", async () => {
  await withRegistry(async ({ registry, group, compiled }) => {
    await registry.deploy(request());
    const { outcome, record } = await registry.deploy(request({ settings: { timeoutMs: 5 } }));
    assert.deepEqual([outcome, record.version, compiled()], ["updated", 2, 1]);
    assert.equal((await group.stats()).functions, 1, "the old version is gone");
  });
});

Deno.test("H39: a tenant's functions have no finer clock than its operator lets them, deployed before or since", async () => {
  await withRegistry(async ({ registry, reopen }) => {
    const floors: Record<string, number> = { default: 20_000, other: 1 };
    const deployed = (tenant: string, clockResolutionUs: number) =>
      request({ tenant, name: `clock-${clockResolutionUs}`, wasm: guest("clock"), settings: { clockResolutionUs } });
    await registry.deploy(deployed("default", 1));
    const group = new EmbeddedGroup({ threadsMax: 1 });
    const floored = await reopen({ group, clockResolutionUsMin: (tenant) => floors[tenant]! });
    try {
      await floored.deploy(deployed("default", 50_000));
      await floored.deploy(deployed("other", 1_000));
      const cases = [["default", "clock-1", 20_000], ["default", "clock-50000", 50_000], [
        "other",
        "clock-1000",
        1_000,
      ]];
      for (const [tenant, name, stepUs] of cases as [string, string, number][]) {
        const { functionId } = (await floored.ready(tenant, name))!;
        // How often it looks, and what every reading has to be a multiple of.
        const input = new Uint8Array(new Uint32Array([20_000, stepUs * 1_000]).buffer);
        const outcome = await group.call({ id: 1, functionId, input, timeoutMs: 20_000 });
        const crooked = new DataView(outcome.output.buffer, outcome.output.byteOffset).getBigUint64(8, true);
        assert.deepEqual([outcome.status, crooked], ["ok", 0n], `${tenant}: ${name}`);
      }
    } finally {
      await floored.close();
      await group.close();
    }
  });
});

Deno.test("deploy() with dryRun stores nothing and leaves nothing installed", async () => {
  await withRegistry(async ({ registry, group, kv }) => {
    const { outcome, record } = await registry.deploy(request({ dryRun: true }));
    assert.deepEqual([outcome, record.report.style], ["dry-run", "plain"]);
    assert.equal(registry.live("default", "echo"), undefined);
    assert.equal((await group.stats()).functions, 0);
    assert.deepEqual(await keysOf(kv, ["t"]), []);
  });
});

Deno.test("deploy() that fails at any check leaves the live version as it was", async () => {
  await withRegistry(async ({ registry, group }) => {
    await registry.deploy(request());
    const bad: [Partial<DeployRequest>, string][] = [
      [{ wasm: new TextEncoder().encode("(module)") }, "ERR_MODULE_FORMAT"],
      [{ settings: { timeoutMS: 5 } }, "ERR_SETTINGS_INVALID"],
      [{ settings: { memoryBytes: 100 } }, "ERR_SETTINGS_INVALID"],
      [{ settings: { entry: "nothing" } }, "ERR_MODULE_ENTRY"],
      [{ files: [{ path: "/a/../b", bytes: new Uint8Array(1) }] }, "ERR_SETTINGS_INVALID"],
      [{ wasm: guest("init_fails"), settings: { init: "trap", entry: "main" } }, "ERR_INIT"],
    ];
    for (const [over, code] of bad) await assert.rejects(registry.deploy(request(over)), { code });
    const live = registry.live("default", "echo")!;
    assert.equal(live.record.version, 1);
    assert.equal(await run(group, live.functionId, "still"), "still");
    await assert.rejects(registry.deploy(request({ name: "a/b" })), { code: "ERR_NAME_INVALID" });
  });
});

Deno.test("a restarted registry serves what it had, without compiling", async () => {
  await withRegistry(async ({ registry, compiled, reopen }) => {
    await registry.deploy(
      request({ files: [{ path: "/data/a", bytes: new Uint8Array(200_000).fill(7) }, { path: "/d" }] }),
    );
    const again = await reopen();
    assert.equal(again.live("default", "echo"), undefined, "nothing is loaded before it is asked for");
    const [one, two] = await Promise.all([again.ready("default", "echo"), again.ready("default", "echo")]);
    assert.equal(one, two);
    assert.equal(one!.record.version, 1);
    assert.equal(compiled(), 1);
    const other = await reopen({ engineHash: "another engine" });
    await other.ready("default", "echo");
    assert.equal(compiled(), 2, "machine code of another engine is not used");
  });
});

Deno.test("remove() reclaims bytes that no other function names", async () => {
  await withRegistry(async ({ registry, kv }) => {
    await registry.deploy(request());
    await registry.deploy(request({ name: "twin" }));
    const before = await keysOf(kv, ["t", "default", "blob"]);
    assert.equal(before.length, 2, "the same bytes are stored once");
    assert.equal(await registry.remove("default", "echo"), true);
    assert.deepEqual(await keysOf(kv, ["t", "default", "blob"]), before);
    assert.equal(await registry.remove("default", "twin"), true);
    assert.deepEqual(await keysOf(kv, ["t"]), []);
    assert.equal(await registry.remove("default", "twin"), false);
  });
});

Deno.test("a store that fails at any commit leaves the old version or the new, and a restart reclaims the rest", async () => {
  await withRegistry(async ({ registry, kv, reopen }) => {
    await registry.deploy(request());
    const large = { path: "/large", bytes: crypto.getRandomValues(new Uint8Array(60_000)) };
    for (let failAt = 1;; failAt++) {
      const broken = await reopen({ kv: failing(kv, failAt) });
      const deployed = await broken.deploy(request({ files: [large] })).then(() => true, (error) => {
        assert.equal(error.code, "ERR_STORAGE");
        return false;
      });
      const restarted = await reopen();
      const { record } = (await restarted.ready("default", "echo"))!;
      assert.equal(record.version, deployed ? 2 : 1);
      assert.deepEqual(await keysOf(kv, ["t", "default", "pending"]), []);
      assert.equal((await keysOf(kv, ["t", "default", "blob"])).length, deployed ? 3 : 2);
      if (deployed) break;
    }
    assert.equal((await kv.get(KEYS.function("default", "echo"))).versionstamp !== null, true);
  });
});

Deno.test("deploy() keeps the libraries that a program may open, compiled, across restarts; only new ones are compiled", async () => {
  await withRegistry(async ({ registry, group, kv, compiled, reopen }) => {
    const wasm = assemble(`(module
      (import "env" "dlopen" (func $open (param i32 i32) (result i32)))
      (import "env" "dlsym" (func $symbol (param i32 i32) (result i32)))
      (import "env" "__faasm_write_output" (func $write (param i32 i32)))
      (type $call (func (result i32)))
      (memory (export "memory") 1)
      (table 4 4 funcref)
      (global $stack (mut i32) (i32.const 65536))
      (data (i32.const 16) "/lib.so\\00get\\00")
      (func (export "main")
        (i32.store8 (i32.const 0) (call_indirect (type $call)
          (call $symbol (call $open (i32.const 16) (i32.const 2)) (i32.const 24))))
        (call $write (i32.const 0) (i32.const 1))))`);
    const library = (value: number) => libraryOf(`(module (func (export "get") (result i32) (i32.const ${value})))`);
    const deploy = (value: number) => {
      return registry.deploy(request({ wasm, files: [{ path: "/lib.so", bytes: library(value) }] }));
    };
    await deploy(65);
    assert.equal(await run(group, registry.live("default", "echo")!.functionId, ""), "A");
    assert.equal(compiled(), 2);
    const reopened = await reopen();
    const live = await reopened.ready("default", "echo");
    assert.ok(live !== undefined);
    assert.equal(compiled(), 2, "both artefacts were stored");
    const blobs = (await keysOf(kv, ["t", "default", "blob"])).length;
    await deploy(66);
    assert.equal(await run(group, registry.live("default", "echo")!.functionId, ""), "B");
    assert.equal(compiled(), 3, "the program was compiled before");
    assert.equal(
      (await keysOf(kv, ["t", "default", "blob"])).length,
      blobs + 2,
      "the version before is kept with its own",
    );
  });
});
