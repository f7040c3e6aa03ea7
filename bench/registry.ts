/**
 * What a host that starts again costs its callers, and what a deploy costs beside compiling: on a store and a worker group as
 * a host has them, in this process.
 *
 * @module
 */
import { compileModule } from "../runtime/native/mod.ts";
import { assemble } from "../tests/support/guests.ts";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { type Host, withRegistry } from "./_registry_host.ts";
import { snapshotRestarts } from "./_snapshot_restarts.ts";
import { median, summary } from "./_statistics.ts";

export const registry: Benchmark = {
  name: "registry",
  summary: "a host that starts again with 1,000 functions, and with stored snapshots; deploys of a 1 MB module",
  run,
};

const FUNCTIONS = 1_000;

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const directory = await Deno.makeTempDir();
  try {
    const functions = isQuick ? 50 : FUNCTIONS;
    note(`deploying ${functions} functions`);
    await withRegistry(directory, (host) => deployMany(host, functions));
    const restarts: { readyMs: number; firstCallMs: number[] }[] = [];
    for (let round = 0; round < (isQuick ? 1 : 5); round++) {
      note(`restart ${round + 1}`);
      restarts.push(await restart(directory, functions));
    }
    note("deploying a module of 1 MB");
    const deploys = await withRegistry(directory, (host) => deployLarge(host, isQuick ? 1 : 5));
    const snapshots = await snapshotRestarts(isQuick ? 2 : 10, note);
    const firstCalls = summary(restarts.flatMap(({ firstCallMs }) => firstCallMs));
    const figures: Figure[] = [
      {
        what: `ready again with ${functions} functions`,
        value: median(restarts.map(({ readyMs }) => readyMs)),
        unit: "ms",
        goal: { of: "value", atMost: 2_000 },
      },
      {
        what: "first call of one of them, median",
        value: firstCalls.p50,
        unit: "ms",
        goal: { of: "value", atMost: 5 },
      },
      {
        what: "first call of one of them, 99 %",
        value: firstCalls.p99,
        unit: "ms",
        goal: { of: "value", atMost: 5 },
      },
      {
        what: "deploy of a 1 MB module",
        value: median(deploys.changedMs),
        unit: "ms",
        against: { what: "compiling it alone", value: median(deploys.compileMs) },
        goal: { of: "ratio", atMost: 1.3 },
      },
      {
        what: "deploy of the same again",
        value: median(deploys.unchangedMs),
        unit: "ms",
        goal: { of: "value", atMost: 50 },
      },
      ...snapshots.figures,
    ];
    return { figures, tables: [], skipped: [], raw: { restarts, deploys, snapshots: snapshots.raw } };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Each with code of its own: the same bytes would be stored once. */
async function deployMany({ registry }: Host, functions: number): Promise<void> {
  for (let at = 0; at < functions; at++) {
    const wasm = assemble(`(module (memory 1) (data (i32.const 0) "${at}") (func (export "main")))`);
    await registry.deploy({ tenant: "default", name: `f${at}`, wasm, settings: { entry: "main" }, files: [] });
  }
}

async function restart(directory: string, functions: number): Promise<{ readyMs: number; firstCallMs: number[] }> {
  return await withRegistry(directory, async ({ registry, group, openedMs }) => {
    const firstCallMs: number[] = [];
    for (let at = 0; at < Math.min(functions, 200); at++) {
      const from = performance.now();
      const live = await registry.ready("default", `f${Math.floor(at * functions / 200) % functions}`);
      const { functionId } = live!;
      const outcome = await group.call({ id: at + 1, functionId, input: new Uint8Array(0), timeoutMs: 10_000 });
      if (outcome.status !== "ok") throw new Error(`the call ended as ${outcome.status}`);
      firstCallMs.push(performance.now() - from);
    }
    return { readyMs: openedMs, firstCallMs };
  });
}

/** Functions that do arithmetic, until the module has a megabyte. */
function largeModule(seed: number): Uint8Array {
  const body = Array.from({ length: 200 }, (_, at) => `(local.set 0 (i32.mul (local.get 0) (i32.const ${at + seed})))`);
  const one = `(func (param i32) (result i32) ${body.join("")} (local.get 0))`;
  return assemble(`(module (memory 1) (func (export "main")) ${one.repeat(750)})`);
}

async function deployLarge({ registry }: Host, rounds: number) {
  const found = { bytes: 0, compileMs: [] as number[], changedMs: [] as number[], unchangedMs: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const wasm = largeModule(1_000_000 + round);
    found.bytes = wasm.length;
    found.compileMs.push(await timed(() => compileModule(wasm)));
    const request = { tenant: "default", name: "large", wasm, settings: { entry: "main" }, files: [] };
    found.changedMs.push(await timed(() => registry.deploy(request)));
    found.unchangedMs.push(await timed(() => registry.deploy(request)));
  }
  return found;
}

async function timed(action: () => unknown): Promise<number> {
  const from = performance.now();
  await action();
  return performance.now() - from;
}
