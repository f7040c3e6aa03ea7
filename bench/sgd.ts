/**
 * Training on shared state: HOGWILD! stochastic gradient descent (`examples/sgd`) by workers that share weights and examples in one
 * host's memory, beside the same code by workers that share nothing but the store: each holds copies of its own and adds what it
 * learnt to the global weights, as functions in containers do. Both begin with the examples in the store only, do the same steps,
 * and are compared by what they took until the weights were in the store.
 *
 * @module
 */
import { join } from "node:path";
import { buildModule } from "../cli/build/mod.ts";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { startScript } from "./_child.ts";
import type { Trained } from "./_sgd_child.ts";
import { alternate, median } from "./_statistics.ts";

export const sgd: Benchmark = {
  name: "sgd",
  summary: "training on weights and examples in shared memory, over private copies and whole values through the store",
  run,
};

const SOURCE = new URL("../examples/sgd/sgd.cpp", import.meta.url).pathname;
const EXAMPLES = 50_000;
const EXAMPLES_QUICK = 4_000;
const WORKERS = 16;
/** Each worker takes another part in each epoch: after so many, each has seen all. */
const EPOCHS = 16;
const ROUNDS = 5;
/** As the paper says: 60 % faster, 70 % less traffic, a tenth of the memory. */
const GOALS = { seconds: 0.4, bytes: 0.3, memory: 0.1 };

type Mode = "shared" | "copies";

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
  try {
    const module = join(directory, "sgd.wasm");
    await Deno.writeFile(module, (await buildModule(SOURCE, note)).wasm);
    const examples = isQuick ? EXAMPLES_QUICK : EXAMPLES;
    const store = join(directory, "store");
    const shape = [String(examples), String(WORKERS), String(EPOCHS)];
    note(`${examples} examples of some 76 features, ${WORKERS} workers, ${EPOCHS} epochs`);
    await inChild([module, store, "prepare", ...shape]);
    const side = (mode: Mode) => async () => {
      // From the same store: what one run wrote is not there for the next.
      const copy = join(directory, "copy");
      for (const name of ["", "-wal", "-shm"]) await Deno.copyFile(store + name, copy + name).catch(absent);
      try {
        return await inChild<Trained>([module, copy, mode, ...shape]);
      } finally {
        for (const name of ["", "-wal", "-shm"]) await Deno.remove(copy + name).catch(absent);
      }
    };
    const runs = await alternate(isQuick ? 1 : ROUNDS, { shared: side("shared"), copies: side("copies") });
    return reportOf(runs, examples);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function inChild<T>(words: readonly string[]): Promise<T> {
  const { child } = await startScript("_sgd_child.ts", words);
  try {
    return await child.ask<T>("run");
  } finally {
    await child.end();
  }
}

function absent(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}

function reportOf(runs: Readonly<Record<Mode, readonly Trained[]>>, examples: number): Report {
  const of = (mode: Mode, read: (trained: Trained) => number) => median(runs[mode].map(read));
  const figure = (what: string, unit: string, read: (trained: Trained) => number, atMost?: number): Figure => ({
    what,
    unit,
    value: of("shared", read),
    against: { what: "private copies", value: of("copies", read) },
    ...(atMost !== undefined && { goal: { of: "ratio", atMost } }),
  });
  const moved = ({ sentBytes, receivedBytes }: Trained) => (sentBytes + receivedBytes) / 1e6;
  return {
    figures: [
      figure("training on shared state, wall time", "s", ({ seconds }) => seconds, GOALS.seconds),
      figure("bytes from and to the store", "MB", moved, GOALS.bytes),
      figure("memory of state, at its most", "MB", ({ regionBytes }) => regionBytes / 1e6, GOALS.memory),
      figure("growth of the whole process, at its most", "MB", ({ processBytes }) => processBytes / 1e6),
    ],
    tables: [{
      title: `${examples} examples, ${WORKERS} workers, ${EPOCHS} epochs: medians of ${runs.shared.length}`,
      head: ["", "s", "MB sent", "MB received", "MB of state", "loss"],
      rows: (["shared", "copies"] as const).map((mode) => [
        mode === "shared" ? "shared regions" : "private copies",
        of(mode, ({ seconds }) => seconds),
        of(mode, ({ sentBytes }) => sentBytes / 1e6),
        of(mode, ({ receivedBytes }) => receivedBytes / 1e6),
        of(mode, ({ regionBytes }) => regionBytes / 1e6),
        of(mode, ({ loss }) => loss),
      ]),
    }],
    skipped: [],
    raw: { examples, workers: WORKERS, epochs: EPOCHS, runs },
  };
}
