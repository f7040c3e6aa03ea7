/**
 * Goal: what `docs/consistency.md` says that a reader may see does happen, and what it says prevents it does prevent it. Method: the
 * programs of `examples/consistency`, on one host or on two hosts of one store. Calls wait for each other at the worst moment, so that
 * nothing here is luck.
 */
import assert from "node:assert/strict";
import { buildModule } from "../cli/build/mod.ts";
import { SYSTEM_CLOCK } from "../http/mod.ts";
import { EmbeddedGroup, type FunctionRecord, parseSettings } from "../runtime/mod.ts";
import { Dispatcher } from "../scheduler/mod.ts";
import { KvGlobalTier, openKv, Residency, ResidencyCalls } from "../state/mod.ts";
import { imageOf } from "./support/guests.ts";
import { StateHost, TENANT } from "./support/state_host.ts";

const FOLDER = new URL("../examples/consistency/", import.meta.url).pathname;
const HOSTS = ["one", "two"] as const;

type Ask = (host: 0 | 1, words: string) => Promise<number>;

/** Two hosts of one store that run a program; `ask` calls it with words, and gives the number that it answers with. */
async function onTwoHosts(program: string, body: (ask: Ask) => Promise<void>): Promise<void> {
  const { wasm } = await buildModule(FOLDER + program, () => {});
  const kv = await openKv(":memory:");
  const global = new KvGlobalTier({ kv });
  try {
    await using one = await StateHost.open(global, { wasm });
    await using two = await StateHost.open(global, { wasm });
    await body(async (host, words) => {
      const { status, returnValue, output, error } = await (host === 0 ? one : two).call({
        input: new TextEncoder().encode(words),
      });
      assert.deepEqual([status, returnValue], ["ok", 0], `${words}: ${error?.message}`);
      return Number(new TextDecoder().decode(output));
    });
  } finally {
    await global.close();
    kv.close();
  }
}

/** Both at once. */
function together(ask: Ask, words: string): Promise<number[]> {
  return Promise.all(([0, 1] as const).map((host) => ask(host, `${HOSTS[host]} ${words}`)));
}

Deno.test("a stale read: another host's push is not seen, until pull_state", async () => {
  await onTwoHosts("stale_read.c", async (ask) => {
    await ask(0, "set 1");
    assert.equal(await ask(1, "read"), 1, "what is touched first is fetched");
    await ask(0, "set 2");
    assert.equal(await ask(1, "read"), 1, "stale");
    assert.equal(await ask(1, "pull"), 2);
    assert.equal(await ask(1, "read"), 2);
  });
});

Deno.test("a lost update: of two additions one is left, but with the global lock or a version both are", async () => {
  await onTwoHosts("lost_update.c", async (ask) => {
    assert.deepEqual(await together(ask, "plain"), [1, 1], "one of two additions is lost");
    assert.deepEqual((await together(ask, "locked")).sort(), [1, 2]);
    assert.deepEqual((await together(ask, "versioned")).sort(), [1, 2]);
  });
});

Deno.test("mixed chunks: two pushes make what no host had, but not under the global lock", async () => {
  await onTwoHosts("mixed_chunks.c", async (ask) => {
    for (const [how, left] of [["plain", 0], ["locked", 1]] as const) {
      assert.equal(await ask(0, `begin ${how}`), 2);
      await together(ask, how);
      assert.equal(await ask(0, `count ${how}`), left, how);
      assert.equal(await ask(1, `count ${how}`), left, how);
    }
  });
});

Deno.test("a race in memory: of two additions one is left, but with the local lock both are", async () => {
  const { wasm } = await buildModule(`${FOLDER}race_in_memory.c`, () => {});
  const kv = await openKv(":memory:");
  const global = new KvGlobalTier({ kv });
  const group = new EmbeddedGroup();
  try {
    await group.install(imageOf(1, wasm));
    const residency = new Residency({ tenant: TENANT, local: group.state, global });
    const calls = new ResidencyCalls(residency, global, (answer) => group.answer(answer));
    const record = { tenant: TENANT, name: "race", version: 1, settings: parseSettings({}) };
    const live = { functionId: 1, record: record as unknown as FunctionRecord };
    const dispatcher = new Dispatcher({
      group,
      clock: SYSTEM_CLOCK,
      random: (bytes) => void crypto.getRandomValues(bytes),
      current: () => live,
      onHostCall(ask, { callId, ended }) {
        assert.ok(ResidencyCalls.isFor(ask));
        calls.asked(ask, { tenant: TENANT, callId, ended });
      },
    });
    for (let round = 0; round < 20; round++) {
      const { status, output, error } = await dispatcher.call({ live, input: new Uint8Array(0) });
      assert.equal(status, "ok", error?.message);
      assert.equal(new TextDecoder().decode(output), "two additions: 1 without the lock, 2 with it\n");
    }
  } finally {
    await group.close();
    await global.close();
    kv.close();
  }
});
