/**
 * Goal: every command of README's tour and of the examples' own READMEs works as it stands. Method: their shell blocks
 * become one script each, run by a shell that stops at the first failure; only the port and the places that belong to
 * whoever runs the tests are others.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findRust } from "../cli/build/mod.ts";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const PORT = "8080";
/** The tour's first line, which the examples take for granted. */
const FUNCTION = 'faaslet() { npx -y deno@2.9.6 task --quiet faaslet "$@"; }';
const HOST_LOCK = "data/faaslet/lock";

Deno.test("README: the tour's commands work as they stand", async () => {
  const blocks = blocksOf(await Deno.readTextFile(`${ROOT}README.md`));
  assert.equal(blocks[0]?.trim(), FUNCTION);
  assert.ok(blocks.length >= 8);
  const said = await run(await runnable("README", blocks));
  const answers = [
    /^26430 words, 1857 different$/m,
    /^x-start: (proto|warm)/mi,
    /^GET asks for tea$/m,
    /^POST asks for tea$/m,
    /^call 1: 68656c6c6f/m,
    /^hello Ada$/m,
    /^unchanged +greet +version 1 /m,
    /"code":"ERR_GUEST_TRAP"/,
    /^exit code 6$/m,
    /"status":"ok"/,
    /^faaslet_call_starts_total\{start="proto"\} [1-9]/m,
  ];
  for (const answer of answers) assert.match(said, answer);
});

Deno.test("examples: the commands of their READMEs work as they stand", async () => {
  const lines = [FUNCTION];
  for (const { name, isDirectory } of Deno.readDirSync(`${ROOT}examples`)) {
    if (!isDirectory) continue;
    const commands = blocksOf(await Deno.readTextFile(`${ROOT}examples/${name}/README.md`));
    assert.ok(commands.length > 0, `examples/${name} says how to call it`);
    // An answer need not end its line, and folders come in any order: the next example begins one of its own.
    lines.push(...await runnable(`examples/${name}`, commands), "echo");
  }
  const said = await run(lines);
  const answers = [
    /^26430 words, 1857 different$/m,
    /^call 1: 68656c6c6f/m,
    /^hello Ada$/m,
    /^333333833333500000$/m,
    /^loss 0\.\d+, (100|9\d)\.\d+ % right$/m,
    /^sgd\/weights +369 KiB /m,
    /^two additions: 1 without the lock, 2 with it$/m,
    /^256 x 256 in state as matrix\/c; at most 0 from a plain product$/m,
    /^ok$/m,
  ];
  for (const answer of answers) assert.match(said, answer);
});

/** Blocks that hold commands: those of README's tour are marked, an example's have nothing else. */
function blocksOf(markdown: string): string[] {
  const isTour = markdown.includes("```sh\n");
  return [...markdown.matchAll(isTour ? /^```sh\n([^]*?)^```$/gm : /^```\n([^]*?)^```$/gm)].map(([, block]) => block!);
}

/** The blocks whose compilers are here. */
async function runnable(whose: string, blocks: readonly string[]): Promise<string[]> {
  const kept: string[] = [];
  for (const block of blocks) {
    const missing = await missingFor(block);
    if (missing === undefined) kept.push(block);
    else console.log(`skipped: a block of ${whose}: ${missing}`);
  }
  return kept;
}

async function missingFor(block: string): Promise<string | undefined> {
  if (/\bgo build\b|\.go\b/.test(block) && !hasGo()) return "Go is not installed";
  if (!/\.rs\b/.test(block)) return undefined;
  return await findRust().then(() => undefined, () => "Rust's library for WASI is not installed");
}

/** Runs the lines from the clone's folder; gives what they wrote to standard output. */
async function run(lines: readonly string[]): Promise<string> {
  using scratch = new Scratch();
  const port = freePort();
  const script = lines.join("\n").replaceAll(`:${PORT}`, `:${port}`).replaceAll("/tmp/", `${scratch.path}/`);
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    cwd: ROOT,
    env: {
      FAASLET_URL: `http://127.0.0.1:${port}`,
      TMPDIR: scratch.path,
      XDG_DATA_HOME: `${scratch.path}/data`,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output().finally(() => endHost(`${scratch.path}/${HOST_LOCK}`));
  const text = new TextDecoder();
  assert.ok(success, `${text.decode(stdout)}\n${text.decode(stderr)}`);
  return text.decode(stdout);
}

/** The tour stops its host at its end; one that broke off, and the examples, do not. */
async function endHost(lock: string): Promise<void> {
  const pid = Number(await Deno.readTextFile(lock).catch(() => "0"));
  const isThere = () => Deno.stat(`/proc/${pid}`).then(() => true, () => false);
  if (pid === 0 || !await isThere()) return;
  Deno.kill(pid, "SIGTERM");
  await until(async () => !await isThere(), "the host has ended");
}

function freePort(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return String((listener.addr as Deno.NetAddr).port);
}

function hasGo(): boolean {
  try {
    return new Deno.Command("go", { args: ["version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
