/**
 * What bringing a used Faaslet back to its Proto-Faaslet costs. It happens after the answer has gone out, on the Faaslet's
 * thread: no caller waits for it, but the thread's next call does.
 *
 * @module
 */
import { EmbeddedGroup } from "../runtime/mod.ts";
import type { Benchmark, BenchmarkContext, Report } from "./_benchmark.ts";
import { functionOf, touchGuest } from "./_guests.ts";
import { median } from "./_statistics.ts";

export const reset: Benchmark = {
  name: "reset",
  summary: "reset of a used Faaslet, against pages touched and snapshot size",
  run,
};

const ONE_PAGE_US_MAX = 2;
const PAGES = [1, 4, 16, 64, 256, 1_024, 4_096] as const;
const SNAPSHOTS = [
  { name: "64 KiB, zero", bytes: 0 },
  { name: "1 MB", bytes: 1_000_000 },
  { name: "16 MB", bytes: 16_000_000 },
  { name: "64 MB", bytes: 64_000_000 },
] as const;
const PAGE = 4_096;
/** Resets that are timed together. */
const BATCH = 20;
/** Calls at once, on one thread: JavaScript works while a reset happens, as it does on a host. */
const IN_FLIGHT = 4;

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const raw: Record<string, Record<number, number[]>> = {};
  const rows: (string | number)[][] = [];
  for (const { name, bytes } of SNAPSHOTS) {
    note(name);
    await using group = new ResetGroup();
    await group.open(bytes);
    const means: Record<number, number[]> = raw[name] = {};
    const row: (string | number)[] = [name];
    for (const pages of PAGES) {
      if (pages * PAGE > Math.max(bytes, 65_536)) {
        row.push("");
        continue;
      }
      // The add-on gives the sum of all resets: of few at a time, so that what disturbs one stays out of the median.
      const batches = isQuick ? 50 : 300;
      means[pages] = [];
      for (let batch = 0; batch < batches; batch++) means[pages].push(await group.meanResetUs(pages, BATCH));
      row.push(median(means[pages]));
    }
    rows.push(row);
  }
  const head = ["microseconds; snapshot \\ pages of 4 KiB touched", ...PAGES.map(String)];
  return {
    figures: rows.map(([name, onePageUs]) => ({
      what: `one page touched, snapshot of ${name}`,
      value: onePageUs as number,
      unit: "us",
      goal: { of: "value", atMost: ONE_PAGE_US_MAX },
    })),
    tables: [{ title: "Reset", head, rows }],
    skipped: [],
    raw,
  };
}

class ResetGroup {
  readonly #group = new EmbeddedGroup({ threadsMax: 1 });
  #lastId = 0;

  async open(bytes: number): Promise<void> {
    await this.#group.install(functionOf(1, touchGuest(bytes), 1));
    await this.meanResetUs(1, 50);
  }

  /** The mean of so many resets, each after a call that touched so many pages. */
  async meanResetUs(pages: number, calls: number): Promise<number> {
    const input = new Uint8Array(new Uint32Array([pages]).buffer);
    const before = await this.#group.stats();
    let left = calls;
    const lane = async () => {
      while (left-- > 0) {
        const outcome = await this.#group.call({ id: ++this.#lastId, functionId: 1, input, timeoutMs: 10_000 });
        if (outcome.status !== "ok") throw new Error(`a call ended ${outcome.status}`);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    // The last answer came before its reset.
    let after = await this.#group.stats();
    while (after.resets < before.resets + calls) after = await this.#group.stats();
    return (after.resetUs - before.resetUs) / (after.resets - before.resets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group.close();
  }
}
