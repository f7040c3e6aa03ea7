/**
 * What somebody who writes a function waits for: from a saved file until its first answer, with `faaslet dev` in between.
 *
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildModule } from "../cli/build/mod.ts";
import type { Benchmark, BenchmarkContext, Report } from "./_benchmark.ts";
import { Child } from "./_child.ts";
import { alternate, median, medianRatio } from "./_statistics.ts";

export const dev: Benchmark = {
  name: "dev",
  summary: "from a saved C file to the first answer of the changed function",
  run,
};

const ROUNDS = 7;
const GOAL_MS = 1_500;
const PATIENCE_MS = 60_000;
const MAIN = fileURLToPath(new URL("../main.ts", import.meta.url));

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  await using parts = new AsyncDisposableStack();
  const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
  parts.defer(() => Deno.remove(directory, { recursive: true }));
  const source = join(directory, "counter.c");
  await Deno.writeTextFile(source, program(0));
  note("starting faaslet dev, which starts a host");
  const words = [
    "dev",
    source,
    "--json",
    "-g",
    `http://127.0.0.1:${freePort()}`,
    "--host-data",
    join(directory, "data"),
  ];
  const { child, first } = await Child.start("faaslet dev", Deno.execPath(), ["run", "-A", "--frozen", MAIN, ...words]);
  parts.defer(() => child.end("SIGINT", PATIENCE_MS));
  const { event, url } = JSON.parse(first) as { event: string; url: string };
  if (event !== "created") throw new Error(`the first deploy ended so: ${first}`);
  const alone = join(directory, "alone", "counter.c");
  await Deno.mkdir(join(directory, "alone"));
  let written = 0;
  const sides = {
    async change(): Promise<number> {
      const from = performance.now();
      await Deno.writeTextFile(source, program(++written));
      await answers(url, String(written), from);
      return performance.now() - from;
    },
    async build(): Promise<number> {
      await Deno.writeTextFile(alone, program(++written));
      const from = performance.now();
      await buildModule(alone, note);
      return performance.now() - from;
    },
  };
  // Both have their compiler loaded then.
  for (const side of Object.values(sides)) await side();
  const found = await alternate(isQuick ? 3 : ROUNDS, sides);
  return {
    figures: [{
      what: "a C file is written until the new function's first answer",
      value: median(found.change),
      unit: "ms",
      against: {
        what: "building it alone, compiler loaded",
        value: median(found.build),
        ratio: medianRatio(found.change, found.build),
      },
      goal: { of: "value", atMost: GOAL_MS },
    }],
    tables: [],
    skipped: [],
    raw: found,
  };
}

function program(number: number): string {
  return `#include <stdio.h>\n\nint main(void) { printf("%d", ${number}); return 0; }\n`;
}

async function answers(url: string, expected: string, fromMs: number): Promise<void> {
  for (;;) {
    const answer = await fetch(url, { method: "POST" });
    if (await answer.text() === expected) return;
    if (performance.now() - fromMs > PATIENCE_MS) throw new Error(`the function does not answer ${expected}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
