/**
 * Goal: whoever does not know the command line is told: every command explains itself, and what is wrong with a line is said
 * on standard error, with what was probably meant and an exit code of its own.
 *
 * Method: the program as a process, from source.
 */
import assert from "node:assert/strict";
import { faaslet } from "../support/cli.ts";

/** Those that have to be there, and whatever else the help lists. */
const EXPECTED = ["up", "check", "run", "deploy", "invoke", "list", "describe", "remove", "serve", "doctor", "version"];
const commands = (await faaslet(["help"])).stdout.split("\nCommands:\n")[1] ?? "";
const listed = [...commands.matchAll(/^ {2}(\w+)\S* /gm)].map(([, verb]) => verb!).filter((verb) => verb !== "help");
const VERBS = [...new Set([...EXPECTED, ...listed])];

Deno.test("help lists every command, with what it is for", async () => {
  for (const words of [["help"], ["--help"], ["-h"], ["help", "help"]]) {
    const { code, stdout, stderr } = await faaslet(words);
    assert.deepEqual([code, stderr], [0, ""], words.join(" "));
    for (const verb of VERBS) assert.match(stdout, new RegExp(String.raw`^  ${verb}[| ].*\S$`, "m"));
    assert.doesNotMatch(stdout, /compile-child/, "what only the program itself starts is not shown");
  }
});

for (const verb of VERBS) {
  Deno.test(`help ${verb} explains its words and options`, async () => {
    const [asked, flagged] = await Promise.all([faaslet(["help", verb]), faaslet([verb, "--help"])]);
    assert.deepEqual([asked.code, asked.stderr], [0, ""]);
    assert.match(asked.stdout, new RegExp(String.raw`^Usage: faaslet ${verb}(\|\w+)? \[options\]`));
    assert.match(asked.stdout, /--gateway <url>/);
    assert.equal(flagged.code, 0);
    assert.equal(flagged.stdout, asked.stdout);
    // Whoever writes an option has to say what it does.
    for (const option of asked.stdout.matchAll(/^ {2}(-\S.*)$/gm)) assert.match(option[1]!, /\S {2,}\S/);
  });
}

Deno.test("a mistyped command is an error of usage that names the right one", async () => {
  for (const [typed, meant] of [["deplpy", "deploy"], ["rnu", "run"], ["lst", "list"], ["help invok", "invoke"]]) {
    const { code, stdout, stderr } = await faaslet(typed!.split(" "));
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, new RegExp(`^error: unknown command .*Did you mean.* ${meant}`, "s"));
  }
});

Deno.test("a mistyped option is an error of usage that names the right one", async () => {
  const { code, stdout, stderr } = await faaslet(["deploy", "--memroy", "64MiB", "x.wasm"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /unknown option '--memroy'.*Did you mean --memory\?.*Try: faaslet deploy --help/s);
});

Deno.test("errors of usage say what is wrong, where, and where to look", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["", /name a command.*Try: faaslet --help/s],
    ["frobnicate", /unknown command 'frobnicate'/],
    ["deploy", /missing required argument 'file'/],
    ["list extra", /too many arguments/],
    ["invoke f --timeout 5", /option '--timeout <duration>': cannot read "5" as a duration: write e\.g\. 500ms/],
    ["deploy f.wasm --memory lots", /option '--memory <size>': cannot read "lots" as a size/],
    ["deploy f.wasm --concurrency 1.5", /cannot read "1\.5" as a whole number/],
    ["deploy f.wasm --env A", /cannot use "A": write NAME=value/],
    ["deploy f.wasm --file a", /cannot use "a": write HOST:GUEST, where GUEST begins with \//],
    ["list -o xml", /cannot use "xml": it is one of table, json, name/],
    ["list --json -o name", /cannot use --json and --output name together/],
    ["list -g ftp://example", /cannot use "ftp:\/\/example" as the gateway: write a URL/],
    ["list --gateway", /'-g, --gateway <url>' argument missing/],
    ["serve --listen nowhere", /cannot listen on "nowhere": write HOST:PORT/],
    ["serve --listen 0.0.0.0:0", /cannot listen on 0\.0\.0\.0: .*only 127\.0\.0\.0\/8, ::1 and localhost/],
    ["serve --listen 127.0.0.1:70000", /cannot listen on/],
    ["serve --ca-file /nonexistent", /cannot read the certificates \/nonexistent/],
    ["serve --ca-file README.md", /cannot use README.md: it holds no certificate as PEM/],
    ["serve --clock-step 2s", /cannot have clocks of 2000000 us: a second is the coarsest/],
    ["serve --records 10001", /cannot keep 10001 records of calls: at most 10000/],
    ["serve --log-format jsn", /cannot use "jsn": it is one of text, json.*Did you mean json\?/s],
  ];
  for (const [line, said] of cases) {
    const { code, stdout, stderr } = await faaslet(line.split(" ").filter((word) => word !== ""));
    if (line.includes("--json")) assert.equal(JSON.parse(stderr).error.code, "ERR_USAGE");
    else assert.match(stderr, /^error: .*\(ERR_USAGE\)\n( {2}- .*\n)*Try: faaslet (\w+ )?--help\n$/, line);
    assert.deepEqual([code, stdout], [2, ""], line);
    assert.match(stderr, said);
  }
});

Deno.test("with --json an error is one JSON document, on standard error", async () => {
  const { code, stdout, stderr } = await faaslet(["list", "--json", "extra"]);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.equal(JSON.parse(stderr).error.code, "ERR_USAGE");
});

Deno.test("version names the program and what it runs on", async () => {
  const [table, json, name, flag] = await Promise.all([
    faaslet(["version"]),
    faaslet(["version", "--json"]),
    faaslet(["version", "-o", "name"]),
    faaslet(["--version"]),
  ]);
  const versions = JSON.parse(json.stdout);
  assert.equal(versions.deno, Deno.version.deno);
  assert.match(versions.faaslet, /^\d+\.\d+\.\d+/);
  assert.match(table.stdout, new RegExp(`^faaslet ${versions.faaslet}\ndeno ${Deno.version.deno}\n`));
  assert.equal(name.stdout, `${versions.faaslet}\n`);
  assert.equal(flag.stdout, `faaslet ${versions.faaslet}\n`);
  for (const { code, stderr } of [table, json, name, flag]) assert.deepEqual([code, stderr], [0, ""]);
});
