/**
 * What the global tier must do, whatever store is below it. `globalTierConformance` registers the suite for one of them.
 *
 * Goal: the promises of `state/global_tier.ts`, seen from a host and from two. Method: every test has a store of its own and opens
 * as many hosts on it as it needs; a host is a tier with a connection of its own.
 */
import assert from "node:assert/strict";
import { STATE_LIMITS } from "../../limits.ts";
import { hashValue, KvGlobalTier, type KvGlobalTierOptions, type StateChange, type StateKv } from "../../state/mod.ts";
import { assertBytes, noise, patched, pieces, prose } from "./bytes.ts";
import { optionalTest } from "./optional.ts";
import { until } from "./until.ts";

const CHUNK = STATE_LIMITS.chunkBytes;
export const KEY = { tenant: "tests", key: "value" } as const;

/** A store that is made for one test. */
export interface TestStore extends AsyncDisposable {
  open(): Promise<StateKv>;
}

/** Hosts on one store. */
export class Hosts implements AsyncDisposable {
  readonly #store: TestStore;
  readonly #tiers: KvGlobalTier[] = [];
  readonly #connections: StateKv[] = [];

  constructor(store: TestStore) {
    this.#store = store;
  }

  async host(options: Partial<KvGlobalTierOptions> = {}): Promise<KvGlobalTier> {
    const tier = new KvGlobalTier({ ...options, kv: options.kv ?? await this.kv() });
    this.#tiers.push(tier);
    return tier;
  }

  /** A connection of its own. */
  async kv(): Promise<StateKv> {
    const kv = await this.#store.open();
    this.#connections.push(kv);
    return kv;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tier of this.#tiers) await tier.close();
    for (const kv of this.#connections) kv.close();
    await this.#store[Symbol.asyncDispose]();
  }
}

/** Registers tests on one kind of store; `missing` says why it cannot be had here. */
export function onStore(name: string, open: () => Promise<TestStore>, missing?: string) {
  return function check(what: string, body: (hosts: Hosts) => Promise<void>): void {
    optionalTest(`${name}: ${what}`, missing, async () => {
      await using hosts = new Hosts(await open());
      await body(hosts);
    });
  };
}

/** A change of a whole copy that is in memory. */
export function changeOf(value: Uint8Array, base: StateChange["base"], twin?: Uint8Array): StateChange {
  const hashes = hashValue(value);
  const count = hashes.length / STATE_LIMITS.hashBytes;
  const hashAt = (all: Uint8Array, index: number) =>
    all.subarray(index * STATE_LIMITS.hashBytes, (index + 1) * STATE_LIMITS.hashBytes).toHex();
  const chunks = Array.from({ length: count }, (_, index) => index)
    .filter((index) => base === undefined || hashAt(base.hashes, index) !== hashAt(hashes, index));
  const part = (of: Uint8Array, index: number) => of.subarray(index * CHUNK, (index + 1) * CHUNK);
  return {
    bytes: value.length,
    base,
    chunks,
    read: (index) => part(value, index),
    ...(twin !== undefined && { twin: (index: number) => part(twin, index) }),
  };
}

export function globalTierConformance(name: string, open: () => Promise<TestStore>, missing?: string): void {
  const check = onStore(name, open, missing);
  reading(check);
  writing(check);
  pushing(check);
  conditions(check);
  lists(check);
  appending(check);
}

type Check = ReturnType<typeof onStore>;

function reading(check: Check): void {
  check("what is not there is undefined, and what is removed is not there", async (hosts) => {
    const tier = await hosts.host();
    assert.equal(await tier.head(KEY), undefined);
    assert.equal(await tier.get(KEY), undefined);
    assert.equal(await tier.read(KEY), undefined);
    assert.equal(await tier.pull(KEY, () => assert.fail("nothing was to be pulled")), undefined);
    assert.equal(await tier.delete(KEY), false);
    await tier.set(KEY, noise(100));
    assert.equal(await tier.delete(KEY), true);
    assert.equal(await tier.get(KEY), undefined);
    assert.equal(await tier.delete(KEY), false);
  });

  check("a value of any size comes back as it was, from another host", async (hosts) => {
    const [one, other] = [await hosts.host(), await hosts.host()];
    let before = "";
    for (const length of [0, 1, 9_000, CHUNK - 1, CHUNK, CHUNK + 1, 7 * CHUNK, 7 * CHUNK + 1, 1_000_003, 12, 0]) {
      const value = noise(length, length + 1);
      const { head } = await one.set(KEY, value);
      assert.ok(head.version > before, "versions grow");
      before = head.version;
      const found = await other.get(KEY);
      assertBytes(found?.bytes, value, `a value of ${length} bytes`);
      assert.deepEqual(found?.head, head);
      assert.deepEqual(head.hashes, hashValue(value));
      assert.deepEqual(await other.head(KEY), head);
    }
  });

  check("a value is read in order, all of it or a part", async (hosts) => {
    const tier = await hosts.host();
    const value = noise(20 * CHUNK + 5);
    const { head } = await tier.set(KEY, value);
    const ends = value.length;
    for (const [offset, length] of [[0, ends], [1, CHUNK], [CHUNK, CHUNK], [CHUNK - 1, 2], [ends - 1, 9], [ends, 9]]) {
      const read = await tier.read(KEY, { offset: offset!, length: length! });
      assert.deepEqual(read?.head, head);
      assertBytes(await new Response(read!.bytes).bytes(), value.slice(offset, offset! + length!));
    }
    assertBytes(await new Response((await tier.read(KEY))!.bytes).bytes(), value);
    await assert.rejects(tier.read(KEY, { offset: ends + 1, length: 1 }), { code: "ERR_RANGE" });
    await assert.rejects(tier.read(KEY, { offset: -1, length: 1 }), { code: "ERR_RANGE" });
    const unread = await tier.read(KEY);
    await unread!.bytes.cancel();
  });

  check("a pull brings only what is not here yet, or not as it is there", async (hosts) => {
    const [one, other] = [await hosts.host(), await hosts.host()];
    const value = noise(30 * CHUNK);
    const { head } = await one.set(KEY, value);
    assert.deepEqual(await pulled(other, { have: head.hashes }), []);
    assert.deepEqual(await pulled(other, { ranges: [{ first: 3, count: 2 }, { first: 29, count: 9 }] }), [3, 4, 29]);
    await one.write(KEY, 7 * CHUNK + 1, noise(CHUNK, 9));
    assert.deepEqual(await pulled(other, { have: head.hashes }), [7, 8]);
    assert.deepEqual(await pulled(other, { have: head.hashes, ranges: [{ first: 8, count: 4 }] }), [8]);
    assert.deepEqual((await pulled(other, {})).length, 30);
  });

  check("a pull ends with one version, whole, when the value is replaced meanwhile", async (hosts) => {
    const [one, other] = [await hosts.host({ graceMs: 0 }), await hosts.host()];
    const kv = await hosts.kv();
    const [before, after] = [noise(150 * CHUNK, 1), noise(150 * CHUNK, 2)];
    await one.set(KEY, before);
    const copy = new Uint8Array(before.length);
    let isReplaced = false;
    const head = await other.pull(KEY, async (index, bytes) => {
      copy.set(bytes, index * CHUNK);
      if (isReplaced) return;
      isReplaced = true;
      await one.set(KEY, after);
      await until(async () => (await storedKinds(kv)).chunk === 150, "the old version is collected");
    });
    assertBytes(copy, after);
    assert.deepEqual(head, await one.head(KEY));
  });

  check("a read in order goes on through changes of what it has read, and breaks off at others", async (hosts) => {
    const [one, other] = [await hosts.host({ graceMs: 0 }), await hosts.host()];
    const kv = await hosts.kv();
    const value = noise(40 * CHUNK);
    await one.set(KEY, value);
    const reader = (await other.read(KEY))!.bytes.getReader();
    const parts = [(await reader.read()).value!];
    await one.write(KEY, 0, new Uint8Array([1]));
    for (let next = await reader.read(); !next.done; next = await reader.read()) parts.push(next.value);
    assertBytes(await new Blob(parts as Uint8Array<ArrayBuffer>[]).bytes(), value);
    const late = (await other.read(KEY))!.bytes.getReader();
    await late.read();
    await one.set(KEY, noise(40 * CHUNK, 3));
    await until(async () => (await storedKinds(kv)).chunk === 40, "the old version is collected");
    await until(() => late.read().then(() => false, ({ code }) => code === "ERR_CONFLICT"), "the read breaks off");
  });
}

async function pulled(tier: KvGlobalTier, options: Parameters<KvGlobalTier["pull"]>[2]): Promise<number[]> {
  const indexes: number[] = [];
  await tier.pull(KEY, (index) => void indexes.push(index), options);
  return indexes.sort((a, b) => a - b);
}

function writing(check: Check): void {
  check("a stream is stored as the same bytes would be", async (hosts) => {
    const tier = await hosts.host();
    for (const length of [0, 10, 7 * CHUNK, 7 * CHUNK + 1, 41 * CHUNK + 17]) {
      const value = noise(length, length + 1);
      const { head } = await tier.set(KEY, pieces(value, 1_000, CHUNK, 300_000));
      assert.deepEqual(head.hashes, hashValue(value));
      assertBytes((await tier.get(KEY))?.bytes, value);
    }
  });

  check("a stream that fails leaves the value as it was, and nothing behind", async (hosts) => {
    const tier = await hosts.host();
    const value = noise(5 * CHUNK);
    await tier.set(KEY, value);
    async function* broken() {
      yield* pieces(noise(30 * CHUNK, 7), CHUNK);
      throw new Error("the sender went away");
    }
    await assert.rejects(tier.set(KEY, broken()), /the sender went away/);
    assertBytes((await tier.get(KEY))?.bytes, value);
    await assertTidy(hosts, 5);
  });

  check("a part is written into the value, makes it longer, or makes it", async (hosts) => {
    const tier = await hosts.host();
    let value: Uint8Array = new Uint8Array(0);
    const parts = [[5, 3], [0, 2], [CHUNK - 1, 2], [3 * CHUNK, CHUNK], [10, 2 * CHUNK], [20 * CHUNK + 3, 5], [
      7,
      0,
    ]] as const;
    for (const [at, [offset, length]] of parts.entries()) {
      const part = noise(length, at + 1);
      const { head } = await tier.write(KEY, offset, part);
      value = patched(value, offset, part);
      assertBytes((await tier.get(KEY))?.bytes, value);
      assert.deepEqual(head.hashes, hashValue(value));
    }
    await assert.rejects(tier.write(KEY, -1, new Uint8Array(1)), { code: "ERR_RANGE" });
  });

  check("what is the same already is not sent, and is no new version", async (hosts) => {
    const tier = await hosts.host();
    const value = noise(20 * CHUNK);
    const first = await tier.set(KEY, value);
    assert.equal(first.sentChunks, 20);
    const again = await tier.set(KEY, value.slice());
    assert.deepEqual([again.sentChunks, again.sentBytes], [0, 0]);
    assert.equal(again.head.version, first.head.version);
    const third = await tier.set(KEY, patched(value, 3 * CHUNK, new Uint8Array([1, 2, 3])));
    assert.equal(third.sentChunks, 1);
  });

  check("chunks that shrink are stored smaller, zeros not at all", async (hosts) => {
    const tier = await hosts.host();
    const stored = async () => (await Array.fromAsync(tier.list(KEY.tenant)))[0]!.storedBytes;
    await tier.set(KEY, noise(10 * CHUNK));
    assert.ok(await stored() > 10 * CHUNK - 100, "noise is stored as it is");
    await tier.set(KEY, prose(10 * CHUNK));
    assert.ok(await stored() < CHUNK, `prose takes ${await stored()}`);
    assertBytes((await tier.get(KEY))?.bytes, prose(10 * CHUNK));
    const zeros = await tier.set(KEY, new Uint8Array(1_000 * CHUNK));
    assert.deepEqual([zeros.sentChunks, await stored()], [0, 0]);
    assertBytes((await tier.get(KEY))?.bytes, new Uint8Array(1_000 * CHUNK));
  });

  check("what was replaced is collected, whoever replaced it", async (hosts) => {
    const [one, other] = [await hosts.host({ graceMs: 0 }), await hosts.host({ graceMs: 0 })];
    for (let round = 0; round < 4; round++) {
      await one.set(KEY, noise(30 * CHUNK, round));
      await other.write(KEY, round * CHUNK, noise(12 * CHUNK, 100 + round));
    }
    await one.set(KEY, noise(9 * CHUNK));
    await one.close();
    await other.close();
    await assertTidy(hosts, 9);
  });

  check("a value whose list of chunks has pages is a value like others", async (hosts) => {
    const tier = await hosts.host({ graceMs: 0 });
    // Mostly zeros, so that the list is long and the bytes are few.
    const bytes = 2_500 * CHUNK + 77;
    const value = patched(new Uint8Array(bytes), 2_499 * CHUNK, noise(CHUNK));
    await tier.set(KEY, value);
    await tier.write(KEY, 5 * CHUNK, noise(CHUNK, 2));
    const other = await hosts.host();
    const found = await other.get(KEY);
    assertBytes(found?.bytes, patched(value, 5 * CHUNK, noise(CHUNK, 2)));
    assert.deepEqual(await pulled(other, { have: hashValue(value) }), [5]);
    await tier.set(KEY, noise(10));
    assertBytes((await other.get(KEY))?.bytes, noise(10));
    await tier.close();
    await assertTidy(hosts, 0);
  });
}

/** How many keys of each kind there are. */
async function storedKinds(kv: StateKv): Promise<Record<"chunk" | "page" | "garbage" | "writing" | "lock", number>> {
  const kinds = { chunk: 0, page: 0, garbage: 0, writing: 0, lock: 0 };
  for await (const { key } of kv.list({ prefix: [] })) {
    const kind = String(key[0] === "t" ? key[3] : key[0]) as keyof typeof kinds;
    if (kind in kinds) kinds[kind]++;
  }
  return kinds;
}

/** Nothing is stored for values but their roots, so many chunks, and nothing that waits to be collected. */
export async function assertTidy(hosts: Hosts, chunk: number): Promise<void> {
  assert.deepEqual(await storedKinds(await hosts.kv()), { chunk, page: 0, garbage: 0, writing: 0, lock: 0 });
}

function pushing(check: Check): void {
  check("a push sends what changed, and both hosts' changes stay", async (hosts) => {
    const [one, other] = [await hosts.host(), await hosts.host()];
    const value = noise(20 * CHUNK);
    const { head: base } = await one.set(KEY, value);
    const mine = patched(value, 2 * CHUNK, noise(10, 2));
    const theirs = patched(value, 9 * CHUNK, noise(10, 3));
    const first = await one.push(KEY, changeOf(mine, base));
    assert.equal(first.sentChunks, 1);
    const second = await other.push(KEY, changeOf(theirs, base));
    assert.equal(second.sentChunks, 1);
    assert.equal(second.merged.size, 0);
    const both = patched(mine, 9 * CHUNK, noise(10, 3));
    assertBytes((await one.get(KEY))?.bytes, both);
    assert.deepEqual(second.head.hashes, hashValue(both));
  });

  check("a chunk that both changed is merged by byte, and handed back", async (hosts) => {
    const tier = await hosts.host();
    const value = noise(3 * CHUNK);
    const { head: base } = await tier.set(KEY, value);
    const mine = patched(value, CHUNK + 100, noise(50, 2));
    const theirs = patched(value, CHUNK + 120, noise(50, 3));
    await tier.push(KEY, changeOf(theirs, base, value));
    const { merged, head } = await tier.push(KEY, changeOf(mine, base, value));
    // Where both wrote, the later one stands.
    const both = patched(patched(value, CHUNK + 120, noise(50, 3)), CHUNK + 100, noise(50, 2));
    assertBytes((await tier.get(KEY))?.bytes, both);
    assert.deepEqual([...merged.keys()], [1]);
    assertBytes(merged.get(1), both.slice(CHUNK, 2 * CHUNK));
    assert.deepEqual(head.hashes, hashValue(both));
  });

  check("without a twin the later push has the chunk", async (hosts) => {
    const tier = await hosts.host();
    const value = noise(3 * CHUNK);
    const { head: base } = await tier.set(KEY, value);
    await tier.push(KEY, changeOf(patched(value, CHUNK, noise(50, 3)), base));
    const { merged } = await tier.push(KEY, changeOf(patched(value, CHUNK + 100, noise(50, 2)), base));
    assert.equal(merged.size, 0);
    assertBytes((await tier.get(KEY))?.bytes, patched(value, CHUNK + 100, noise(50, 2)));
  });

  check("a push may change the size; who did not change it takes the other's", async (hosts) => {
    const tier = await hosts.host();
    const value = noise(3 * CHUNK);
    const { head: base } = await tier.set(KEY, value);
    const longer = patched(value, 5 * CHUNK, noise(7, 2));
    await tier.push(KEY, changeOf(longer, base, value));
    await tier.push(KEY, changeOf(patched(value, 10, noise(5, 3)), base, value));
    const both = patched(longer, 10, noise(5, 3));
    const { head } = (await tier.get(KEY))!;
    assertBytes((await tier.get(KEY))?.bytes, both);
    const shorter = both.slice(0, CHUNK + 9);
    await tier.push(KEY, { ...changeOf(shorter, head), chunks: [] });
    assertBytes((await tier.get(KEY))?.bytes, shorter, "what is behind the end is cut off");
    await tier.push(KEY, changeOf(patched(both, 4 * CHUNK, noise(5, 4)), head, both));
    assertBytes((await tier.get(KEY))?.bytes, shorter, "a change behind somebody's cut is cut off too");
    await tier.write(KEY, CHUNK + 20, new Uint8Array([1]));
    assertBytes((await tier.get(KEY))?.bytes, patched(shorter, CHUNK + 20, new Uint8Array([1])), "and is zeros");
  });

  check("a push without a base replaces; after a removal it needs all of the value", async (hosts) => {
    const tier = await hosts.host();
    const value = noise(3 * CHUNK);
    const { head: base } = await tier.set(KEY, value);
    await tier.push(KEY, changeOf(noise(2 * CHUNK, 2), undefined));
    assertBytes((await tier.get(KEY))?.bytes, noise(2 * CHUNK, 2));
    await tier.delete(KEY);
    const mine = patched(value, 0, noise(5, 3));
    await tier.push(KEY, changeOf(mine, base));
    assertBytes((await tier.get(KEY))?.bytes, mine);
    await tier.delete(KEY);
    const part: StateChange = {
      ...changeOf(mine, base),
      read: (index) => index === 0 ? mine.slice(0, CHUNK) : undefined,
    };
    await assert.rejects(tier.push(KEY, part), { code: "ERR_CONFLICT", message: /deleted it meanwhile/ });
    assert.equal(await tier.head(KEY), undefined);
  });

  check("many hosts that push at the same time lose nothing", async (hosts) => {
    const tiers = [await hosts.host(), await hosts.host(), await hosts.host()];
    const bytes = 12 * CHUNK;
    const { head: base } = await tiers[0]!.set(KEY, new Uint8Array(bytes));
    const twin = new Uint8Array(bytes);
    const pushes = Array.from({ length: 12 }, (_, at) => {
      // Each writes its byte of every chunk.
      const mine = new Uint8Array(bytes);
      for (let chunk = 0; chunk < 12; chunk++) mine[chunk * CHUNK + at] = at + 1;
      return tiers[at % 3]!.push(KEY, changeOf(mine, base, twin));
    });
    await Promise.all(pushes);
    const { bytes: result } = (await tiers[1]!.get(KEY))!;
    for (let chunk = 0; chunk < 12; chunk++) {
      assert.deepEqual([...result.subarray(chunk * CHUNK, chunk * CHUNK + 13)], [
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        0,
      ]);
    }
  });
}

function conditions(check: Check): void {
  check("a write with a version is one only if the value is of that version", async (hosts) => {
    const tier = await hosts.host();
    await assert.rejects(tier.set(KEY, noise(1), { ifVersion: "00000000000000000000" }), { code: "ERR_PRECONDITION" });
    const first = await tier.set(KEY, noise(30 * CHUNK), { ifVersion: null });
    await assert.rejects(tier.set(KEY, noise(1), { ifVersion: null }), { code: "ERR_PRECONDITION" });
    const second = await tier.write(KEY, 3, noise(9, 2), { ifVersion: first.head.version });
    const stale = { ifVersion: first.head.version };
    const { head, bytes } = (await tier.get(KEY))!;
    assert.equal(head.version, second.head.version);
    await assert.rejects(tier.set(KEY, noise(3), stale), { code: "ERR_PRECONDITION", message: /is of version/ });
    await assert.rejects(tier.set(KEY, pieces(noise(40 * CHUNK, 5), CHUNK), stale), { code: "ERR_PRECONDITION" });
    await assert.rejects(tier.write(KEY, 0, noise(3), stale), { code: "ERR_PRECONDITION" });
    await assert.rejects(tier.push(KEY, changeOf(noise(3), head), stale), { code: "ERR_PRECONDITION" });
    await assert.rejects(tier.delete(KEY, stale), { code: "ERR_PRECONDITION" });
    assertBytes((await tier.get(KEY))?.bytes, bytes, "none of them wrote");
    assert.equal(await tier.delete(KEY, { ifVersion: second.head.version }), true);
    await tier.set(KEY, noise(3));
    await assert.rejects(tier.set(KEY, noise(4), { ifVersion: second.head.version }), { code: "ERR_PRECONDITION" });
  });

  check("of many that write with the same version, one does", async (hosts) => {
    const tiers = [await hosts.host(), await hosts.host()];
    const { head } = await tiers[0]!.set(KEY, noise(10));
    const writes = Array.from({ length: 10 }, (_, at) => {
      return tiers[at % 2]!.set(KEY, noise(10, at + 2), { ifVersion: head.version });
    });
    const results = await Promise.allSettled(writes);
    const written = results.findIndex(({ status }) => status === "fulfilled");
    assert.equal(results.filter(({ status }) => status === "fulfilled").length, 1);
    for (const result of results) {
      if (result.status === "rejected") assert.equal(result.reason.code, "ERR_PRECONDITION");
    }
    assertBytes((await tiers[0]!.get(KEY))?.bytes, noise(10, written + 2));
  });

  check("an aborted write writes nothing and says the signal's reason", async (hosts) => {
    const tier = await hosts.host();
    const ending = new AbortController();
    async function* slow() {
      yield noise(20 * CHUNK);
      ending.abort(new Error("the call is over"));
      yield noise(20 * CHUNK);
    }
    await assert.rejects(tier.set(KEY, slow(), { signal: ending.signal }), /the call is over/);
    await assert.rejects(tier.set(KEY, noise(3), { signal: ending.signal }), /the call is over/);
    assert.equal(await tier.head(KEY), undefined);
    await assertTidy(hosts, 0);
  });
}

function lists(check: Check): void {
  check("a list has a tenant's keys in order, by prefix, page by page", async (hosts) => {
    const tier = await hosts.host();
    const keys = ["a", "a/b", "a/bc", "a/c", "aé", "b", "b\u{10ffff}", "z", "日本"];
    for (const [at, key] of [...keys].reverse().entries()) await tier.set({ tenant: "tests", key }, noise(at));
    await tier.set({ tenant: "others", key: "a/x" }, noise(1));
    const list = async (options = {}) => (await Array.fromAsync(tier.list("tests", options))).map(({ key }) => key);
    assert.deepEqual(await list(), keys);
    assert.deepEqual(await list({ prefix: "a/" }), ["a/b", "a/bc", "a/c"]);
    assert.deepEqual(await list({ prefix: "a/b" }), ["a/b", "a/bc"]);
    assert.deepEqual(await list({ prefix: "b\u{10ffff}" }), ["b\u{10ffff}"]);
    assert.deepEqual(await list({ prefix: "nothing" }), []);
    assert.deepEqual(await list({ limit: 2 }), ["a", "a/b"]);
    assert.deepEqual(await list({ after: "a/b", limit: 2 }), ["a/bc", "a/c"]);
    assert.deepEqual(await list({ after: "a/b", prefix: "a/" }), ["a/bc", "a/c"]);
    assert.deepEqual(await list({ after: "0", prefix: "a/" }), ["a/b", "a/bc", "a/c"]);
    assert.deepEqual(await list({ after: "z" }), ["日本"]);
    const [entry] = await Array.fromAsync(tier.list("tests", { prefix: "z" }));
    const head = (await tier.head({ tenant: "tests", key: "z" }))!;
    assert.deepEqual([entry!.bytes, entry!.version], [1, head.version]);
    assert.ok(Math.abs(entry!.writtenAtMs - Date.now()) < 60_000);
  });

  check("usage counts what there is, and a quota ends it by name", async (hosts) => {
    const tier = await hosts.host({ quota: () => ({ bytes: 30 * CHUNK, keys: 3 }) });
    const key = (name: string) => ({ tenant: "tests", key: name });
    await tier.set(key("a"), noise(10 * CHUNK));
    await tier.set(key("b"), pieces(noise(10 * CHUNK + 1), CHUNK));
    await tier.append(key("b"), noise(9));
    assert.deepEqual(await tier.usage("tests"), { bytes: 20 * CHUNK + 10, keys: 2 });
    const over = { code: "ERR_QUOTA", message: /quota|are free/ };
    await assert.rejects(tier.set(key("c"), noise(10 * CHUNK)), over);
    await assert.rejects(tier.set(key("c"), pieces(noise(10 * CHUNK), CHUNK)), over);
    await assert.rejects(tier.write(key("a"), 20 * CHUNK, noise(1)), over);
    await assert.rejects(tier.append(key("a"), noise(10 * CHUNK)), { code: "ERR_STATE_LIMIT" });
    await tier.set(key("a"), noise(10 * CHUNK, 2));
    await tier.set(key("c"), noise(1));
    await assert.rejects(tier.set(key("d"), noise(1)), {
      code: "ERR_QUOTA",
      message: /another state key: tests has 3 of 3/,
    });
    await tier.set({ tenant: "others", key: "d" }, noise(1));
    await tier.write(key("a"), 0, noise(3));
    await tier.set(key("a"), noise(10));
    for (const name of ["a", "b", "c"]) await tier.delete(key(name));
    assert.deepEqual(await tier.usage("tests"), { bytes: 0, keys: 0 });
    await tier.set(key("d"), noise(30 * CHUNK));
  });
}

function appending(check: Check): void {
  check("records are read in the order in which they were appended, from any host", async (hosts) => {
    const tiers = [await hosts.host(), await hosts.host()];
    for (let at = 0; at < 30; at++) await tiers[at % 2]!.append(KEY, new Uint8Array([at]));
    const first = await tiers[0]!.readAppended(KEY, 20);
    assert.deepEqual(first.records.map(([byte]) => byte), Array.from({ length: 20 }, (_, at) => at));
    assert.equal(first.count, 20);
    const all = await tiers[1]!.readAppended(KEY, 31);
    assert.deepEqual([all.count, all.records.length], [30, 30]);
    assert.deepEqual(await tiers[0]!.readAppended(KEY, 0), { records: [], count: 0 });
    assert.deepEqual(await tiers[0]!.readAppended({ ...KEY, tenant: "others" }, 9), { records: [], count: 0 });
    await tiers[0]!.clearAppended(KEY);
    assert.equal((await tiers[1]!.readAppended(KEY, 9)).count, 0);
  });

  check("records that are appended side by side are all there, once", async (hosts) => {
    const tiers = [await hosts.host(), await hosts.host()];
    await Promise.all(Array.from({ length: 60 }, (_, at) => tiers[at % 2]!.append(KEY, new Uint8Array([at]))));
    const { records } = await tiers[0]!.readAppended(KEY, 100);
    assert.deepEqual(records.map(([byte]) => byte).sort((a, b) => a! - b!), Array.from({ length: 60 }, (_, at) => at));
  });

  check("records may be empty or as long as may be; removing the value removes them", async (hosts) => {
    const tier = await hosts.host();
    const records = [new Uint8Array(0), noise(STATE_LIMITS.recordBytesMax), new Uint8Array([0])];
    for (const record of records) await tier.append(KEY, record);
    (await tier.readAppended(KEY, 3)).records.forEach((record, at) => assertBytes(record, records[at]!));
    await assert.rejects(tier.append(KEY, noise(STATE_LIMITS.recordBytesMax + 1)), { code: "ERR_STATE_LIMIT" });
    assert.equal(await tier.delete(KEY), true);
    assert.equal((await tier.readAppended(KEY, 3)).count, 0);
    assert.deepEqual(await tier.usage(KEY.tenant), { bytes: 0, keys: 0 });
  });

  check("what is cleared from two hosts at once is counted once", async (hosts) => {
    const tiers = [await hosts.host(), await hosts.host()];
    for (let at = 0; at < 20; at++) await tiers[0]!.append(KEY, noise(100, at + 1));
    await Promise.all([tiers[0]!.clearAppended(KEY), tiers[1]!.clearAppended(KEY)]);
    assert.deepEqual(await tiers[0]!.usage(KEY.tenant), { bytes: 0, keys: 0 });
  });
}
