/** A store that breaks: for tests of what a crash leaves. */
import type { Kv } from "../../state/mod.ts";

/** A store whose `failAt`th write fails, and all after it: what a crash at that point leaves. */
export function failing(kv: Deno.Kv, failAt: number): Kv {
  let writes = 0;
  function check(): void {
    if (++writes >= failAt) throw new Error("planned failure");
  }
  return {
    get: kv.get.bind(kv),
    getMany: kv.getMany.bind(kv),
    list: kv.list.bind(kv),
    close: kv.close.bind(kv),
    set: async (key, value) => {
      check();
      return await kv.set(key, value);
    },
    delete: async (key) => {
      check();
      await kv.delete(key);
    },
    atomic: () => {
      const commit = kv.atomic();
      const original = commit.commit.bind(commit);
      commit.commit = async () => {
        check();
        return await original();
      };
      return commit;
    },
  };
}
