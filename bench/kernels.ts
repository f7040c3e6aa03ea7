/**
 * Programs that only compute, in three languages, in a Faaslet and in plain Wasmtime with the same settings: what a Faaslet
 * has around a guest must not slow it down.
 *
 * @module
 */
import { buildModule } from "../cli/build/mod.ts";
import { FaasletError } from "../errors.ts";
import { EmbeddedGroup, inspectModule } from "../runtime/mod.ts";
import { Baseline } from "./_baseline.ts";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { DEFAULT_LIMITS, functionOf } from "./_guests.ts";
import { alternate, median, medianRatio } from "./_statistics.ts";

export const kernels: Benchmark = {
  name: "kernels",
  summary: "programs that compute, in three languages, against plain Wasmtime",
  run,
};

const RATIO_MAX = 1.03;
const PROGRAMS = [
  { name: "matrix product, C", source: "matrix.c" },
  { name: "regular expressions, Go", source: "regexp.go" },
  { name: "SHA-256, AssemblyScript", source: "sha256.as.ts" },
] as const;

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const figures: Figure[] = [];
  const skipped: string[] = [];
  const raw: Record<string, unknown> = {};
  for (const { name, source } of PROGRAMS) {
    note(name);
    const wasm = await build(source, note);
    if (wasm instanceof FaasletError) {
      skipped.push(`${name}: ${wasm.message}`);
      continue;
    }
    const times = raw[name] = await measure(wasm, isQuick ? 5 : 25);
    const [ours, theirs] = [times.faaslet.map(({ cpuMs }) => cpuMs), times.wasmtime.map(({ cpuMs }) => cpuMs)];
    figures.push({
      what: `${name}, processor time`,
      value: median(ours),
      unit: "ms",
      against: { what: "Wasmtime", value: median(theirs), ratio: medianRatio(ours, theirs) },
      goal: { of: "ratio", atMost: RATIO_MAX },
    });
  }
  return { figures, tables: [], skipped, raw };
}

/** One run. The processor's time is compared: a thread that had to wait for it is no slower for that. */
interface Run {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function measure(wasm: Uint8Array, rounds: number): Promise<Record<"faaslet" | "wasmtime", Run[]>> {
  const { plan } = inspectModule(wasm, { memoryBytes: DEFAULT_LIMITS.memoryBytes });
  if (plan.beforeSnapshot.length > 0) throw new Error("a kernel's work is all in its call");
  await using baseline = await Baseline.kernel(wasm, plan.entry);
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    await group.install(functionOf(1, wasm, 1));
    let id = 0;
    const outputs = new Set<string>();
    const times = await alternate(rounds, {
      // A Faaslet as new as the baseline's instance; making either is not in the time.
      faaslet: async () => {
        const call = { id: ++id, functionId: 1, input: new Uint8Array(0), timeoutMs: 60_000, start: "proto" } as const;
        const outcome = await group.call(call);
        if (outcome.status !== "ok") throw new Error(`a call ended ${outcome.status}: ${outcome.error?.message}`);
        outputs.add(new TextDecoder().decode(outcome.output));
        return { wallMs: outcome.execUs / 1_000, cpuMs: outcome.cpuUs / 1_000 };
      },
      wasmtime: async () => {
        const { exec, cpu, output } = await baseline.round(1);
        outputs.add(output);
        return { wallMs: exec[0]! / 1e6, cpuMs: cpu[0]! / 1e6 };
      },
    });
    if (outputs.size !== 1) throw new Error(`both sides differ: ${[...outputs].join(" / ")}`);
    return times;
  } finally {
    await group.close();
  }
}

async function build(source: string, note: (text: string) => void): Promise<Uint8Array | FaasletError> {
  try {
    return (await buildModule(new URL(`programs/${source}`, import.meta.url).pathname, note)).wasm;
  } catch (thrown) {
    if (thrown instanceof FaasletError && thrown.code === "ERR_TOOLCHAIN") return thrown;
    throw thrown;
  }
}
