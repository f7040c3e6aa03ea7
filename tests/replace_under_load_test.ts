/**
 * Goal: a function that is replaced while calls run and wait (H19): each call sees one version whole, and none is lost.
 * Method: registry, dispatcher and worker group as a host has them; each version says its number in two places.
 */
import assert from "node:assert/strict";
import { EmbeddedGroup, engineHash, inspectModule, KvFunctionRegistry } from "../runtime/mod.ts";
import { Dispatcher } from "../scheduler/mod.ts";
import { SYSTEM_CLOCK } from "../http/mod.ts";
import { Blobs, openKv } from "../state/mod.ts";
import { compileModule } from "../runtime/native/mod.ts";
import { guest } from "./support/guests.ts";
import { rounds } from "./support/long.ts";

Deno.test("H19: calls that run and wait while a function is replaced see one version whole, and none fails", async () => {
  const kv = await openKv(":memory:");
  const group = new EmbeddedGroup({ threadsMax: 8 });
  const registry = await KvFunctionRegistry.open({
    kv,
    blobs: new Blobs(kv),
    group,
    inspect: inspectModule,
    compile: (wasm) => Promise.resolve({ artefact: compileModule(wasm), wallMs: 1, cpuMs: 1 }),
    engineHash: engineHash(),
    sealKey: new Uint8Array(32),
    now: Date.now,
  });
  const dispatcher = new Dispatcher({
    group,
    clock: SYSTEM_CLOCK,
    random: (bytes) => void crypto.getRandomValues(bytes),
    current: (tenant, name) => registry.live(tenant, name),
  });
  const wasm = guest("environment");
  async function replace(version: number): Promise<void> {
    const settings = {
      arguments: [`argument ${version}`],
      environment: { VERSION: String(version) },
      concurrency: 4,
      queue: 1_000,
    };
    await registry.deploy({ tenant: "default", name: "f", wasm, settings, files: [] });
  }
  const seen = new Set<number>();
  let calls = 0;
  async function call(): Promise<void> {
    // As the HTTP side does it: what was live before an await may be gone after it.
    const loaded = await registry.ready("default", "f");
    const live = registry.live("default", "f") ?? loaded!;
    const result = await dispatcher.call({ live, input: new Uint8Array(0) });
    assert.equal(result.status, "ok", result.error?.message);
    const text = new TextDecoder().decode(result.output);
    const [, argument, variable] = /argument (\d+)\0VERSION=(\d+)/.exec(text) ?? [];
    assert.equal(argument, variable, text);
    seen.add(Number(argument));
    calls++;
  }
  try {
    await replace(1);
    let isOver = false;
    let failure: unknown;
    const callers = Array.from({ length: 100 }, async () => {
      try {
        while (!isOver) await call();
      } catch (thrown) {
        failure ??= thrown;
      }
    });
    for (let version = 2; version <= rounds(15, 300); version++) {
      await replace(version);
      if (version % 5 === 0) {
        await registry.rollback("default", "f");
        await registry.rollback("default", "f", version);
      }
      const before = calls;
      while (calls < before + 50) await call();
    }
    isOver = true;
    await Promise.all(callers);
    if (failure !== undefined) throw failure;
    assert.equal(seen.size >= 10, true, `saw ${seen.size} versions`);
    assert.equal((await group.stats()).functions, 1);
  } finally {
    dispatcher.cancelAll();
    await dispatcher.drain();
    await registry.close();
    await group.close();
    kv.close();
  }
});
