/**
 * `deno run -A tools/specification.ts`: gives each hostile case of SPECIFICATION.md links to the tests that begin with its
 * name. What a person wrote stays: a case without tests keeps its words, and "in part" behind the links stays there.
 */
import { basename, join, relative } from "node:path";
import { ROOT } from "./project.ts";

const PATH = join(ROOT, "SPECIFICATION.md");
const SKIPPED = new Set([".git", "target", "node_modules", "dist", "results"]);

const cases = await findCases(ROOT, new Map());
await Deno.writeTextFile(PATH, withTests(await Deno.readTextFile(PATH), cases));
await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", PATH] }).output();

/** Files by the case that a test of theirs begins with: `"H07: ...` in TypeScript, `// H07: ...` in Rust. */
async function findCases(folder: string, cases: Map<string, string[]>): Promise<Map<string, string[]>> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory && !SKIPPED.has(name)) await findCases(path, cases);
    if (!/(_test|_conformance)\.ts$|\.rs$/.test(name)) continue;
    const code = await Deno.readTextFile(path);
    const names = new Set([...code.matchAll(/(?:["`]|\/\/\/? )([HF]\d\d): /g)].map(([, one]) => one!));
    for (const one of names) cases.set(one, [...cases.get(one) ?? [], relative(ROOT, path)].sort());
  }
  return cases;
}

function withTests(specification: string, cases: ReadonlyMap<string, readonly string[]>): string {
  const unseen = new Set(cases.keys());
  const lines = specification.split("\n").map((line) => {
    const [, name, rest] = /^\| ([HF]\d\d) +\|(.*)\|$/.exec(line) ?? [];
    const files = cases.get(name ?? "");
    if (name === undefined || rest === undefined || files === undefined) return line;
    unseen.delete(name);
    const [what, shown] = rest.split("|").map((cell) => cell.trim());
    const links = files.map((file) => `[${basename(file).replace(/\.(ts|rs)$/, "")}](${file})`).join(", ");
    return `| ${name} | ${what} | ${links}${shown!.endsWith(", in part") ? ", in part" : ""} |`;
  });
  for (const name of unseen) console.error(`${name} is tested and has no line of its own in SPECIFICATION.md`);
  return lines.join("\n");
}
