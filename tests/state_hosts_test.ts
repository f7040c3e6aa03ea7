/**
 * Goal: what state promises when hosts are stopped and killed (H42, H43, F49), and that histories of many hosts are linearizable.
 * Method: hosts in processes of their own, on a KV server or on a file that they use one after another.
 */
import assert from "node:assert/strict";
import { type GlobalTier, KvGlobalTier, openKv } from "../state/mod.ts";
import { assertBytes, noise, patched } from "./support/bytes.ts";
import { ChildHost } from "./support/child_host.ts";
import { DENOKV_MISSING, DenoKvServer } from "./support/denokv.ts";
import { isLinearizable, operationsOf } from "./support/linearizable.ts";
import { IS_LONG, rounds, seeded } from "./support/long.ts";
import { optionalTest } from "./support/optional.ts";
import { Scratch } from "./support/scratch.ts";
import type { Task } from "./support/state_child.ts";
import { until } from "./support/until.ts";

const KEY = { tenant: "tests", key: "value" } as const;
const LEASE_MS = 300;

async function withTier(store: string, body: (tier: KvGlobalTier, kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await openKv(store);
  // An hour ahead: what others left behind is old enough to be everybody's.
  const wallNow = () => Date.now() + 3_600_000;
  const tier = new KvGlobalTier({ kv, leaseMs: LEASE_MS, graceMs: 0, wallNow });
  try {
    await body(tier, kv);
  } finally {
    await tier.close();
    kv.close();
  }
}

const BEFORE = noise(900_000, 1);
const WRITES: { how: (Task & { kind: "write" })["how"]; bytes: number; after: Uint8Array | undefined }[] = [
  { how: "set", bytes: 1_500_000, after: noise(1_500_000, 2) },
  { how: "stream", bytes: 1_200_000, after: noise(1_200_000, 2) },
  { how: "part", bytes: 700_000, after: patched(BEFORE, 70_000, noise(700_000, 2)) },
  { how: "delete", bytes: 0, after: undefined },
];

/** Kills a writer at each of its steps: the value is what it was or what it is to be, and nothing stays behind. */
async function killedAtEachStep(store: string, { how, bytes, after }: typeof WRITES[number]): Promise<void> {
  await withTier(store, async (tier) => void await tier.set(KEY, BEFORE));
  const outcomes = { before: 0, after: 0 };
  for (let dieAt = 1;; dieAt++) {
    assert.ok(dieAt < 100, "the writer comes to its end");
    const task: Task = { kind: "write", how, bytes, seed: 2 };
    await using child = new ChildHost({ store, leaseMs: LEASE_MS, dieAt, task });
    await child.ended();
    const isOver = child.said("end") > 0;
    await withTier(store, async (tier, kv) => {
      const found = (await tier.get(KEY))?.bytes;
      const isAfter = after === undefined
        ? found === undefined
        : found?.length === after.length && found[70_001] === after[70_001];
      if (isAfter && after !== undefined) assertBytes(found, after, `${how}, killed at step ${dieAt}`);
      if (!isAfter) assertBytes(found, BEFORE, `${how}, killed at step ${dieAt}`);
      outcomes[isAfter ? "after" : "before"]++;
      await tier.set(KEY, BEFORE);
      await until(async () => {
        await tier.sweep();
        return await keysOf(kv, "writing") + await keysOf(kv, "garbage") === 0;
      }, "what it left behind is collected");
      assert.deepEqual(await tier.usage(KEY.tenant), { bytes: BEFORE.length, keys: 1 });
    });
    if (isOver) break;
  }
  assert.ok(outcomes.before > 1 && outcomes.after > 1, JSON.stringify(outcomes));
}

async function keysOf(kv: Deno.Kv, kind: string): Promise<number> {
  return (await Array.fromAsync(kv.list({ prefix: [kind] }))).length;
}

for (const write of WRITES) {
  Deno.test(`F49: a ${write.how} that is killed at any step leaves the old value or the new (file)`, async () => {
    using scratch = new Scratch();
    await killedAtEachStep(`${scratch.path}/kv.sqlite3`, write);
  });
}

optionalTest(
  "F49: a set that is killed at any step leaves the old value or the new (server)",
  DENOKV_MISSING,
  async () => {
    await using server = await DenoKvServer.start();
    await killedAtEachStep(server.url, WRITES[0]!);
  },
);

optionalTest("H42: increments by version are never lost, whoever is killed", DENOKV_MISSING, async () => {
  await using server = await DenoKvServer.start();
  await countsUp(server, { writers: rounds(6, 64), times: rounds(30, 1_000), isLocked: false });
});

optionalTest(
  "H42: increments under the global lock are never lost, whoever is killed or stands still",
  DENOKV_MISSING,
  async () => {
    await using server = await DenoKvServer.start();
    await countsUp(server, { writers: rounds(5, 16), times: rounds(15, 200), isLocked: true });
  },
);

async function countsUp(
  server: DenoKvServer,
  { writers, times, isLocked }: { writers: number; times: number; isLocked: boolean },
): Promise<void> {
  const random = seeded(42);
  const hosts = Array.from({ length: writers }, () => {
    return new ChildHost({ store: server.url, leaseMs: LEASE_MS, task: { kind: "increment", times, isLocked } });
  });
  await using cleanup = new AsyncDisposableStack();
  for (const host of hosts) cleanup.use(host);
  // Two are killed in the middle of their work, one stands still for longer than its lease.
  const [first, second, third] = hosts;
  await first!.untilSaid("acked", 1 + Math.floor(random() * times / 3));
  first!.signal("SIGKILL");
  await third!.untilSaid(isLocked ? "locked" : "acked", 2);
  third!.signal("SIGSTOP");
  await second!.untilSaid("acked", 1 + Math.floor(random() * times / 2));
  second!.signal("SIGKILL");
  const stoppedAtMs = performance.now();
  await until(() => performance.now() - stoppedAtMs > 3 * LEASE_MS, "its lease has run out");
  third!.signal("SIGCONT");
  for (const host of hosts) await host.ended();
  const acked = hosts.reduce((sum, host) => sum + host.said("acked"), 0);
  await withTier(server.url, async (tier) => {
    const final = Number(new TextDecoder().decode((await tier.get(KEY))!.bytes));
    assert.ok(acked <= final && final <= acked + 2, `${acked} were acknowledged, the value is ${final}`);
    assert.ok(final >= (writers - 2) * times);
  });
}

optionalTest(
  "H43: a host that stands still beyond its lease cannot write when it goes on",
  DENOKV_MISSING,
  async () => {
    await using server = await DenoKvServer.start();
    const orders = { store: server.url, leaseMs: LEASE_MS, task: { kind: "hold" } } as const;
    await using still = new ChildHost(orders);
    await still.untilSaid("locked");
    still.signal("SIGSTOP");
    await using other = new ChildHost(orders);
    await other.untilSaid("locked");
    await other.tell();
    await other.untilSaid("acked");
    await withTier(server.url, async (tier) => {
      const { head } = (await tier.get(KEY))!;
      still.signal("SIGCONT");
      await still.tell();
      await still.ended();
      assert.deepEqual(still.lines.filter(({ say }) => say === "failed"), [{ say: "failed", code: "ERR_LOCK_LOST" }]);
      assert.deepEqual((await tier.head(KEY))?.version, head.version);
      const tokens = [still, other].map(({ lines }) => lines.find((line) => line.say === "locked")!.token);
      assert.ok(tokens[1]! > tokens[0]!);
    });
  },
);

optionalTest("H43: a history of hosts that are stopped and killed is linearizable", DENOKV_MISSING, async () => {
  for (let round = 0; round < rounds(1, 10); round++) {
    await using server = await DenoKvServer.start();
    const hosts = Array.from({ length: 4 }, (_, at) => {
      const task = { kind: "history", operations: 60, seed: round * 10 + at, keys: 2 } as const;
      return new ChildHost({ store: server.url, leaseMs: LEASE_MS, task });
    });
    await using cleanup = new AsyncDisposableStack();
    for (const host of hosts) cleanup.use(host);
    await hosts[0]!.untilSaid("done", 15);
    hosts[0]!.signal("SIGKILL");
    hosts[1]!.signal("SIGSTOP");
    await hosts[2]!.untilSaid("done", 40);
    hosts[1]!.signal("SIGCONT");
    for (const host of hosts) await host.ended();
    const operations = operationsOf(hosts.flatMap(({ lines }) => lines));
    assert.ok(operations.length > 180, `${operations.length} operations`);
    for (const key of ["k0", "k1"]) {
      const history = operations.filter((operation) => operation.key === key);
      assert.ok(isLinearizable(history), `round ${round}: ${JSON.stringify(history)}`);
    }
  }
});

Deno.test("the search for an order knows a history that has none", () => {
  const at = (startMs: number, endMs: number) => ({ key: "k", startMs, endMs });
  const write = { ...at(0, 1), id: "w", kind: "write", value: "a", result: {} } as const;
  const read = (value: string, startMs: number, endMs: number) =>
    ({ ...at(startMs, endMs), id: `r${startMs}`, kind: "read", result: { value } }) as const;
  assert.ok(isLinearizable([write, read("a", 2, 3)]));
  assert.ok(!isLinearizable([write, read("", 2, 3)]), "a stale read");
  assert.ok(isLinearizable([{ ...write, endMs: 9 }, read("", 2, 3), read("a", 4, 5)]));
  assert.ok(!isLinearizable([{ ...write, endMs: 9 }, read("a", 2, 3), read("", 4, 5)]), "backwards");
  const swap = (id: string, isRefused: boolean) =>
    ({ ...at(2, 9), id, kind: "swap", before: "a", value: id, result: { isRefused } }) as const;
  assert.ok(isLinearizable([write, swap("b", false), swap("c", true), read("b", 10, 11)]));
  assert.ok(!isLinearizable([write, swap("b", false), swap("c", false)]), "a lost update");
  const unknown = { ...at(2, Infinity), id: "u", kind: "write", value: "u" } as const;
  assert.ok(isLinearizable([write, unknown, read("a", 10, 11), read("u", 12, 13)]));
});

if (IS_LONG) {
  Deno.test("a value of 1 GiB is written and read as a stream", async () => {
    using scratch = new Scratch();
    await withTier(`${scratch.path}/kv.sqlite3`, async (tier: GlobalTier) => {
      const piece = noise(1_048_576);
      async function* gibibyte() {
        for (let count = 0; count < 1_024; count++) yield patched(piece, 0, new Uint8Array([count & 0xff, count >> 8]));
      }
      await tier.set(KEY, gibibyte());
      let at = 0;
      for await (const bytes of (await tier.read(KEY))!.bytes) {
        if (at % 1_048_576 === 0) assert.equal(bytes[0]! + 256 * bytes[1]!, at / 1_048_576);
        at += bytes.length;
      }
      assert.equal(at, 2 ** 30);
      const { head } = await tier.write(KEY, 500_000_000, noise(10, 3));
      assert.equal(head.bytes, 2 ** 30);
      await assert.rejects(tier.write(KEY, 2 ** 30, noise(1)), { code: "ERR_STATE_LIMIT" });
    });
  });
}
