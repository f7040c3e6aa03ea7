/**
 * Goal: a directory with `faaslet.toml` is deployed as a whole: what differs from the host is said and done, what is equal is
 * not touched, what is wrong is named. Method: the program as a process against a real host, in a project's directory.
 */
import assert from "node:assert/strict";
import { faaslet } from "../support/cli.ts";
import { guest } from "../support/guests.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

const scratch = new Scratch();
const host = await RealHost.start(`${scratch.path}/host`);
Deno.test.afterAll(async () => {
  await host[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

/** No gateway of the environment: an empty variable is none. */
const BARE = { FAASLET_URL: "", OPENFAAS_URL: "" };
let projects = 0;

/** A project's directory, and the program in it. */
function project(toml: string) {
  const folder = `project-${++projects}`;
  const directory = `${scratch.path}/${folder}`;
  const write = (name: string, content: string | Uint8Array) => scratch.write(`${folder}/${name}`, content);
  write("echo.wasm", guest("echo"));
  write("print.wasm", guest("print"));
  write("faaslet.toml", toml);
  const run = (line: string, environment: Record<string, string> = BARE) =>
    faaslet(line.split(" "), { directory, environment });
  return { directory, write, run };
}

const GATEWAY = `gateway = ${JSON.stringify(host.url)}\n`;

async function settingsOf(name: string): Promise<Record<string, unknown>> {
  return (await (await fetch(`${host.url}/v1/functions/${name}`)).json()).settings;
}

Deno.test("deploy without a name applies the project's file, and a dry run says it first and keeps nothing", async () => {
  const one = project(`${GATEWAY}
[functions.echo-one]
source = "echo.wasm"
memory = "1MiB"
timeout = "1.5s"
init-timeout = "3s"
concurrency = 4
queue = 5
idle = 6
env = { A = "1", B = "x=y" }
arg = ["one", "--two"]
file = { "/etc/a.txt" = "files/a.txt", "/tree" = "files" }
allow-net = ["127.0.0.1:80"]
entry = "main"
content-type = "text/plain"
http = "cgi"
cors = ["https://a.example"]
idempotent = true
set = { logBytes = 4096, cgi = false }

[functions.print-one]
source = "print.wasm"
`);
  one.write("files/a.txt", "a");
  const dry = await one.run("deploy --dry-run");
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^create +echo-one +echo\.wasm\ncreate +print-one +print\.wasm\n$/);
  assert.match(dry.stderr, /a dry run: nothing was kept/);
  assert.equal((await one.run("describe echo-one")).code, 3, "nothing is kept");

  const applied = await one.run("deploy");
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stdout, new RegExp(`^created +echo-one +version 1 +${host.url}/function/echo-one$`, "m"));
  const settings = await settingsOf("echo-one");
  const expected = {
    memoryBytes: 2 ** 20,
    timeoutMs: 1_500,
    initTimeoutMs: 3_000,
    concurrency: 4,
    queue: 5,
    idle: 6,
    environment: { A: "1", B: "x=y" },
    arguments: ["one", "--two"],
    allowNet: ["127.0.0.1:80"],
    entry: "main",
    contentType: "text/plain",
    http: "cgi",
    cors: ["https://a.example"],
    idempotent: true,
    logBytes: 4_096,
    cgi: false,
  };
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(settings[name], value, name);

  const again = await one.run("deploy --json");
  const document = JSON.parse(again.stdout);
  assert.deepEqual([again.code, document.isDryRun], [0, false]);
  assert.deepEqual(
    document.functions.map(({ outcome, version, changes }: Record<string, unknown>) => [outcome, version, changes]),
    [["unchanged", 1, []], ["unchanged", 1, []]],
  );
  assert.deepEqual((await one.run("deploy -o name")).stdout, "echo-one\nprint-one\n");
});

Deno.test("a changed file is shown setting by setting, and what it does not list is left alone", async () => {
  const toml = (rest: string, source = "echo.wasm") => `${GATEWAY}[functions.echo-two]\nsource = "${source}"\n${rest}`;
  const two = project(toml(`timeout = "2s"\nenv = { A = "1", GONE = "x" }\nfile = { "/a" = "a" }\n`));
  two.write("a", "first");
  assert.equal((await two.run("deploy")).code, 0);
  assert.equal((await two.run("deploy print.wasm --name not-listed")).code, 0);
  two.write("a", "second");
  two.write("faaslet.toml", toml(`timeout = "5s"\nenv = { A = "2" }\nfile = { "/a" = "a" }\n`, "print.wasm"));
  const dry = await two.run("deploy --dry-run");
  assert.equal(dry.code, 0, dry.stderr);
  assert.match(dry.stdout, /^update +echo-two +http:.*$/m);
  assert.match(dry.stdout, /^ +module +[0-9a-f]{12} -> [0-9a-f]{12}$/m);
  assert.match(dry.stdout, /^ +timeoutMs +2000 -> 5000$/m);
  assert.match(dry.stdout, /^ +environment\.A +1 -> 2$/m);
  assert.match(dry.stdout, /^ +environment\.GONE +x -> none$/m);
  assert.match(dry.stdout, /^ +file \/a +[0-9a-f]{12} -> [0-9a-f]{12}$/m);
  assert.match(dry.stderr, /^left alone, on the host but not in faaslet\.toml: .*not-listed/m);
  assert.equal((await settingsOf("echo-two")).timeoutMs, 2_000);
  const { functions, others } = JSON.parse((await two.run("deploy --json")).stdout);
  assert.deepEqual([functions[0].outcome, functions[0].version], ["updated", 2]);
  assert.deepEqual(functions[0].changes.find(({ what }: { what: string }) => what === "timeoutMs"), {
    what: "timeoutMs",
    from: 2_000,
    to: 5_000,
  });
  assert.ok(others.includes("not-listed"));
  assert.match((await two.run("deploy --dry-run")).stdout, /^unchanged +echo-two +version 2/);
});

Deno.test("the failure of one function hides no other, and the end is 1", async () => {
  const three = project(`${GATEWAY}
[functions.three-bad]
source = "bad.wasm"
[functions.three-none]
source = "none.c"
[functions.three-setting]
source = "echo.wasm"
set = { logBytess = 1 }
[functions.three-good]
source = "echo.wasm"
`);
  three.write("bad.wasm", "no module");
  const ran = await three.run("deploy");
  assert.equal(ran.code, 1);
  assert.match(ran.stdout, /^failed +three-bad +bad\.wasm$/m);
  assert.match(ran.stdout, /^created +three-good +version 1 /m);
  assert.match(ran.stderr, /^error: three-bad: .*\(ERR_MODULE_\w+\)$/m);
  assert.match(ran.stderr, /^error: three-none: cannot read .*none\.c: there is no such file \(ERR_NOT_FOUND\)$/m);
  assert.match(ran.stderr, /^error: three-setting: cannot use the settings: .*logBytess/m);
  const { code, stdout, stderr } = await three.run("deploy --json");
  assert.deepEqual([code, stderr], [1, ""]);
  const { functions } = JSON.parse(stdout);
  assert.deepEqual(functions.map(({ outcome }: { outcome: string }) => outcome), [
    "failed",
    "failed",
    "failed",
    "unchanged",
  ]);
  assert.equal(functions[1].error.code, "ERR_NOT_FOUND");
});

Deno.test("what is wrong with the file is said in all its places, with what was meant", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    [
      `[functions.f]\nsource = "echo.wasm"\nmemroy = "1MiB"`,
      /functions\.f: unknown key "memroy"; did you mean memory\?/,
    ],
    [`[function.f]\nsource = "echo.wasm"`, /unknown key "function"; did you mean functions\?/],
    [
      `[functions.f]\ntimeout = "5"\nmemory = true`,
      /- functions\.f\.source: is missing\n.*memory: is text or a number\n.*timeout: cannot read "5"/,
    ],
    [`[functions.F_1]\nsource = "echo.wasm"`, /functions\.F_1: a name is 1 to 63 of a-z/],
    [
      `[functions.f]\nsource = "a"\nfile = { "etc" = "a" }`,
      /functions\.f\.file\.etc: a path of the guest begins with \//,
    ],
    [`[functions.f]\nsource = "a"\nhttp = "raww"`, /functions\.f\.http: .*one of raw, cgi/],
    [`[functions.f]\nsource = echo.wasm`, /cannot read faaslet\.toml, line 3, column \d+: /],
    ["", /it lists no functions/],
  ];
  for (const [toml, said] of cases) {
    const { code, stdout, stderr } = await project(`${GATEWAY}${toml}`.trimEnd()).run("deploy");
    assert.deepEqual([code, stdout], [2, ""], toml);
    assert.match(stderr, said);
  }
  const { code, stderr } = await faaslet(["deploy"], { directory: scratch.path });
  assert.equal(code, 2);
  assert.match(stderr, /missing required argument 'file': name a file or a directory, or go to one with faaslet\.toml/);
});

Deno.test("options win over the environment, that over the file, and --name chooses a function", async () => {
  const five = project(`gateway = "http://127.0.0.1:1"
[functions.five-a]
source = "echo.wasm"
timeout = "2s"
env = { A = "1", B = "1" }
[functions.five-b]
source = "echo.wasm"
`);
  const unreached = await five.run("deploy");
  assert.match(unreached.stderr, /cannot reach http:\/\/127\.0\.0\.1:1:/, "the file's gateway is asked");
  const environment = { ...BARE, FAASLET_URL: host.url };
  assert.equal((await five.run("list", environment)).code, 0);
  const applied = await five.run("deploy --name five-a --timeout 3s -e B=2 --json", environment);
  assert.equal(applied.code, 0, applied.stderr);
  assert.deepEqual(JSON.parse(applied.stdout).functions.map(({ name }: { name: string }) => name), ["five-a"]);
  const { timeoutMs, environment: variables } = await settingsOf("five-a");
  assert.deepEqual([timeoutMs, variables], [3_000, { A: "1", B: "2" }]);
  assert.equal((await five.run(`list -g ${host.url}`, { FAASLET_URL: "http://127.0.0.1:1" })).code, 0);
  const mistyped = await five.run("deploy --name five-aa", environment);
  assert.equal(mistyped.code, 2);
  assert.match(mistyped.stderr, /cannot find the function "five-aa" in faaslet\.toml.*Did you mean five-a\?/s);
  const elsewhere = { directory: scratch.path, environment: BARE };
  const named = await faaslet(["list", "-c", `${five.directory}/faaslet.toml`], elsewhere);
  assert.match(named.stderr, /cannot reach http:\/\/127\.0\.0\.1:1:/);
  const folder = await faaslet(["deploy", five.directory], elsewhere);
  assert.match(folder.stderr, /cannot reach http:\/\/127\.0\.0\.1:1:/, "that of the directory that is named");
});

Deno.test("up applies a project, and calls its one function when there is data for it", async () => {
  const six = project(`${GATEWAY}[functions.six]\nsource = "echo.wasm"\n`);
  const applied = await six.run("up");
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stdout, /^created +six +version 1 /);
  const called = await six.run("up -d hello");
  assert.deepEqual([called.code, called.stdout], [0, "hello"]);
  assert.match(called.stderr, /^unchanged six, version 1: http/m);
  const { answer, functions } = JSON.parse((await six.run("up -d hello --json")).stdout);
  assert.deepEqual([answer, functions[0].outcome], ["hello", "unchanged"]);
  six.write("faaslet.toml", `${GATEWAY}[functions.a]\nsource = "echo.wasm"\n[functions.b]\nsource = "echo.wasm"\n`);
  const refused = await six.run("up -d hello");
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /the project has several functions; --name chooses one/);
});
