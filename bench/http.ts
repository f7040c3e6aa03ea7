/**
 * Calls over HTTP, through everything that a host has, against what this runtime's server can do at all.
 *
 * @module
 */
import { join } from "node:path";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { startScript } from "./_child.ts";
import { CONNECTIONS, loadGenerator } from "./_load.ts";
import { startNoopHost } from "./_noop_host.ts";
import { alternate, median, medianRatio } from "./_statistics.ts";
import { startWorkerd, WORKERD } from "./_workerd.ts";

export const http: Benchmark = {
  name: "http",
  summary: "no-op calls over HTTP, against a bare Deno.serve and workerd",
  run,
};

const BARE_RATIO_MIN = 0.5;
const WORKERD_RATIO_MIN = 5;
/** Headers that the runtime's server adds by itself, on both sides. */
const BY_ITSELF = new Set(["content-length", "date", "vary"]);

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  await using parts = new AsyncDisposableStack();
  const load = parts.use(await loadGenerator());
  const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
  parts.defer(() => Deno.remove(directory, { recursive: true }));
  const ours = await startNoopHost(parts, join(directory, "data"));
  const headers = await headersOf(ours);
  const bare = await startBare(parts, headers);
  const seconds = isQuick ? 1 : 4;
  const sides: Record<string, () => Promise<number>> = {
    ours: () => load.perSecond(ours, seconds),
    bare: () => load.perSecond(bare, seconds),
  };
  const workerd = await startWorkerd();
  if (typeof workerd !== "string") {
    parts.use(workerd);
    sides.workerd = () => load.perSecond(workerd.url, seconds);
  }
  note(`load by ${load.name}, ${CONNECTIONS} connections`);
  // What is compiled on the way is compiled now.
  for (const side of Object.values(sides)) await side();
  const rates = await alternate(isQuick ? 3 : 9, sides);
  return {
    figures: figuresOf(load.name, rates),
    tables: [],
    skipped: typeof workerd === "string" ? [`${WORKERD}: ${workerd}`] : [],
    raw: { loadGenerator: load.name, connections: CONNECTIONS, headers: Object.keys(headers), callsPerSecond: rates },
  };
}

function figuresOf(by: string, rates: Record<string, number[]>): Figure[] {
  const value = median(rates.ours!);
  const against = (side: string, what: string) => ({
    what,
    value: median(rates[side]!),
    ratio: medianRatio(rates.ours!, rates[side]!),
  });
  const figure = (side: string, what: string, atLeast: number): Figure => ({
    what: `no-op calls, by ${by}`,
    value,
    unit: "calls/s",
    against: against(side, what),
    goal: { of: "ratio", atLeast },
  });
  const figures = [figure("bare", "bare Deno.serve", BARE_RATIO_MIN)];
  if (rates.workerd !== undefined) figures.push(figure("workerd", `${WORKERD}, echo`, WORKERD_RATIO_MIN));
  return figures;
}

async function startBare(parts: AsyncDisposableStack, headers: Record<string, string>): Promise<string> {
  const { child, first } = await startScript("_bare_server.ts", [JSON.stringify(headers)]);
  parts.defer(() => child.end());
  return (JSON.parse(first) as { url: string }).url;
}

async function headersOf(url: string): Promise<Record<string, string>> {
  const response = await fetch(url, { method: "POST", body: "x" });
  if (!response.ok) throw new Error(`a call is answered with ${response.status}: ${await response.text()}`);
  await response.body?.cancel();
  return Object.fromEntries([...response.headers].filter(([name]) => !BY_ITSELF.has(name)));
}
