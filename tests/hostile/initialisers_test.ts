/**
 * H08: code that runs before the snapshot and does not end well. Goal: it is bounded by its deadline, the deploy fails with
 * a code that says why, and nothing of the function is left: no Proto-Faaslet, no Faaslet, no record. Method: initialisers that
 * loop, wait, trap, grow and return errors, in a group and in a registry with a store of its own.
 */
import assert from "node:assert/strict";
import { SEAL_KEY_BYTES } from "../../limits.ts";
import { EmbeddedGroup, engineHash, inspectModuleAside, KvFunctionRegistry, networkRules } from "../../runtime/mod.ts";
import { compileModule, native } from "../../runtime/native/mod.ts";
import { Blobs, openKv } from "../../state/mod.ts";
import { attackTest } from "../support/attack.ts";
import { assemble, guest, imageOf } from "../support/guests.ts";
import { rounds } from "../support/long.ts";
import { until } from "../support/until.ts";

const LIMITS = { initTimeoutMs: 50 };
/** What runs before the snapshot, and what its failure says. */
const FAILURES: readonly (readonly [guest: string, init: string | undefined, message: RegExp])[] = [
  ["start_loops", undefined, /ran longer than 50 ms/],
  ["start_fails", undefined, /unreachable/],
  ["reactor_loops", undefined, /ran longer than 50 ms/],
  ["init_fails", "loop", /ran longer than 50 ms/],
  ["init_fails", "trap", /unreachable[^]*it printed:\nstarting/],
  ["init_fails", "grow", /returned 1/],
  ["recursion", "main", /call stack exhausted/],
];

attackTest("H08: an initialiser that fails installs nothing, and says why", async (attack) => {
  const before = await attack.group.stats();
  for (let round = 0; round < rounds(2, 20); round++) {
    for (const [name, init, message] of FAILURES) {
      const entry = name === "recursion" ? { entry: "with_host" } : {};
      const options = { limits: LIMITS, ...(init !== undefined && { init }), ...entry };
      const started = performance.now();
      await assert.rejects(attack.install(name, options), { code: "ERR_INIT", message }, name);
      // T and a generous margin: the machine is shared.
      assert.ok(performance.now() - started < 50 + 2_000, name);
    }
  }
  const after = await attack.group.stats();
  assert.deepEqual([after.functions, after.idleFaaslets], [before.functions, before.idleFaaslets]);
});

attackTest("H08: initialisers that loop keep nobody else from running", async (attack) => {
  const looping = Array.from(
    { length: 16 },
    () => assert.rejects(attack.install("start_loops", { limits: { initTimeoutMs: 300 } }), { code: "ERR_INIT" }),
  );
  await attack.withBystander(Promise.all(looping));
});

attackTest("H08: a cold start's initialiser is bounded by its call", async (attack) => {
  // It loops only where a variable is that the snapshot was made without.
  const target = await attack.install(
    assemble(`(module
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "init")
      (drop (call $sizes (i32.const 0) (i32.const 4)))
      (if (i32.load (i32.const 0)) (then (loop $again (br $again)))))
    (func (export "main")))`),
    { init: "init" },
  );
  assert.equal((await attack.call(target, { start: "cold" })).status, "ok");
  const environment = { A: "1" };
  assert.equal((await attack.call(target, { environment })).status, "ok");
  const bounded = await attack.call(target, { start: "cold", environment, timeoutMs: 50 });
  assert.deepEqual([bounded.status, bounded.error?.code], ["timeout", "ERR_CALL_TIMEOUT"]);
});

Deno.test("an initialiser that needs an answer of the rest of the program fails by that name", async () => {
  const asks: Readonly<Record<string, [imports: string, call: string]>> = {
    "a name": [
      `(import "env" "getaddrinfo" (func $ask (param i32 i32 i32 i32) (result i32)))`,
      "(call $ask (i32.const 16) (i32.const 0) (i32.const 0) (i32.const 64))",
    ],
    "a shared file": [
      `(import "wasi_snapshot_preview1" "path_open"
        (func $ask (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))`,
      `(call $ask (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 12) (i32.const 0) (i64.const 2) (i64.const 0)
        (i32.const 0) (i32.const 64))`,
    ],
  };
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    for (const [at, [what, [imports, call]]] of Object.entries(asks).entries()) {
      const wasm = assemble(`(module ${imports} (memory (export "memory") 1)
        (data (i32.const 16) "one.example\\00") (data (i32.const 32) "faasm://file\\00")
        (func (export "init") (drop ${call})) (func (export "main")))`);
      const image = { network: networkRules(["one.example:80"]) };
      await assert.rejects(
        group.install(imageOf(at + 1, wasm, { init: "init", image })),
        { code: "ERR_INIT", message: /an initialiser cannot look up names, open shared files/ },
        what,
      );
      // The same in a call is answered, or waits for it.
      await group.install(imageOf(at + 1, wasm, { entry: "init", image }));
      const asked = new Promise<void>((resolve) =>
        group.listen(({ callId, ticket }) => {
          group.answer({ callId, ticket, value: what === "a name" ? 1 : 0 });
          resolve();
        })
      );
      const outcome = await group.call({ id: 1, functionId: at + 1, input: new Uint8Array(0), timeoutMs: 10_000 });
      await asked;
      assert.equal(outcome.status, "ok", what);
    }
  } finally {
    await group.close();
  }
});

Deno.test("H08: a group that closes ends its initialisers, those that wait for a thread too", async () => {
  const group = new EmbeddedGroup({ threadsMax: 2 });
  const image = { limits: { initTimeoutMs: 600_000 } };
  const installs = Array.from({ length: 6 }, (_, at) => {
    const name = at % 2 === 0 ? "start_loops" : "reactor_loops";
    return assert.rejects(group.install(imageOf(at + 1, guest(name), image)), { code: "ERR_DRAINING" });
  });
  await until(() => native.live().runningGuests > 0, "an initialiser runs");
  await group.close();
  await Promise.all(installs);
  await until(() => native.live().threads + native.live().memories === 0, "all is gone");
});

Deno.test("H08: a deploy whose initialiser fails leaves nothing in the store, and the live version as it was", async () => {
  const kv = await openKv(":memory:");
  const group = new EmbeddedGroup({ threadsMax: 4 });
  const registry = await KvFunctionRegistry.open({
    kv,
    blobs: new Blobs(kv),
    group,
    inspect: inspectModuleAside,
    compile: (wasm) => Promise.resolve({ artefact: compileModule(wasm), wallMs: 0, cpuMs: 0 }),
    engineHash: engineHash(),
    sealKey: new Uint8Array(SEAL_KEY_BYTES),
    now: () => 0,
  });
  const deploy = (wasm: Uint8Array, settings: unknown) =>
    registry.deploy({ tenant: "default", name: "f", wasm, settings, files: [] });
  const keys = async () =>
    (await Array.fromAsync(kv.list({ prefix: [] }))).map(({ key }) => JSON.stringify(key)).sort();
  try {
    const empty = await keys();
    await assert.rejects(deploy(guest("init_fails"), { init: "trap" }), { code: "ERR_INIT" });
    assert.deepEqual(await keys(), empty);
    assert.equal((await group.stats()).functions, 0);
    await deploy(guest("init_fails"), { entry: "main" });
    const [live, stored] = [registry.live("default", "f"), await keys()];
    await assert.rejects(deploy(guest("init_fails"), { init: "loop", initTimeoutMs: 50 }), { code: "ERR_INIT" });
    await assert.rejects(deploy(guest("start_fails"), {}), { code: "ERR_INIT" });
    assert.equal(registry.live("default", "f"), live);
    assert.deepEqual(await keys(), stored);
    assert.equal((await group.stats()).functions, 1);
  } finally {
    await registry.close();
    await group.close();
    kv.close();
  }
});
