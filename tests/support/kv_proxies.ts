/** Stores in between, for tests: one that counts, one that stands still. */
import type { StateKv } from "../../state/mod.ts";

export type KvOperation = "read" | "list" | "commit" | "watch";

/** Calls `before` ahead of each operation, and waits for it. A watch and a list begin when it has resolved. */
export function intercepted(kv: StateKv, before: (operation: KvOperation) => void | Promise<void>): StateKv {
  return {
    async get(...args: Parameters<StateKv["get"]>) {
      await before("read");
      return await kv.get(...args);
    },
    async getMany(...args: Parameters<StateKv["getMany"]>) {
      await before("read");
      return await kv.getMany(...args);
    },
    async set(...args: Parameters<StateKv["set"]>) {
      await before("commit");
      return await kv.set(...args);
    },
    async delete(...args: Parameters<StateKv["delete"]>) {
      await before("commit");
      await kv.delete(...args);
    },
    list(...args: Parameters<StateKv["list"]>) {
      const listing = kv.list(...args);
      const next = listing.next.bind(listing);
      listing.next = async () => {
        await before("list");
        return await next();
      };
      return listing;
    },
    atomic() {
      const commit = kv.atomic();
      const send = commit.commit.bind(commit);
      commit.commit = async () => {
        await before("commit");
        return await send();
      };
      return commit;
    },
    watch(...args: Parameters<StateKv["watch"]>) {
      void before("watch");
      return kv.watch(...args);
    },
    commitVersionstamp: () => kv.commitVersionstamp(),
    close: () => kv.close(),
  } as StateKv;
}

/** A store that counts what is asked of it; of watches, how many are open. */
export function counted(kv: StateKv): { kv: StateKv; counts: Record<KvOperation, number> } {
  const counts = { read: 0, list: 0, commit: 0, watch: 0 };
  const watch = (...args: Parameters<StateKv["watch"]>) => {
    const stream = kv.watch(...args);
    const getReader = stream.getReader.bind(stream);
    counts.watch++;
    stream.getReader = (() => {
      const reader = getReader();
      const cancel = reader.cancel.bind(reader);
      let isOpen = true;
      reader.cancel = async () => {
        if (isOpen) counts.watch--;
        isOpen = false;
        await cancel();
      };
      return reader;
    }) as typeof stream.getReader;
    return stream;
  };
  const counting = intercepted(kv, (operation) => void (operation === "watch" || counts[operation]++));
  return { counts, kv: { ...counting, watch } as StateKv };
}

/** A store whose host stands still between `freeze` and `thaw`: nothing that it asks for gets through. */
export function freezable(kv: StateKv): { kv: StateKv; freeze(): void; thaw(): void } {
  let gate: PromiseWithResolvers<void> | undefined;
  return {
    kv: intercepted(kv, () => gate?.promise),
    freeze: () => void (gate ??= Promise.withResolvers()),
    thaw: () => {
      gate?.resolve();
      gate = undefined;
    },
  };
}
