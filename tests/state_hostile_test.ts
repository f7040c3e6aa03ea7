/**
 * Hostile cases of state that need no second process: limits of the store (H40), keys made to collide (H41), two hosts whose clocks
 * differ and whose messages come late and twice (H46). Method: both kinds of store, with proxies in between.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { KV_LIMITS, STATE_LIMITS } from "../limits.ts";
import { hashValue, KvGlobalTier, openKv, type StateKv, type StateVersion } from "../state/mod.ts";
import { assertBytes, noise } from "./support/bytes.ts";
import { DENOKV_MISSING } from "./support/denokv.ts";
import { KEY, onStore, type TestStore } from "./support/global_tier_conformance.ts";
import { rounds, seeded } from "./support/long.ts";
import { FileStore, ServerStore } from "./support/stores.ts";

const CHUNK = STATE_LIMITS.chunkBytes;

type Check = ReturnType<typeof onStore>;

const STORES: [string, () => Promise<TestStore>, string | undefined][] = [
  ["file", () => Promise.resolve(new FileStore()), undefined],
  ["server", () => ServerStore.start(), DENOKV_MISSING],
];

for (const [name, open, missing] of STORES) {
  const check = onStore(name, open, missing);
  limits(check, name === "server");
  timesAndMessages(check);
}

function limits(check: Check, isServer: boolean): void {
  check("H40: the store takes what limits.ts says, and nothing of a commit with more", async (hosts) => {
    const kv = await hosts.kv();
    const key = (at: number): Deno.KvKey => ["probe", at];
    const commits = async (count: number, add: (commit: Deno.AtomicOperation, at: number) => void) => {
      const commit = kv.atomic();
      for (let at = 0; at < count; at++) add(commit, at);
      return (await commit.commit()).ok;
    };
    const isEmpty = async () => (await Array.fromAsync(kv.list({ prefix: ["probe"] }, { limit: 1 }))).length === 0;

    for (const length of [KV_LIMITS.valueBytesMax - 1, KV_LIMITS.valueBytesMax]) {
      await kv.set(key(0), noise(length));
      assertBytes((await kv.get<Uint8Array>(key(0))).value ?? undefined, noise(length));
    }
    await kv.delete(key(0));
    await assert.rejects(async () => void await kv.set(key(0), noise(KV_LIMITS.valueBytesMax + 1)));

    const checks = (count: number) =>
      commits(count, (commit, at) => commit.check({ key: key(at), versionstamp: null }));
    assert.ok(await checks(KV_LIMITS.checksMax));
    if (isServer) await assert.rejects(() => checks(KV_LIMITS.checksMax + 1));

    const sets = (count: number) => commits(count, (commit, at) => commit.set(key(at), 1));
    await assert.rejects(() => sets(KV_LIMITS.mutationsMax + 1));
    assert.ok(await isEmpty(), "nothing of a refused commit is there");
    assert.ok(await sets(KV_LIMITS.mutationsMax));
    assert.ok(await commits(KV_LIMITS.mutationsMax, (commit, at) => commit.delete(key(at))));

    await assert.rejects(() => commits(13, (commit, at) => commit.set(key(at), noise(KV_LIMITS.valueBytesMax))));
    assert.ok(await isEmpty());
    assert.ok(await commits(12, (commit, at) => commit.set(key(at), noise(KV_LIMITS.valueBytesMax))));

    const keys = Array.from({ length: KV_LIMITS.keysPerReadMax }, (_, at) => key(at));
    assert.equal((await kv.getMany(keys)).length, KV_LIMITS.keysPerReadMax);
    await assert.rejects(async () => void await kv.getMany([...keys, key(99)]));
  });

  check("H40: values, records and keys at their limits are taken, beyond them refused whole", async (hosts) => {
    const tier = await hosts.host({ graceMs: 0 });
    // Every character of the longest key takes as many bytes as may be.
    const longest = { tenant: "t".repeat(63), key: "\u{10ffff}".repeat(STATE_LIMITS.keyBytesMax / 4) };
    const value = noise(30 * CHUNK);
    await tier.set(longest, value);
    await tier.set(longest, noise(30 * CHUNK, 2));
    await tier.write(longest, 5 * CHUNK, noise(12 * CHUNK, 3));
    await tier.append(longest, noise(STATE_LIMITS.recordBytesMax));
    await (await tier.lock(longest, "write")).release();
    assert.deepEqual((await Array.fromAsync(tier.list(longest.tenant))).map(({ key }) => key), [longest.key]);
    await tier.delete(longest);
    for (const key of [longest.key + "x", "", "a\0b", "\ud800", "a/./b", ".."]) {
      await assert.rejects(tier.set({ ...KEY, key }, noise(1)), { code: "ERR_NAME_INVALID" }, key);
      await assert.rejects(tier.head({ ...KEY, key }), { code: "ERR_NAME_INVALID" });
      await assert.rejects(tier.append({ ...KEY, key }, noise(1)), { code: "ERR_NAME_INVALID" });
      await assert.rejects(tier.lock({ ...KEY, key }, "read"), { code: "ERR_NAME_INVALID" });
    }
    // Zeros are not stored: so the largest value costs nothing here.
    const { head } = await tier.write(KEY, STATE_LIMITS.valueBytesMax - 1, new Uint8Array([7]));
    assert.equal(head.bytes, STATE_LIMITS.valueBytesMax);
    for (
      const [offset, length] of [[STATE_LIMITS.valueBytesMax, 1], [STATE_LIMITS.valueBytesMax - 1, 2], [2 ** 52, 1]]
    ) {
      await assert.rejects(tier.write(KEY, offset!, noise(length!)), { code: "ERR_STATE_LIMIT" });
    }
    assert.equal((await tier.head(KEY))?.version, head.version);
    const last = await tier.read(KEY, { offset: STATE_LIMITS.valueBytesMax - 3, length: 9 });
    assert.deepEqual([...await new Response(last!.bytes).bytes()], [0, 0, 7]);
  });
}

Deno.test("H41: keys that are made to collide do not, within a tenant and across", async () => {
  const kv = await openKv(":memory:");
  const tier = new KvGlobalTier({ kv });
  const hostileText = fc.oneof(
    fc.constantFrom(
      "a",
      "a/",
      "/a",
      "//",
      "state",
      "root",
      "chunk",
      "t",
      "0",
      "1",
      "\u00ff",
      "\u{10ffff}",
      "é",
      "e\u0301",
    ),
    fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom("a", "/", "0", "\u00ff", "\u{10ffff}", " ", "~") }),
  );
  const tenants = ["a", "a-b", "t", "state"];
  const steps = fc.array(
    fc.tuple(fc.constantFrom(...tenants), hostileText, fc.constantFrom("set", "delete", "append")),
    {
      minLength: 5,
      maxLength: 40,
    },
  );
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const model = new Map<string, Map<string, string>>(tenants.map((tenant) => [tenant, new Map()]));
      for (const [at, [tenant, key, what]] of script.entries()) {
        if (what === "set") {
          await tier.set({ tenant, key }, new TextEncoder().encode(`${tenant}|${key}|${at}`));
          model.get(tenant)!.set(key, `${tenant}|${key}|${at}`);
        } else if (what === "append") await tier.append({ tenant, key }, new Uint8Array([at]));
        else {
          await tier.delete({ tenant, key });
          model.get(tenant)!.delete(key);
        }
      }
      for (const [tenant, values] of model) {
        const listed = await Array.fromAsync(tier.list(tenant));
        assert.deepEqual(new Set(listed.map(({ key }) => key)), new Set(values.keys()));
        for (const [key, text] of values) {
          assert.equal(new TextDecoder().decode((await tier.get({ tenant, key }))!.bytes), text);
          const within = (await Array.fromAsync(tier.list(tenant, { prefix: key }))).map(({ key }) => key);
          assert.deepEqual(new Set(within), new Set([...values.keys()].filter((other) => other.startsWith(key))));
        }
        for (const { key } of listed) await tier.delete({ tenant, key });
        for (const [, key] of script) await tier.clearAppended({ tenant, key });
        assert.deepEqual(await tier.usage(tenant), { bytes: 0, keys: 0 });
      }
    }),
    { seed: 41, numRuns: rounds(25, 500) },
  );
  await tier.close();
  kv.close();
});

/** A connection on which commits come late, at random, and some twice, as a client sends them again whose answer was lost. */
function unreliable(kv: StateKv, random: () => number): StateKv {
  return {
    ...kv,
    get: kv.get.bind(kv),
    getMany: kv.getMany.bind(kv),
    list: kv.list.bind(kv),
    set: kv.set.bind(kv),
    delete: kv.delete.bind(kv),
    watch: kv.watch.bind(kv),
    commitVersionstamp: kv.commitVersionstamp.bind(kv),
    close: () => {},
    atomic() {
      const commit = kv.atomic();
      const send = commit.commit.bind(commit);
      commit.commit = async () => {
        if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 5));
        const first = await send();
        return random() < 0.3 ? await send() : first;
      };
      return commit;
    },
  } as StateKv;
}

function timesAndMessages(check: Check): void {
  check("H46: clocks that differ and messages that come late and twice tear nothing", async (hosts) => {
    const random = seeded(46);
    const hour = 3_600_000;
    const tiers = await Promise.all([-hour, 0, hour].map(async (skewMs) => {
      const kv = unreliable(await hosts.kv(), random);
      return await hosts.host({ kv, wallNow: () => Date.now() + skewMs, graceMs: 0 });
    }));
    const chunks = 12;
    let written = 0;
    // Every write fills the whole value with its number: a value with two numbers is a torn one.
    const filled = (number: number) => new Uint8Array(chunks * CHUNK).fill(number);
    await tiers[0]!.set(KEY, filled(1));
    const writer = async (tier: KvGlobalTier, at: number) => {
      for (let round = 0; round < rounds(8, 100); round++) {
        const number = 2 + (written++ % 250);
        if (round % 2 === 0) await tier.set(KEY, filled(number));
        else {
          const { head } = (await tier.get(KEY))!;
          const value = filled(number);
          const read = (index: number) => value.subarray(index * CHUNK, (index + 1) * CHUNK);
          await tier.push(KEY, {
            bytes: value.length,
            base: head,
            chunks: Array.from({ length: chunks }, (_, at) => at),
            read,
          });
        }
        await tier.append(KEY, new Uint8Array([at, round]));
      }
    };
    let isOver = false;
    const reader = async (tier: KvGlobalTier) => {
      let before: StateVersion = "";
      while (!isOver) {
        const { head, bytes } = (await tier.get(KEY))!;
        assert.ok(bytes.every((byte) => byte === bytes[0]), "a torn value");
        assert.ok(head.version >= before, "an older version after a newer one");
        assert.deepEqual(head.hashes, hashValue(bytes));
        before = head.version;
      }
    };
    const readers = tiers.map(reader);
    await Promise.all(tiers.map(writer)).finally(() => isOver = true);
    await Promise.all(readers);
    const [first, ...rest] = await Promise.all(tiers.map((tier) => tier.get(KEY)));
    for (const other of rest) assert.deepEqual(other!.head, first!.head);
    const { records } = await tiers[0]!.readAppended(KEY, 10_000);
    assert.equal(records.length, 3 * rounds(8, 100), "each record is there once");
    for (let at = 0; at < 3; at++) {
      const own = records.filter(([by]) => by === at).map(([, round]) => round);
      assert.deepEqual(own, Array.from({ length: own.length }, (_, round) => round), "each host's in its order");
    }
    assert.deepEqual(await tiers[0]!.usage(KEY.tenant), { bytes: chunks * CHUNK + 2 * records.length, keys: 1 });
  });
}
