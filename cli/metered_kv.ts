/** A store that counts what is asked of it and how long it takes: for metrics. */
import type { StoreStats } from "../http/mod.ts";
import { Histogram } from "../scheduler/mod.ts";
import type { StateKv } from "../state/mod.ts";

/** Of a listing the first piece is measured: the others are mostly there already. */
export function metered(kv: StateKv): { readonly kv: StateKv; readonly stats: () => StoreStats } {
  const meters = { read: new Meter(), commit: new Meter() };
  const { read, commit } = meters;
  const through: StateKv = {
    get: (...args: Parameters<StateKv["get"]>) => read.time(() => kv.get(...args)),
    getMany: (...args: Parameters<StateKv["getMany"]>) => read.time(() => kv.getMany(...args)),
    set: (...args: Parameters<StateKv["set"]>) => commit.time(() => kv.set(...args)),
    delete: (...args: Parameters<StateKv["delete"]>) => commit.time(() => kv.delete(...args)),
    list(...args: Parameters<StateKv["list"]>) {
      const listing = kv.list(...args);
      const next = listing.next.bind(listing);
      listing.next = () => {
        listing.next = next;
        return read.time(next);
      };
      return listing;
    },
    atomic() {
      const operation = kv.atomic();
      const send = operation.commit.bind(operation);
      operation.commit = () => commit.time(send);
      return operation;
    },
    watch: kv.watch.bind(kv),
    commitVersionstamp: kv.commitVersionstamp.bind(kv),
    close: () => kv.close(),
  } as StateKv;
  return { kv: through, stats: () => ({ read: read.stats(), commit: commit.stats() }) };
}

class Meter {
  readonly #took = new Histogram();
  #errors = 0;

  /** A commit that lost against another is no error. */
  async time<T>(action: () => Promise<T>): Promise<T> {
    const startedMs = performance.now();
    try {
      return await action();
    } catch (thrown) {
      this.#errors++;
      throw thrown;
    } finally {
      this.#took.observe((performance.now() - startedMs) * 1_000);
    }
  }

  stats(): StoreStats["read"] {
    return { took: this.#took.snapshot(), errors: this.#errors };
  }
}
