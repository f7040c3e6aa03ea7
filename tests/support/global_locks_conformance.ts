/**
 * What global locks must do, whatever store is below them.
 *
 * Goal: the promises of `GlobalTier.lock`, H44 and the takeover of H43 within one process; real processes that are stopped and
 * killed are in `tests/state_history_test.ts`. Method: hosts with short leases; one that stands still is a host whose store does not
 * answer.
 */
import assert from "node:assert/strict";
import { STATE_LIMITS } from "../../limits.ts";
import type { GlobalLock, KvGlobalTier, LockKind } from "../../state/mod.ts";
import { noise, pieces } from "./bytes.ts";
import { assertTidy, type Hosts, KEY, onStore, type TestStore } from "./global_tier_conformance.ts";
import { counted, freezable } from "./kv_proxies.ts";
import { until } from "./until.ts";

const LEASE_MS = 400;

export function globalLocksConformance(name: string, open: () => Promise<TestStore>, missing?: string): void {
  const check = onStore(name, open, missing);
  holding(check);
  waiting(check);
  losing(check);
}

type Check = ReturnType<typeof onStore>;

/** Asks for a lock; `isHeld` tells whether it came. */
class Asked {
  isHeld = false;
  readonly lock: Promise<GlobalLock>;

  constructor(tier: KvGlobalTier, kind: LockKind, order?: string[], name = "") {
    this.lock = tier.lock(KEY, kind).then((lock) => {
      this.isHeld = true;
      order?.push(name);
      return lock;
    });
  }

  async release(): Promise<void> {
    await (await this.lock).release();
  }
}

/** Until the store says that so many wait. */
async function untilWaiting(hosts: Hosts, count: number): Promise<void> {
  const kv = await hosts.kv();
  await until(async () => {
    const { value } = await kv.get<{ queue: unknown[] }>(["t", KEY.tenant, "state", "lock", KEY.key]);
    return (value?.queue.length ?? 0) === count;
  }, `${count} wait for the lock`);
}

function holding(check: Check): void {
  check("a write lock is one host's, and its tokens grow", async (hosts) => {
    const [one, other] = [await hosts.host(), await hosts.host()];
    const first = await one.lock(KEY, "write");
    const asked = new Asked(other, "write");
    await untilWaiting(hosts, 1);
    assert.equal(asked.isHeld, false);
    await first.release();
    const second = await asked.lock;
    assert.ok(second.token > first.token);
    await second.release();
    await second.release();
    const third = await one.lock(KEY, "write");
    assert.ok(third.token > second.token);
    await third.release();
    await assertTidy(hosts, 0);
  });

  check("locks of different keys and tenants have nothing to do with each other", async (hosts) => {
    const tier = await hosts.host();
    const keys = [KEY, { ...KEY, key: "other" }, { ...KEY, tenant: "others" }];
    const locks = await Promise.all(keys.map((key) => tier.lock(key, "write")));
    for (const lock of locks) await lock.release();
  });

  check("readers share the lock; a writer waits for them, and later readers for the writer", async (hosts) => {
    const [one, other] = [await hosts.host(), await hosts.host()];
    const readers = [await one.lock(KEY, "read"), await other.lock(KEY, "read"), await one.lock(KEY, "read")];
    const writer = new Asked(other, "write");
    await untilWaiting(hosts, 1);
    const late = new Asked(one, "read");
    await untilWaiting(hosts, 2);
    for (const lock of readers) {
      assert.deepEqual([writer.isHeld, late.isHeld], [false, false]);
      await lock.release();
    }
    await writer.lock;
    assert.equal(late.isHeld, false);
    await writer.release();
    await late.release();
  });

  check("whoever asks first gets it first", async (hosts) => {
    const tiers = [await hosts.host(), await hosts.host()];
    const first = await tiers[0]!.lock(KEY, "write");
    const order: string[] = [];
    const asked: Asked[] = [];
    const kinds: LockKind[] = ["write", "read", "write", "write", "read"];
    for (const [at, kind] of kinds.entries()) {
      asked.push(new Asked(tiers[at % 2]!, kind, order, String(at)));
      await untilWaiting(hosts, at + 1);
    }
    await first.release();
    for (const lock of asked) await lock.release();
    assert.deepEqual(order, ["0", "1", "2", "3", "4"]);
  });

  check("H44: a writer waits for no more readers than were there before it", async (hosts) => {
    const tiers = [await hosts.host(), await hosts.host()];
    let isOver = false;
    const entered = { readers: 0 };
    // Readers who come back at once, so that there is never a moment without one.
    const readers = Array.from({ length: 20 }, async (_, at) => {
      while (!isOver) {
        const lock = await tiers[at % 2]!.lock(KEY, "read");
        entered.readers++;
        await lock.release();
      }
    });
    await until(() => entered.readers > 40, "readers come and go");
    const writer = await tiers[0]!.lock(KEY, "write");
    isOver = true;
    await writer.release();
    await Promise.all(readers);
  });

  check("a free lock is taken with one round trip and given back with one", async (hosts) => {
    const { kv, counts } = counted(await hosts.kv());
    const tier = await hosts.host({ kv });
    // The first one opens the host's session.
    await (await tier.lock({ ...KEY, key: "first" }, "write")).release();
    for (const kind of ["write", "read"] as const) {
      Object.assign(counts, { read: 0, list: 0, commit: 0, watch: 0 });
      const lock = await tier.lock(KEY, kind);
      assert.deepEqual(counts, { read: 0, list: 0, commit: 1, watch: 0 });
      await lock.release();
      assert.deepEqual(counts, { read: 0, list: 0, commit: 2, watch: 0 });
    }
  });
}

function waiting(check: Check): void {
  check("waiting asks nothing of the store, and ten keys share a watch", async (hosts) => {
    const holder = await hosts.host();
    const { kv, counts } = counted(await hosts.kv());
    const waiter = await hosts.host({ kv });
    const keys = Array.from({ length: 20 }, (_, at) => ({ ...KEY, key: `k${at}` }));
    const held = await Promise.all(keys.map((key) => holder.lock(key, "write")));
    const asked = Promise.all(keys.map((key) => waiter.lock(key, "write")));
    const store = await hosts.kv();
    await until(async () => {
      const locks = await Array.fromAsync(
        store.list<{ queue: unknown[] }>({ prefix: ["t", KEY.tenant, "state", "lock"] }),
      );
      return locks.length === 20 && locks.every(({ value }) => value.queue.length === 1);
    }, "all wait");
    // A look at each holder when waiting begins, and nothing more for a third of a lease.
    let before = "";
    await until(async () => {
      const now = JSON.stringify(counts);
      const isQuiet = now === before;
      before = now;
      if (!isQuiet) await new Promise((resolve) => setTimeout(resolve, 200));
      return isQuiet;
    }, "the waiters are quiet");
    assert.equal(counts.watch, 2, "streams that are open");
    for (const lock of held) await lock.release();
    for (const lock of await asked) await lock.release();
  });

  check("waiting ends when the signal is aborted, and leaves the queue", async (hosts) => {
    const [one, other] = [await hosts.host(), await hosts.host()];
    const held = await one.lock(KEY, "write");
    const ending = new AbortController();
    const asked = other.lock(KEY, "write", { signal: ending.signal });
    await untilWaiting(hosts, 1);
    ending.abort(new Error("the call is over"));
    await assert.rejects(asked, /the call is over/);
    await assert.rejects(other.lock(KEY, "read", { signal: ending.signal }), /the call is over/);
    await untilWaiting(hosts, 0);
    await held.release();
    await (await one.lock(KEY, "write")).release();
    await other.close();
    await assertTidy(hosts, 0);
  });

  check("a host that stops frees what it holds and ends what waits", async (hosts) => {
    const [one, other] = [await hosts.host(), await hosts.host()];
    await one.lock(KEY, "write");
    await other.lock({ ...KEY, key: "other" }, "write");
    const asked = assert.rejects(one.lock({ ...KEY, key: "other" }, "write"), { code: "ERR_DRAINING" });
    const waiting = other.lock(KEY, "write");
    await one.close();
    await asked;
    await (await waiting).release();
    await assert.rejects(one.lock(KEY, "write"), { code: "ERR_DRAINING" });
  });

  check("H40: a lock takes so many who hold it or wait, and one more is refused", async (hosts) => {
    const tier = await hosts.host();
    const kv = await hosts.kv();
    const holders = Array.from(
      { length: STATE_LIMITS.lockPartiesMax - 1 },
      (_, id) => ({ session: "s", id, kind: "read" }),
    );
    await kv.set(["t", KEY.tenant, "state", "lock", KEY.key], { holders, queue: [] });
    const last = await tier.lock(KEY, "read");
    await assert.rejects(tier.lock(KEY, "read"), { code: "ERR_CAPACITY", message: /256 do already/ });
    await last.release();
    await (await tier.lock(KEY, "read")).release();
  });
}

function losing(check: Check): void {
  check("H43: who stands still loses the lock after its lease, and its writes are refused", async (hosts) => {
    const still = freezable(await hosts.kv());
    const one = await hosts.host({ kv: still.kv, leaseMs: LEASE_MS });
    const other = await hosts.host({ leaseMs: LEASE_MS });
    const lost = await one.lock(KEY, "write");
    await one.set(KEY, noise(10), { under: lost });
    still.freeze();
    const pushing = one.set(KEY, pieces(noise(10 * 65_536, 2), 65_536), { under: lost });
    const taken = await other.lock(KEY, "write");
    assert.ok(taken.token > lost.token);
    await other.set(KEY, noise(10, 3), { under: taken });
    still.thaw();
    await assert.rejects(pushing, { code: "ERR_LOCK_LOST", message: /not held any more/ });
    await assert.rejects(one.set(KEY, noise(10, 4), { under: lost }), { code: "ERR_LOCK_LOST" });
    assert.deepEqual((await one.get(KEY))?.bytes, noise(10, 3));
    await lost.release();
    await other.set(KEY, noise(10, 5), { under: taken });
    const again = one.lock(KEY, "write");
    await untilWaiting(hosts, 1);
    await taken.release();
    const lock = await again;
    assert.ok(lock.token > taken.token);
    await one.set(KEY, noise(10, 6), { under: lock });
    await lock.release();
  });

  check("a host that is dead keeps neither its lock nor its place in the queue", async (hosts) => {
    const still = freezable(await hosts.kv());
    const dead = await hosts.host({ kv: still.kv, leaseMs: LEASE_MS });
    const other = await hosts.host({ leaseMs: LEASE_MS });
    const held = await dead.lock(KEY, "read");
    const queued = dead.lock(KEY, "write");
    await untilWaiting(hosts, 1);
    still.freeze();
    await (await other.lock(KEY, "write")).release();
    still.thaw();
    // Taken for dead, it asks again by itself.
    await (await queued).release();
    await held.release();
  });

  check(
    "a lock that is renewed is kept for longer than its lease, under writes and with others waiting",
    async (hosts) => {
      const one = await hosts.host({ leaseMs: LEASE_MS });
      const other = await hosts.host({ leaseMs: LEASE_MS });
      const lock = await one.lock(KEY, "write");
      const asked = new Asked(other, "write");
      const endMs = performance.now() + 3 * LEASE_MS;
      let writes = 0;
      while (performance.now() < endMs) {
        await one.set(KEY, noise(20, ++writes), { under: lock });
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.equal(asked.isHeld, false);
      await lock.release();
      await assert.rejects(one.set(KEY, noise(3), { under: lock }), { code: "ERR_LOCK_LOST" });
      await asked.release();
      assert.deepEqual((await other.get(KEY))?.bytes, noise(20, writes));
    },
  );

  check("what a dead host was writing is collected, and its write cannot end any more", async (hosts) => {
    const still = freezable(await hosts.kv());
    const dead = await hosts.host({ kv: still.kv, leaseMs: LEASE_MS });
    const other = await hosts.host({ leaseMs: LEASE_MS, graceMs: 0 });
    await other.set(KEY, noise(100));
    const { promise: sent, resolve: send } = Promise.withResolvers<void>();
    async function* parts() {
      yield* pieces(noise(20 * 65_536), 65_536);
      send();
      await gone;
      yield noise(10);
    }
    const { promise: gone, resolve: go } = Promise.withResolvers<void>();
    const writing = dead.set(KEY, parts());
    await sent;
    still.freeze();
    await until(async () => await other.sweep() > 0, "the sweep finds it");
    await assertTidy(hosts, 0);
    still.thaw();
    go();
    await assert.rejects(writing);
    assert.deepEqual((await other.get(KEY))?.bytes, noise(100));
  });
}
