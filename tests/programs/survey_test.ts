/**
 * Goal: a stock WASI program works, whatever language it was written in: arguments, environment, standard streams, exit
 * code, files given at deploy, private files that are gone with the call, clocks, waiting, chance.
 *
 * Method: one survey in six languages (`sources/survey.*`) that prints what it finds. Each is deployed on a real host and
 * called cold, from its Proto-Faaslet and warm, and is run by `faaslet run` as well: all must say the same.
 */
import assert from "node:assert/strict";
import { faaslet } from "../support/cli.ts";
import { optionalTest } from "../support/optional.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";
import { build, type Built, bytesOf, python } from "./_build.ts";

interface Program {
  readonly name: string;
  /** What its function is called, where that is not its name. */
  readonly id?: string;
  readonly built: Built;
  /** Before the survey's own. */
  readonly arguments?: readonly string[];
}

const PROGRAMS: readonly Program[] = [
  { name: "C", built: await build("survey", "c") },
  { name: "C by the system's clang", id: "system-c", built: await build("survey", "system-c") },
  { name: "C++", id: "cpp", built: await build("survey", "cpp", ["-fno-exceptions"]) },
  { name: "Go", built: await build("survey", "go") },
  { name: "Rust", built: await build("survey", "rs") },
  { name: "AssemblyScript", built: await build("survey", "as.ts") },
  { name: "Python", built: await python(), arguments: ["/app/survey.py"] },
];

const scratch = new Scratch();
const BYTES = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff);
scratch.write("data/greeting.txt", "grüß Gott\nand more\n");
scratch.write("data/deep/down/bytes.bin", BYTES);
scratch.write("app/survey.py", await Deno.readFile(new URL("./sources/survey.py", import.meta.url)));

const ARGUMENTS = ["one", "two words", "ü"];
const REPORT = [
  "arguments: [one] [two words] [ü]",
  "environment: [1] [zwei=2]",
  "stdin: ?",
  "text: grüß Gott",
  `bytes: ${shown(BYTES)}`,
  "list: deep greeting.txt",
  "missing: absent",
  "before: absent",
  "after: noted",
  `appended: ${shown(new Uint8Array([...BYTES, ...new TextEncoder().encode("more")]))}`,
  "clocks: ok",
  "poll: ok",
  "random: ok",
];

const host = await RealHost.start(`${scratch.path}/host`);
Deno.test.afterAll(async () => {
  await host[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

for (const { name, built, id = name.toLowerCase(), arguments: first = [] } of PROGRAMS) {
  optionalTest(`${name}: a deployed survey says the same cold, from the snapshot and warm`, built.missing, async () => {
    const path = scratch.write(`${id}.wasm`, bytesOf(built));
    const deployed = await faaslet([
      ...["deploy", path, "-g", host.url, "--json", "-e", "A=1", "-e", "B=zwei=2"],
      ...["--file", `${scratch.path}/data:/data`, "--file", `${scratch.path}/app:/app`],
      ...[...first, ...ARGUMENTS].flatMap((word) => ["--arg", word]),
    ]);
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.equal(JSON.parse(deployed.stdout).outcome, "created");
    const nonces = new Set<string>();
    for (const start of ["cold", "proto", "warm", "warm"] as const) {
      const input = `0\n${start} ${"x".repeat(100_000)}`;
      const answer = await host.call(id, start, input);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("x-start"), start);
      nonces.add(check(await answer.text(), input));
    }
    assert.equal(nonces.size, 4, "chance is fresh after each start");
    const failed = await host.call(id, "warm", "7\n");
    assert.equal(failed.status, 502);
    assert.equal(failed.headers.get("x-return-value"), "7");
    const problem = await failed.json();
    assert.equal(problem.code, "ERR_GUEST_EXIT");
    assert.equal(problem.returnValue, 7);
    assert.equal(problem.stderr, "surveyed\n");
  });

  optionalTest(`${name}: the survey says the same in \`faaslet run\``, built.missing, async () => {
    const path = scratch.write(`${id}.wasm`, bytesOf(built));
    const input = "9\nline\n";
    const { code, stdout, stderr } = await faaslet(
      [
        ...["run", "-e", "A=1", "-e", "B=zwei=2"],
        ...["--dir", `${scratch.path}/data::/data`, "--dir", `${scratch.path}/app::/app`],
        ...[path, ...first, ...ARGUMENTS],
      ],
      { stdin: input, environment: { A: "inherited" } },
    );
    check(stdout, input);
    assert.equal(stderr, "surveyed\n");
    assert.equal(code, 9);
    assert.deepEqual(await Deno.readFile(`${scratch.path}/data/deep/down/bytes.bin`), BYTES, "the file is untouched");
  });
}

/** Compares all but the last line, which it gives: the nonce. */
function check(said: string, input: string): string {
  const lines = said.split("\n");
  const expected = REPORT.with(2, `stdin: ${shown(new TextEncoder().encode(input))}`);
  assert.deepEqual(lines.slice(0, expected.length), expected);
  assert.match(lines[expected.length]!, /^nonce: [0-9a-f]{32}$/);
  assert.equal(lines.slice(expected.length + 1).join("\n"), "");
  return lines[expected.length]!;
}

function shown(bytes: Uint8Array): string {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) >>> 0;
  return `${bytes.length} bytes, sum ${sum}`;
}
