/**
 * Goal: `new` writes a project that works as it stands, in each language, and writes over nothing. Method: each project is
 * made by the program, built, deployed and called by it, against a real host.
 */
import assert from "node:assert/strict";
import { findRust, tryTool } from "../../cli/build/mod.ts";
import { faaslet } from "../support/cli.ts";
import { optionalTest } from "../support/optional.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

const scratch = new Scratch();
const host = await RealHost.start(`${scratch.path}/host`);
Deno.test.afterAll(async () => {
  await host[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

/** By language: its source's ending, and what is missing here to build it. */
const LANGUAGES: Readonly<Record<string, readonly [string, string | undefined]>> = {
  c: [".c", undefined],
  cpp: [".cpp", undefined],
  as: [".as.ts", undefined],
  go: [".go", await tryTool("go", ["version"]) === undefined ? "there is no go" : undefined],
  rust: [".rs", await findRust().then(() => undefined, () => "no rustc here has the standard library for WASI")],
};

for (const [language, [extension, missing]] of Object.entries(LANGUAGES)) {
  optionalTest(`new --lang ${language} makes a project that builds and answers`, missing, async () => {
    const name = `new-${language}`;
    const made = await faaslet(["new", name, "--lang", language], { directory: scratch.path });
    assert.equal(made.code, 0, made.stderr);
    assert.equal(made.stdout, `${name}/${name}${extension}\n${name}/faaslet.toml\n${name}/README.md\n`);
    const directory = `${scratch.path}/${name}`;
    const called = await faaslet(["up", "-d", "Ada\n", "-g", host.url], { directory });
    assert.deepEqual([called.code, called.stdout], [0, "hello Ada\n"], called.stderr);
    const url = `${host.url}/function/${name}`;
    const answer = await fetch(url, { method: "POST" });
    assert.deepEqual([answer.headers.get("content-type"), await answer.text()], ["text/plain", "hello world\n"]);
    const again = await faaslet(["deploy", "-g", host.url], { directory });
    assert.match(again.stdout, new RegExp(`^unchanged +${name} +version 1 `), "the same source is the same module");
  });
}

Deno.test("new writes over nothing, and says what else is wrong", async () => {
  scratch.write("taken/mine.txt", "mine");
  Deno.mkdirSync(`${scratch.path}/empty`);
  const run = (line: string) => faaslet(line.split(" "), { directory: scratch.path });
  const taken = await run("new taken");
  assert.deepEqual([taken.code, taken.stdout], [1, ""]);
  assert.match(taken.stderr, /cannot make taken: it is there, and not empty \(ERR_CONFLICT\)/);
  assert.deepEqual([...Deno.readDirSync(`${scratch.path}/taken`)].map(({ name }) => name), ["mine.txt"]);
  assert.match((await run("new taken/mine.txt")).stderr, /ERR_NAME_INVALID/);
  scratch.write("file", "");
  assert.equal((await run("new file")).code, 1);
  const mistyped = await run("new some --lang rsut");
  assert.equal(mistyped.code, 2);
  assert.match(mistyped.stderr, /cannot use "rsut": it is one of c, cpp, rust, go, as .*Did you mean rust\?/s);
  assert.throws(() => Deno.statSync(`${scratch.path}/some`), Deno.errors.NotFound);
  assert.equal((await run("new Some_Name")).code, 2);
  const { name, language, files } = JSON.parse((await run("new empty --json")).stdout);
  assert.deepEqual([name, language, files], ["empty", "c", ["empty.c", "faaslet.toml", "README.md"]]);
});
