/**
 * State: pointers and locks on a host, pulls and pushes between the tiers, global locks. Each side beside what it is compared with,
 * in alternating rounds of one run.
 *
 * @module
 */
import { DENOKV_MISSING } from "../tests/support/denokv.ts";
import { FileStore, ServerStore } from "../tests/support/stores.ts";
import type { Benchmark, BenchmarkContext, Report } from "./_benchmark.ts";
import { measureGlobalLock } from "./_state_global_lock.ts";
import { BenchmarkHost } from "./_state_host.ts";
import { type Measured, measureLocalLock, measurePointers } from "./_state_memory.ts";
import { measurePull, measurePush } from "./_state_tiers.ts";

export const state: Benchmark = {
  name: "state",
  summary: "pointers to values on the host, pulls and pushes, local and global locks",
  run,
};

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const parts: Record<string, Measured> = {};
  const skipped: string[] = [];
  const measure = async (name: string, work: () => Promise<Measured>) => {
    note(name);
    parts[name] = await work();
  };
  {
    await using host = await BenchmarkHost.open();
    await measure("pointers", () => measurePointers(host, isQuick ? 20 : 200));
    await measure("local lock", () => measureLocalLock(host, isQuick ? 5 : 25));
  }
  {
    await using host = await BenchmarkHost.open();
    await measure("pull", () => measurePull(host, isQuick ? 5 : 15));
    await measure("push", () => measurePush(host, isQuick ? 3 : 9));
  }
  const locks = isQuick ? 10 : 50;
  {
    await using store = new FileStore();
    await measure("a global lock in a file", () => measureGlobalLock("a store in a file", store, locks));
  }
  if (DENOKV_MISSING === undefined) {
    await using store = await ServerStore.start();
    await measure("a global lock on a server", () => measureGlobalLock("a KV server", store, locks));
  } else {
    skipped.push(`global locks on a KV server: ${DENOKV_MISSING}`);
  }
  return {
    figures: Object.values(parts).flatMap(({ figures }) => figures),
    tables: Object.values(parts).map(({ table }) => table),
    skipped,
    raw: Object.fromEntries(Object.entries(parts).map(([name, { raw }]) => [name, raw])),
  };
}
