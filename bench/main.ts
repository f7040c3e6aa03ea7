/**
 * `deno task bench [NAME...] [--quick] [--save NAME]`: every figure of "How fast, how small", beside what it is compared with.
 *
 * Tables go to standard output, the raw result as JSON to `bench/results/`: to `latest.local.json`, or to `NAME.json`.
 * Ends with 1 when a benchmark did not run to its end; a goal that was missed is a finding, not a failure.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { type Benchmark, isMet, type Report } from "./_benchmark.ts";
import { describeMachine, load } from "./_machine.ts";
import { show } from "./_show.ts";
import { burst } from "./burst.ts";
import { capacity } from "./capacity.ts";
import { chain } from "./chain.ts";
import { dev } from "./dev.ts";
import { hostCalls } from "./host_calls.ts";
import { http } from "./http.ts";
import { kernels } from "./kernels.ts";
import { memory } from "./memory.ts";
import { records } from "./records.ts";
import { registry } from "./registry.ts";
import { reset } from "./reset.ts";
import { restore } from "./restore.ts";
import { roundTrip } from "./round_trip.ts";
import { sgd } from "./sgd.ts";
import { state } from "./state.ts";

const BENCHMARKS: readonly Benchmark[] = [
  restore,
  reset,
  memory,
  capacity,
  roundTrip,
  http,
  records,
  burst,
  kernels,
  chain,
  hostCalls,
  registry,
  dev,
  state,
  sgd,
];
const RESULTS = new URL("./results/", import.meta.url);

/** A benchmark's part of the result. */
interface Entry extends Report {
  readonly seconds: number;
  /** The machine's load average when it began and when it ended. */
  readonly load: readonly [number, number];
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    args: Deno.args,
    allowPositionals: true,
    options: { quick: { type: "boolean", default: false }, save: { type: "string" } },
  });
  const unknown = positionals.filter((name) => BENCHMARKS.every((benchmark) => benchmark.name !== name));
  if (unknown.length > 0) {
    console.error(`there is no ${unknown.join(", ")}; there are:`);
    for (const { name, summary } of BENCHMARKS) console.error(`  ${name.padEnd(10)} ${summary}`);
    return 2;
  }
  const chosen = BENCHMARKS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const startedAt = new Date().toISOString();
  const machine = await describeMachine();
  const entries: Record<string, Entry> = {};
  const failed: string[] = [];
  for (const benchmark of chosen) {
    try {
      entries[benchmark.name] = await runOne(benchmark, values.quick);
    } catch (thrown) {
      failed.push(benchmark.name);
      console.error(`${benchmark.name} failed:`, thrown);
    }
  }
  const path = new URL(`${values.save ?? "latest.local"}.json`, RESULTS);
  await Deno.mkdir(RESULTS, { recursive: true });
  const result = { startedAt, isQuick: values.quick, machine, failed, benchmarks: entries };
  await Deno.writeTextFile(path, `${JSON.stringify(result, rounded, 1)}\n`);
  sumUp(entries, failed);
  return failed.length > 0 ? 1 : 0;
}

async function runOne(benchmark: Benchmark, isQuick: boolean): Promise<Entry> {
  console.log(`\n== ${benchmark.name}: ${benchmark.summary}`);
  const loadBefore = load();
  const began = performance.now();
  const note = (text: string) => console.error(`   ${benchmark.name}: ${text}`);
  const report = await benchmark.run({ isQuick, note });
  const seconds = (performance.now() - began) / 1_000;
  console.log(show(report));
  return { ...report, seconds, load: [loadBefore, load()] };
}

function sumUp(entries: Readonly<Record<string, Entry>>, failed: readonly string[]): void {
  const goals = Object.values(entries).flatMap(({ figures }) => figures).filter(({ goal }) => goal !== undefined);
  const missed = goals.filter((figure) => !isMet(figure));
  console.log(`\n${goals.length - missed.length} of ${goals.length} goals met`);
  for (const { what } of missed) console.log(`missed: ${what}`);
  for (const name of failed) console.log(`failed: ${name}`);
}

/** Five digits that count: more is noise, and a result is kept for long. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}

if (import.meta.main) Deno.exit(await main());
