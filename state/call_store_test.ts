import assert from "node:assert/strict";
import { failing } from "../tests/support/failing_kv.ts";
import { CallStore, openKv, RecordLog } from "./mod.ts";

async function withKv(body: (kv: Deno.Kv) => Promise<void>): Promise<void> {
  const kv = await openKv(":memory:");
  try {
    await body(kv);
  } finally {
    kv.close();
  }
}

async function keysOf(kv: Deno.Kv, ...prefix: Deno.KvKeyPart[]): Promise<string[]> {
  return (await Array.fromAsync(kv.list({ prefix }))).map(({ key }) => key.map(String).join(" "));
}

function call(id: string, document: unknown = {}) {
  return { tenant: "default", id, document };
}

Deno.test("a call has its document and parts of any size, until it is removed", async () => {
  await withKv(async (kv) => {
    const store = await CallStore.open(kv);
    const input = crypto.getRandomValues(new Uint8Array(65_000));
    const large = new Uint8Array(3_000_000).map((_, at) => at % 251);
    assert.equal(await store.add(call("1", { a: 1 }), { input, empty: new Uint8Array(0) }), undefined);
    await store.update(call("1", { a: 2 }), { output: large }, ["input"]);
    const again = await CallStore.open(kv);
    assert.deepEqual(await Array.fromAsync(again.all()), [call("1", { a: 2 })]);
    assert.deepEqual(await again.part("default", "1", "output"), large);
    assert.equal(await again.part("default", "1", "input"), undefined);
    assert.equal((await again.part("default", "1", "empty"))?.length, 0);
    await again.remove("default", "1");
    assert.deepEqual(await keysOf(kv, "t"), []);
  });
});

Deno.test("an idempotency key stands for one call of a function, until that is removed", async () => {
  await withKv(async (kv) => {
    const store = await CallStore.open(kv);
    const key = { name: "f", key: "k" };
    const parts = { input: new Uint8Array(3) };
    const answers = await Promise.all(["1", "2", "3"].map((id) => store.add(call(id), parts, key)));
    const won = answers.indexOf(undefined) + 1;
    assert.deepEqual(answers.filter((one) => one !== undefined), [String(won), String(won)]);
    assert.equal((await Array.fromAsync(store.all())).length, 1, "the others left nothing");
    assert.equal((await keysOf(kv, "t", "default", "call-part")).length, 1);
    assert.equal(await store.add(call("4"), parts, { name: "g", key: "k" }), undefined);
    await store.remove("default", String(won), key);
    assert.equal(await store.add(call("5"), parts, key), undefined);
  });
});

Deno.test("F49: whatever write is the last one, a restart finds whole calls and nothing of others", async () => {
  await withKv(async (kv) => {
    const large = new Uint8Array(2_000_000);
    for (let failAt = 1; failAt < 100; failAt++) {
      const before = await CallStore.open(failing(kv, failAt));
      const isDone = await (async () => {
        await before.add(call("1"), { input: large });
        await before.update(call("1", { done: true }), { output: large }, ["input"]);
        await before.remove("default", "1");
      })().then(() => true, () => false);
      const after = await CallStore.open(kv);
      for (const found of await Array.fromAsync(after.all())) {
        const isEnded = (found.document as { done?: boolean }).done === true;
        assert.equal((await after.part("default", "1", isEnded ? "output" : "input"))?.length, large.length);
        await after.remove("default", "1");
      }
      assert.deepEqual(await keysOf(kv, "t"), [], `write ${failAt}`);
      if (isDone) return;
    }
    assert.fail("it never succeeds");
  });
});

const LIMITS = { recordsMax: 10, bytesMax: 1e6, keptMs: { good: 1_000, failed: 5_000 } };

Deno.test("a record log keeps the newest of each kind, over a restart", async () => {
  await withKv(async (kv) => {
    const log = await RecordLog.open(kv, LIMITS);
    for (let batch = 0; batch < 5; batch++) {
      await log.append("default", "good", Array.from({ length: 4 }, (_, at) => `g${batch * 4 + at}`), batch);
    }
    await log.append("default", "failed", ["f0"], 5);
    const again = await RecordLog.open(kv, LIMITS);
    const read = await Array.fromAsync(again.read());
    assert.deepEqual(read, [..."g8 g9 g10 g11 g12 g13 g14 g15 g16 g17 g18 g19 f0".split(" ")]);
    await again.append("default", "good", ["g20"], 2_000);
    assert.deepEqual(await Array.fromAsync(again.read()), ["f0", "g20"], "what is too old is gone, failed ones later");
    assert.deepEqual((await keysOf(kv, "t")).length, 4, "a head and a chunk for each of two segments");
  });
});

Deno.test("a record log takes records of any size, and leaves a damaged segment out", async () => {
  await withKv(async (kv) => {
    const limits = { ...LIMITS, bytesMax: 10e6 };
    const log = await RecordLog.open(kv, limits);
    const large = Array.from({ length: 4 }, () => randomHex(300_000));
    await log.append("default", "good", large, 0);
    const read = await Array.fromAsync((await RecordLog.open(kv, limits)).read());
    assert.equal(read.length === 4 && read.every((line, at) => line === large[at]), true);
    await log.append("default", "good", ["last"], 0);
    const [first] = await keysOf(kv, "t", "default", "records", "good");
    const id = first!.split(" ")[4]!;
    await kv.set(["t", "default", "records", "good", id, 1], new Uint8Array(10));
    const left = await Array.fromAsync((await RecordLog.open(kv, limits)).read());
    assert.equal(left.at(-1), "last");
    assert.equal(left.length < 5, true);
  });
});

function randomHex(bytes: number): string {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 60_000) crypto.getRandomValues(all.subarray(at, at + 60_000));
  return all.toHex();
}
