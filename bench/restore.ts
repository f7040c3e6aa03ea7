/**
 * A new Faaslet from its Proto-Faaslet and a call that does nothing, against what Wasmtime itself does for the same module.
 *
 * @module
 */
import { EmbeddedGroup } from "../runtime/mod.ts";
import { Baseline, type RestoreRound } from "./_baseline.ts";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { functionOf, snapshotGuest } from "./_guests.ts";
import { alternate, median, medianRatio, type Summary, summary } from "./_statistics.ts";

export const restore: Benchmark = {
  name: "restore",
  summary: "restore from a Proto-Faaslet and a no-op call, against Wasmtime's own instantiation",
  run,
};

/** Wasmtime's largest module holds no more than 64 MiB: these are megabytes. */
const SIZES_MB = [1, 64] as const;
const P50_US_MAX = 20;
const ON_DEMAND_RATIO_MAX = 1.5;
const POOLING_RATIO_MAX = 2;
/** Calls in flight, so that the one thread always has a next one, as the baseline's loop has. */
const PIPELINE = 4;

/** Microseconds of one round. */
interface Round {
  readonly start: Summary;
  readonly exec: Summary;
  readonly both: Summary;
  /** Everything that a run takes, one after another: with the Faaslet's end, and ours with the way to the thread. */
  readonly wholeUs: number;
}

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const figures: Figure[] = [];
  const rows: (string | number)[][] = [];
  const raw: Record<string, unknown> = {};
  for (const size of SIZES_MB) {
    note(`${size} MB`);
    const rounds = await measure(size * 1_000_000, isQuick);
    figures.push(...figuresOf(`${size} MB`, rounds));
    for (const [side, of] of Object.entries(rounds)) {
      const middle = (pick: (round: Round) => number) => median(of.map(pick));
      const both = [middle((r) => r.both.p50), middle((r) => r.both.p99)];
      rows.push([
        `${size} MB ${side}`,
        middle((r) => r.start.p50),
        middle((r) => r.exec.p50),
        ...both,
        middle((r) => r.wholeUs),
      ]);
    }
    raw[`${size} MB`] = rounds;
  }
  const head = ["microseconds, medians of rounds", "start p50", "exec p50", "both p50", "both p99", "whole run, mean"];
  return { figures, tables: [{ title: "Restore and no-op call", head, rows }], skipped: [], raw };
}

type Rounds = Record<"one at a time" | "back to back" | "on-demand" | "pooling", Round[]>;

async function measure(bytes: number, isQuick: boolean): Promise<Rounds> {
  const wasm = snapshotGuest(bytes);
  const runs = isQuick ? 500 : 3_000;
  await using group = new Ours();
  await group.open(wasm);
  await using onDemand = await Baseline.restore(wasm, "main", "on-demand");
  await using pooling = await Baseline.restore(wasm, "main", "pooling");
  return await alternate(isQuick ? 3 : 9, {
    "one at a time": () => group.round(runs, 1),
    "back to back": () => group.round(runs, PIPELINE),
    "on-demand": async () => theirs(await onDemand.round(runs)),
    "pooling": async () => theirs(await pooling.round(runs)),
  });
}

/** One thread: two at once would wait for each other's changes of the address space, which the baseline never does. */
class Ours {
  readonly #group = new EmbeddedGroup({ threadsMax: 1 });
  #lastId = 0;

  /** None is kept: each call's Faaslet is a new one. */
  async open(wasm: Uint8Array): Promise<void> {
    await this.#group.install(functionOf(1, wasm, 0));
    await this.round(100, 1);
  }

  async round(runs: number, inFlight: number): Promise<Round> {
    const starts: number[] = [];
    const execs: number[] = [];
    const input = new Uint8Array(0);
    let left = runs;
    const lane = async () => {
      while (left-- > 0) {
        const id = ++this.#lastId;
        const outcome = await this.#group.call({ id, functionId: 1, input, timeoutMs: 10_000, start: "proto" });
        if (outcome.status !== "ok" || outcome.start !== "proto") throw new Error(`a call ended ${outcome.status}`);
        starts.push(outcome.startUs);
        execs.push(outcome.execUs);
      }
    };
    const began = performance.now();
    await Promise.all(Array.from({ length: inFlight }, lane));
    return roundOf(starts, execs, (performance.now() - began) * 1_000 / runs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group.close();
  }
}

function theirs({ start, exec, drop }: RestoreRound): Round {
  const micros = (nanos: number[]) => nanos.map((value) => value / 1_000);
  const sum = [...start, ...exec, ...drop].reduce((total, value) => total + value, 0);
  return roundOf(micros(start), micros(exec), sum / start.length / 1_000);
}

function roundOf(starts: number[], execs: number[], wholeUs: number): Round {
  const both = starts.map((start, at) => start + execs[at]!);
  return { start: summary(starts), exec: summary(execs), both: summary(both), wholeUs };
}

function figuresOf(size: string, rounds: Rounds): Figure[] {
  const p50s = (side: keyof Rounds) => rounds[side].map((round) => round.both.p50);
  const against = (side: "on-demand" | "pooling") => ({
    what: side,
    value: median(p50s(side)),
    ratio: medianRatio(p50s("back to back"), p50s(side)),
  });
  const value = median(p50s("back to back"));
  return [
    {
      what: `${size}, one call at a time, p50`,
      value: median(p50s("one at a time")),
      unit: "us",
      goal: { of: "value", atMost: P50_US_MAX },
    },
    {
      what: `${size}, back to back, p50`,
      value,
      unit: "us",
      against: against("on-demand"),
      goal: { of: "ratio", atMost: ON_DEMAND_RATIO_MAX },
    },
    {
      what: `${size}, back to back, p50`,
      value,
      unit: "us",
      against: against("pooling"),
      goal: { of: "ratio", atMost: POOLING_RATIO_MAX },
    },
  ];
}
