/**
 * `deno run -A bench/to_specification.ts RESULT.json...`: puts the figures of results of `deno task bench` into
 * SPECIFICATION.md, in the place of the earlier ones. A quick run is not quoted.
 *
 * @module
 */
import { basename, join, relative, resolve } from "node:path";
import { ROOT } from "../tools/project.ts";
import { type Figure, isMet, ratioOf } from "./_benchmark.ts";
import { number } from "./_show.ts";

/** What `bench/main.ts` writes, as far as it is of use here. */
interface Result {
  readonly startedAt: string;
  readonly isQuick: boolean;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly benchmarks: Readonly<Record<string, { readonly figures: readonly Figure[]; readonly skipped: string[] }>>;
}

const PATH = join(ROOT, "SPECIFICATION.md");
const FIGURES = /<!-- figures -->[^]*?<!-- end of figures -->/;

if (Deno.args.length === 0) {
  console.error("usage: deno run -A bench/to_specification.ts RESULT.json...");
  Deno.exit(2);
}
const sections: string[] = [];
for (const path of Deno.args) {
  const result: Result = JSON.parse(await Deno.readTextFile(path));
  if (result.isQuick) {
    console.error(`cannot quote ${path}: it is a quick run`);
    Deno.exit(1);
  }
  sections.push(figuresOf(result, resolve(path)));
}
const figures = ["<!-- figures -->", ...sections, "<!-- end of figures -->"].join("\n");
await Deno.writeTextFile(PATH, (await Deno.readTextFile(PATH)).replace(FIGURES, () => figures));
await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PATH] }).output();

function figuresOf(result: Result, path: string): string {
  const machine = Object.entries(result.machine).map(([what, value]) => `${what} ${value}`).join(", ");
  const rows = Object.entries(result.benchmarks).flatMap(([name, { figures }]) =>
    figures.map((figure) => {
      const goal = isMet(figure);
      const verdict = goal === undefined ? "" : goal ? "met" : "**missed**";
      return `| \`${name}\` | ${figure.what} | ${goalOf(figure)} | ${measured(figure)} | ${verdict} |`;
    })
  );
  const skipped = Object.values(result.benchmarks).flatMap(({ skipped }) => skipped).map((one) => `- skipped: ${one}`);
  return [
    `From [${basename(path)}](${relative(ROOT, path)}), ${result.startedAt.slice(0, 10)}: ${machine}.`,
    "",
    "| benchmark | figure | promise | measured | |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
    ...skipped,
  ].join("\n");
}

function measured(figure: Figure): string {
  const own = `${number(figure.value)} ${figure.unit}`;
  if (figure.against === undefined) return own;
  return `${own}; ${figure.against.what} ${number(figure.against.value)} ${figure.unit}: ${number(ratioOf(figure)!)}x`;
}

function goalOf({ goal, unit }: Figure): string {
  if (goal === undefined) return "";
  const bound = goal.atMost === undefined ? `>= ${number(goal.atLeast!)}` : `<= ${number(goal.atMost)}`;
  return goal.of === "ratio" ? `${bound}x` : `${bound} ${unit}`;
}
