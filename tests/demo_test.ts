/**
 * Goal: `deno task demo` answers rightly and leaves nothing behind, also when it is stopped. Method: it is run as a process
 * of its own; its answers are computed again without WebAssembly; whatever it starts is found by the temporary directory
 * that it was told to use.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const TEXT = join(ROOT, "examples/wordfreq/opticks.txt");
const PHOTOGRAPH = join(ROOT, "examples/thumbnail/grace_hopper.jpg");
/** The first build of a Go program with an empty cache takes a minute on a slow machine. */
const LONG_MS = 300_000;

Deno.test("demo: its answers are right, and nothing is left of it", async (test) => {
  using scratch = new Scratch();
  using kept = new Scratch();
  const whyNoGo = await missingGo();
  const thumbnail = join(kept.path, "small.jpg");
  const { code, stdout, stderr } = await demo(scratch, ["--save", thumbnail]).output();
  const said = new TextDecoder().decode(stdout);
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  await assertNothingLeft(scratch);

  await test.step("the words are counted as they are counted here", async () => {
    const words = countWords(await Deno.readTextFile(TEXT));
    assert.match(said, new RegExp(`^  ${words.total} words, ${words.counts.length} different$`, "m"));
    const shown = [...said.matchAll(/^ +(\d+) ([a-z']+)$/gm)].map(([, count, word]) => [word, Number(count)]);
    assert.ok(shown.length >= 5);
    assert.deepEqual(shown, words.counts.slice(0, shown.length));
  });

  await test.step("the table has a line for each kind of start", () => {
    for (const name of whyNoGo === undefined ? ["wordfreq", "thumbnail"] : ["wordfreq"]) {
      for (const kind of ["cold", "proto", "warm"]) {
        assert.match(said, new RegExp(`^  ${name} +${kind}( +[\\d,]+){3}$`, "m"));
      }
    }
  });

  if (whyNoGo !== undefined) console.log(`skipped: the demo's thumbnail: ${whyNoGo}`);
  await test.step({
    name: "the thumbnail is the one that the same program makes without WebAssembly",
    ignore: whyNoGo !== undefined,
    fn: async () => assert.deepEqual(await Deno.readFile(thumbnail), await thumbnailWithoutWasm()),
  });
});

Deno.test("demo: Ctrl-C ends all that it started, wherever it is", async () => {
  for (const place of [/^ {2}a host at http/m, /^\$ faaslet deploy .*\.c$/m, /^ {2}a C program/m]) {
    using scratch = new Scratch();
    const child = demo(scratch, []).spawn();
    const ended = child.status;
    let said = "";
    const reading = (async () => {
      for await (const piece of child.stdout.pipeThrough(new TextDecoderStream())) said += piece;
    })();
    const complaint = new Response(child.stderr).text();
    await until(() => place.test(said), `the demo says ${place}`, LONG_MS);
    child.kill("SIGINT");
    assert.equal((await ended).code, 130, await complaint);
    await reading;
    assert.doesNotMatch(said, /nothing is left/);
    await assertNothingLeft(scratch);
  }
});

Deno.test("demo: words that it does not know are refused before it starts anything", async () => {
  using scratch = new Scratch();
  const { code, stdout } = await demo(scratch, ["--keep"]).output();
  assert.equal(code, 2);
  assert.equal(stdout.length, 0);
  await assertNothingLeft(scratch);
});

function demo(scratch: Scratch, words: readonly string[]): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT, "tools/demo.ts"), ...words],
    env: { TMPDIR: scratch.path },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** No file, and no process that was started with the directory in its environment. */
async function assertNothingLeft(scratch: Scratch): Promise<void> {
  assert.deepEqual([...Deno.readDirSync(scratch.path)].map(({ name }) => name), []);
  await until(() => processesOf(scratch).length === 0, `no process uses ${scratch.path}`);
}

function processesOf(scratch: Scratch): string[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => {
    try {
      return /^\d+$/.test(name) && Deno.readTextFileSync(`/proc/${name}/environ`).includes(scratch.path);
    } catch {
      // It ended meanwhile, or is another user's.
      return false;
    }
  });
}

/** Words as `wordfreq.c` defines them, the most frequent first. */
function countWords(text: string): { total: number; counts: [string, number][] } {
  const words = text.toLowerCase().match(/[a-z][a-z']*/g)!.map((word) => word.replace(/'+$/, ""));
  const counts = Map.groupBy(words, (word) => word).entries().map((
    [word, all],
  ): [string, number] => [word, all.length]);
  return { total: words.length, counts: [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)) };
}

async function thumbnailWithoutWasm(): Promise<Uint8Array> {
  const program = join(ROOT, "examples/thumbnail/thumbnail.go");
  const child = new Deno.Command("go", { args: ["run", program], stdin: "piped", stdout: "piped" }).spawn();
  const photograph = await Deno.open(PHOTOGRAPH);
  const [made] = await Promise.all([new Response(child.stdout).bytes(), photograph.readable.pipeTo(child.stdin)]);
  assert.ok((await child.status).success);
  return made;
}

async function missingGo(): Promise<string | undefined> {
  try {
    await new Deno.Command("go", { args: ["version"], stdout: "null", stderr: "null" }).output();
    return undefined;
  } catch {
    return "Go is not installed";
  }
}
