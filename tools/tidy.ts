/**
 * The project's own rules of structure, as far as a script can see them: doors, arrows, purity, codes, links.
 * Prints each breach with its place; ends with 1 when there is one.
 */
import { dirname, join, relative } from "node:path";
import { ERRORS } from "../errors.ts";
import { ROOMS, ROOT } from "./project.ts";

interface Source {
  /** From the root. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

type Complain = (path: string, line: number, what: string) => void;
type Rule = (sources: readonly Source[], complain: Complain) => void | Promise<void>;

const SKIPPED = new Set([".git", "target", "node_modules", "dist", "results"]);
const READ = /\.(ts|rs|md|c|h|go|as|wat|toml|json)$/;
const FILE_LINES_MAX = 600;

/** From above to below: a room imports rooms that stand behind it in this list. */
const ORDER: readonly string[] = ["cli", "http", "scheduler", "runtime", "hostif", "state"];
/** The one file that loads the add-on. */
const LOADER = "runtime/native/mod.ts";
/** Inner folders with a door of their own, for tests, benchmarks and scripts. */
const INNER_DOORS = [LOADER, "cli/build/mod.ts", "cli/service/mod.ts"];

/** Rooms are entered through their doors, arrows go one way, and `_x.ts` never leaves its folder. */
function doorsAndArrows(sources: readonly Source[], complain: Complain): void {
  for (const source of sources.filter(({ path }) => path.endsWith(".ts"))) {
    const room = roomOf(source.path);
    eachImport(source, (target, line) => {
      const isPrivate = /(^|\/)_[^/]+$/.test(target);
      if (isPrivate && dirname(target) !== dirname(source.path)) {
        complain(source.path, line, `imports ${target}, which is private to its folder`);
      }
      const other = roomOf(target);
      if (other === undefined || other === room) return;
      const isDoor = target === `${other}/mod.ts` || (INNER_DOORS.includes(target) && room === undefined);
      if (!isDoor) complain(source.path, line, `enters the room ${other} other than through its door: ${target}`);
      if (room !== undefined && ORDER.indexOf(room) > ORDER.indexOf(other)) {
        complain(source.path, line, `the room ${room} must not know the room ${other}, which stands above it`);
      }
    });
  }
}

/** Every room has a door that says what it is for. */
function doors(sources: readonly Source[], complain: Complain): void {
  for (const room of ROOMS) {
    const door = sources.find(({ path }) => path === `${room}/mod.ts`);
    if (door === undefined) complain(room, 1, "has no door, mod.ts");
    else if (!/^\/\*\*[^]*?Job:[^]*?Not its job:[^]*?Invariants?:/.test(door.text)) {
      complain(door.path, 1, "does not open with the room's job, what is not its job, and its invariants");
    }
  }
}

/** What decides can be simulated: clock, chance and the machine are handed in. */
function pureScheduler(sources: readonly Source[], complain: Complain): void {
  const impure = /\bDeno\.|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bperformance\.|\bcrypto\.|\bsetTimeout\(/;
  for (const source of sources) {
    if (!/^scheduler\/[^/]+\.ts$/.test(source.path) || /_test\.ts$|_fakes\.ts$/.test(source.path)) continue;
    source.lines.forEach((line, at) => {
      const code = line.replace(/\/\/.*|^\s*\*.*|^\s*\/\*.*/, "");
      if (impure.test(code)) complain(source.path, at + 1, "uses a clock, chance or the machine directly");
    });
  }
}

/** One file loads the add-on. */
function oneLoader(sources: readonly Source[], complain: Complain): void {
  for (const source of sources.filter(({ path }) => path.endsWith(".ts") && path !== LOADER)) {
    source.lines.forEach((line, at) => {
      if (/(require|import)\(.*(native\/index\.js|\.node")/.test(line)) {
        complain(source.path, at + 1, `loads the add-on; ${LOADER} does`);
      }
    });
  }
}

/** Codes in Rust are codes of `errors.ts`. */
function knownCodes(sources: readonly Source[], complain: Complain): void {
  for (const source of sources.filter(({ path }) => path.endsWith(".rs"))) {
    source.lines.forEach((line, at) => {
      for (const [code] of line.matchAll(/\bERR_[A-Z_]+\b/g)) {
        if (!Object.hasOwn(ERRORS, code)) complain(source.path, at + 1, `${code} is not in errors.ts`);
      }
    });
  }
}

/** A code that nothing can give is not one. */
function usedCodes(sources: readonly Source[], complain: Complain): void {
  const users = sources.filter(({ path }) =>
    /\.(ts|rs)$/.test(path) && path !== "errors.ts" && !/_test\.ts$/.test(path)
  );
  for (const code of Object.keys(ERRORS)) {
    if (!users.some(({ text }) => text.includes(code))) complain("errors.ts", 1, `nothing gives ${code}`);
  }
}

/** A panic that leaves an entry of the add-on ends the process, unless Node-API's binding catches it. */
function caughtEntries(sources: readonly Source[], complain: Complain): void {
  for (const { path, lines } of sources.filter(({ path }) => /^runtime\/native\/.*\.rs$/.test(path))) {
    lines.forEach((line, at) => {
      if (!/^\s*#\[napi\b/.test(line) || line.includes("catch_unwind")) return;
      const item = lines.slice(at + 1).find((next) => !/^\s*(#\[|\/\/)/.test(next));
      if (/\bfn\b/.test(item ?? "")) complain(path, at + 1, "is an entry without catch_unwind");
    });
  }
}

/** Files are short enough to be read at one go. */
function shortFiles(sources: readonly Source[], complain: Complain): void {
  for (const { path, lines } of sources.filter(({ path }) => /\.(ts|rs)$/.test(path))) {
    if (lines.length > FILE_LINES_MAX) complain(path, lines.length, `has more than ${FILE_LINES_MAX} lines`);
  }
}

/** What is to be done stands in an issue, and the comment names it. */
function noLooseEnds(sources: readonly Source[], complain: Complain): void {
  for (const { path, lines } of sources.filter(({ path }) => /\.(ts|rs)$/.test(path) && path !== "tools/tidy.ts")) {
    lines.forEach((line, at) => {
      if (/\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(line)) complain(path, at + 1, "leaves work without naming its issue");
    });
  }
}

/** Links between documents lead somewhere. */
async function links(sources: readonly Source[], complain: Complain): Promise<void> {
  for (const { path, lines } of sources.filter(({ path }) => path.endsWith(".md"))) {
    for (const [at, line] of lines.entries()) {
      for (const [, target] of line.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(target!)) continue;
        const isThere = await Deno.stat(join(ROOT, dirname(path), target!)).then(() => true, () => false);
        if (!isThere) complain(path, at + 1, `links to ${target}, which is not there`);
      }
    }
  }
}

/** What the specification says a file shows, that file names. */
function shownCases(sources: readonly Source[], complain: Complain): void {
  const specification = sources.find(({ path }) => path === "SPECIFICATION.md");
  specification?.lines.forEach((line, at) => {
    const name = /^\| ([HF]\d\d) /.exec(line)?.[1];
    if (name === undefined) return;
    for (const [, target] of line.matchAll(/\]\(([^)]+)\)/g)) {
      const file = sources.find(({ path }) => path === target);
      if (file?.text.includes(name) === false) complain(specification.path, at + 1, `${target} does not name ${name}`);
    }
  });
}

function roomOf(path: string): string | undefined {
  const first = path.split("/")[0]!;
  return (ROOMS as readonly string[]).includes(first) ? first : undefined;
}

function eachImport({ path, text, lines }: Source, follow: (target: string, line: number) => void): void {
  if (!/\b(import|export)\b/.test(text)) return;
  lines.forEach((line, at) => {
    const found = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/.exec(line)?.[1];
    if (found !== undefined) follow(join(dirname(path), found), at + 1);
  });
}

async function read(folder: string, sources: Source[]): Promise<Source[]> {
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory && !SKIPPED.has(name)) await read(path, sources);
    else if (isFile && READ.test(name)) {
      const text = await Deno.readTextFile(path);
      sources.push({ path: relative(ROOT, path), text, lines: text.replace(/\n$/, "").split("\n") });
    }
  }
  return sources;
}

const RULES: readonly Rule[] = [
  doorsAndArrows,
  doors,
  pureScheduler,
  oneLoader,
  knownCodes,
  usedCodes,
  caughtEntries,
  shortFiles,
  noLooseEnds,
  links,
  shownCases,
];

const sources = (await read(ROOT, [])).sort((a, b) => (a.path < b.path ? -1 : 1));
let breaches = 0;
for (const rule of RULES) {
  await rule(sources, (path, line, what) => {
    breaches++;
    console.error(`${path}:${line}: ${what}`);
  });
}
if (breaches > 0) {
  console.error(`${breaches} breach(es) of the project's rules of structure`);
  Deno.exit(1);
}
