/** A store that counts the bytes of the values that go to it and come from it, as Deno KV would send them. */
import { serialize } from "node:v8";
import type { StateKv } from "../state/mod.ts";

/** Bytes of values; keys are not counted. */
export interface Traffic {
  sent: number;
  received: number;
}

export function countedKv(kv: StateKv): { kv: StateKv; traffic: Traffic } {
  const traffic: Traffic = { sent: 0, received: 0 };
  const receive = <T extends { value: unknown }>(entry: T): T => {
    traffic.received += bytesOf(entry.value);
    return entry;
  };
  const counted = {
    async get(...args: Parameters<StateKv["get"]>) {
      return receive(await kv.get(...args));
    },
    async getMany(...args: Parameters<StateKv["getMany"]>) {
      return (await kv.getMany(...args)).map(receive);
    },
    set(...args: Parameters<StateKv["set"]>) {
      traffic.sent += bytesOf(args[1]);
      return kv.set(...args);
    },
    delete: kv.delete.bind(kv),
    list(...args: Parameters<StateKv["list"]>) {
      const listing = kv.list(...args);
      const next = listing.next.bind(listing);
      listing.next = async () => {
        const found = await next();
        if (!found.done) receive(found.value);
        return found;
      };
      return listing;
    },
    atomic() {
      const commit = kv.atomic();
      const set = commit.set.bind(commit);
      commit.set = (...args: Parameters<Deno.AtomicOperation["set"]>) => {
        traffic.sent += bytesOf(args[1]);
        return set(...args);
      };
      return commit;
    },
    watch: kv.watch.bind(kv),
    commitVersionstamp: kv.commitVersionstamp.bind(kv),
    close: kv.close.bind(kv),
  };
  return { traffic, kv: counted as StateKv };
}

function bytesOf(value: unknown): number {
  if (value === null) return 0;
  return value instanceof Uint8Array ? value.length : serialize(value).length;
}
