/**
 * What a host pays for remembering calls: the same host, once with records and once without.
 *
 * @module
 */
import { join } from "node:path";
import type { Benchmark, BenchmarkContext, Report } from "./_benchmark.ts";
import { CONNECTIONS, loadGenerator } from "./_load.ts";
import { startNoopHost } from "./_noop_host.ts";
import { alternate, median, medianRatio } from "./_statistics.ts";

export const records: Benchmark = {
  name: "records",
  summary: "no-op calls over HTTP, with records of calls and without",
  run,
};

const RATIO_MIN = 0.9;

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  await using parts = new AsyncDisposableStack();
  const load = parts.use(await loadGenerator());
  const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
  parts.defer(() => Deno.remove(directory, { recursive: true }));
  const on = await startNoopHost(parts, join(directory, "on"));
  const off = await startNoopHost(parts, join(directory, "off"), "--records", "0");
  // Longer than the time between two writes to the store, so that each round has some.
  const seconds = isQuick ? 2 : 4;
  const sides = {
    on: () => load.perSecond(on, seconds),
    off: () => load.perSecond(off, seconds),
  };
  note(`load by ${load.name}, ${CONNECTIONS} connections`);
  // What is compiled on the way is compiled now.
  for (const side of Object.values(sides)) await side();
  const rates = await alternate(isQuick ? 3 : 9, sides);
  return {
    figures: [{
      what: `no-op calls with records, by ${load.name}`,
      value: median(rates.on),
      unit: "calls/s",
      against: { what: "without", value: median(rates.off), ratio: medianRatio(rates.on, rates.off) },
      goal: { of: "ratio", atLeast: RATIO_MIN },
    }],
    tables: [],
    skipped: [],
    raw: { loadGenerator: load.name, connections: CONNECTIONS, callsPerSecond: rates },
  };
}
