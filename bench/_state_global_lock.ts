/** Global locks: a free one beside a bare commit with a check, and how long a lock takes from one host to the next. */
import { KvGlobalTier, type StateKv } from "../state/mod.ts";
import { type FileStore, type ServerStore, shared } from "../tests/support/stores.ts";
import type { Measured } from "./_state_memory.ts";
import { TENANT } from "./_state_host.ts";
import { median, medianRatio } from "./_statistics.ts";

const KEY = { tenant: TENANT, key: "lock" };
/** A lock is one commit; what else it costs is to stay below another one. */
const FREE_MAX = 2;

/** Figures of a store; `name` is how they name it. */
export async function measureGlobalLock(
  name: string,
  store: FileStore | ServerStore,
  rounds: number,
): Promise<Measured> {
  const kv = await store.open();
  const watched = new Watched(await store.open());
  const [one, other] = [new KvGlobalTier({ kv }), new KvGlobalTier({ kv: watched.kv })];
  const ms = { lock: [] as number[], commit: [] as number[], handOver: [] as number[] };
  try {
    for (let round = -1; round < rounds; round++) {
      let began = performance.now();
      const lock = await one.lock(KEY, "write");
      const lockMs = performance.now() - began;
      await lock.release();
      const bare = await kv.get(["bare"]);
      began = performance.now();
      await kv.atomic().check(bare).set(["bare"], { holder: "one", token: round }).commit();
      const commitMs = performance.now() - began;
      const handOverMs = await handOver(one, other, watched);
      // The first round is for whatever is made on first use.
      if (round < 0) continue;
      ms.lock.push(lockMs);
      ms.commit.push(commitMs);
      ms.handOver.push(handOverMs);
    }
  } finally {
    await Promise.all([one.close(), other.close()]);
    kv.close();
    watched.kv.close();
  }
  const figures = [
    {
      what: `global lock that is free, ${name}`,
      value: median(ms.lock),
      unit: "ms",
      against: {
        what: "a bare compare-and-set of one key",
        value: median(ms.commit),
        ratio: medianRatio(ms.lock, ms.commit),
      },
      goal: { of: "ratio", atMost: FREE_MAX },
    },
    {
      what: `global lock from one host's release to the next host's lock, ${name}`,
      value: median(ms.handOver),
      unit: "ms",
    },
  ] as const;
  const rows = [[name, median(ms.lock), median(ms.commit), median(ms.handOver)]];
  const head = ["milliseconds", "free lock", "bare commit", "hand-over"];
  return { figures, table: { title: "Global locks", head, rows }, raw: ms };
}

/** From the release on one host until another host, which waits, has it. */
async function handOver(one: KvGlobalTier, other: KvGlobalTier, watched: Watched): Promise<number> {
  const held = await one.lock(KEY, "write");
  const isWatching = watched.next();
  const waiting = other.lock(KEY, "write");
  await isWatching;
  const began = performance.now();
  await held.release();
  const lock = await waiting;
  const ms = performance.now() - began;
  await lock.release();
  return ms;
}

/** A store of which it is known when somebody watches a key: who releases a lock earlier than that finds nobody asleep. */
class Watched {
  readonly kv: StateKv;
  #resolve: () => void = () => {};

  constructor(kv: StateKv) {
    const watch = <T extends readonly unknown[]>(keys: readonly Deno.KvKey[]) =>
      kv.watch<T>([...keys] as never).pipeThrough(
        new TransformStream({
          transform: (entries, controller) => {
            controller.enqueue(entries);
            this.#resolve();
          },
        }),
      );
    this.kv = { ...shared(kv), watch: watch as StateKv["watch"], close: kv.close.bind(kv) };
  }

  /** Resolves when a watch says something for the next time: what its keys are, to begin with. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#resolve = resolve);
  }
}
