/**
 * Goal: a function's life by the command line: deployed, listed, described, called, replaced, removed; data on standard
 * output in the format that was asked for, everything else on standard error, exit codes as the help says.
 *
 * Method: the program as a process against a real host in another one.
 */
import assert from "node:assert/strict";
import { faaslet, type RunOptions } from "../support/cli.ts";
import { assemble, guest } from "../support/guests.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

const scratch = new Scratch();
const host = await RealHost.start(`${scratch.path}/host`);
Deno.test.afterAll(async () => {
  await host[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

const ECHO = scratch.write("Echo_It.wasm", guest("echo"));
const PRINT = scratch.write("print.wasm", guest("print"));
const TEXT = new TextEncoder();

/** A command line that asks the test's host. */
function ask(line: string, options: RunOptions = {}) {
  return faaslet([...line.split(" "), "-g", host.url], options);
}

Deno.test("deploy makes a function, says what was found, and does nothing for the same bytes", async () => {
  const created = await ask(`deploy ${ECHO}`);
  assert.deepEqual([created.code, created.stderr], [0, ""]);
  assert.match(created.stdout, /^FUNCTION +echo-it \(created\)$/m, "the name is made of the file's");
  assert.match(created.stdout, new RegExp(`^url +${host.url}/function/echo-it$`, "m"));
  assert.match(created.stdout, /^imports +env\.__faasm_read_input, env\.__faasm_write_output$/m);
  assert.match(created.stdout, /^snapshot +\d.* of 64 KiB$/m);
  const again = await ask(`deploy ${ECHO} --json`);
  assert.equal(JSON.parse(again.stdout).outcome, "unchanged");
  const changed = await ask(`deploy ${ECHO} --timeout 1500ms -o name`);
  assert.deepEqual([changed.code, changed.stdout], [0, "echo-it\n"]);
  const { version, settings } = JSON.parse((await ask("describe echo-it --json")).stdout);
  assert.deepEqual([version, settings.timeoutMs], [2, 1_500]);
});

Deno.test("every option of deploy arrives as the setting it stands for", async () => {
  const file = scratch.write("files/a.txt", "a");
  const { code, stderr } = await ask(
    `deploy ${ECHO} --name all --memory 1MiB --timeout 2s --init-timeout 3s --concurrency 4 --queue 5 --idle 6 -e A=1 ` +
      `--env B=x=y --arg one --arg --two --file ${file}:/etc/a.txt --file ${scratch.path}/files:/tree/ --entry main ` +
      `--content-type text/plain --set logBytes=4096 --set cgi=false`,
  );
  assert.equal(code, 0, stderr);
  const { settings, files } = JSON.parse((await ask("describe all --json")).stdout);
  const expected = {
    memoryBytes: 2 ** 20,
    timeoutMs: 2_000,
    initTimeoutMs: 3_000,
    concurrency: 4,
    queue: 5,
    idle: 6,
    environment: { A: "1", B: "x=y" },
    arguments: ["one", "--two"],
    entry: "main",
    contentType: "text/plain",
    logBytes: 4_096,
    cgi: false,
  };
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(settings[name], value, name);
  assert.deepEqual(files.map(({ path }: { path: string }) => path).sort(), ["/etc/a.txt", "/tree/a.txt"]);
  assert.equal((await ask("remove all")).code, 0);
});

Deno.test("list and describe show what there is, as a table, JSON or names", async () => {
  await ask(`deploy ${ECHO}`);
  await ask(`deploy ${PRINT}`);
  const [table, json, names, alias] = await Promise.all(
    ["list", "list --json", "list -o name", "ls -q"].map((line) => ask(line)),
  );
  assert.match(
    table!.stdout,
    /^NAME +VERSION +STYLE +MODULE +CREATED\necho-it +\d+ +plain .*\nprint +1 +command .*\n$/,
  );
  assert.equal(alias!.stdout, table!.stdout);
  assert.deepEqual(JSON.parse(json!.stdout).map(({ name }: { name: string }) => name), ["echo-it", "print"]);
  assert.equal(names!.stdout, "echo-it\nprint\n");
  const described = await ask("describe print");
  assert.match(described.stdout, /^FUNCTION +print$/m);
  assert.match(described.stdout, /^start +\(snapshot\) -> _start$/m);
});

Deno.test("invoke sends data, a file or standard input, and gives back bytes as they are", async () => {
  await ask(`deploy ${ECHO}`);
  const bytes = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7) & 0xff);
  const path = scratch.write("input.bin", bytes);
  assert.equal((await ask("invoke echo-it -d grüße")).stdout, "grüße");
  assert.deepEqual((await ask(`invoke echo-it -d @${path}`)).bytes, bytes);
  assert.deepEqual((await ask("invoke echo-it", { stdin: bytes })).bytes, bytes);
  assert.equal((await ask("invoke echo-it")).stdout, "", "no input is none");
  const { code, stdout, stderr } = await ask("invoke echo-it -d x --headers");
  assert.deepEqual([code, stdout], [0, "x"]);
  assert.match(stderr, /^x-start: (warm|proto)$/m);
  assert.match(stderr, /^x-call-id: \S+$/m);
});

Deno.test("a failed call shows what the function said, and ends with 6", async () => {
  await ask(`deploy ${PRINT}`);
  const { code, stdout, stderr } = await ask("invoke print");
  assert.deepEqual([code, stdout], [6, ""]);
  assert.match(stderr, /^trace\nerror: .*3.*\(ERR_GUEST_EXIT\)\n/);
  const trap = scratch.write("trap.wasm", guest("trap"));
  await ask(`deploy ${trap}`);
  const trapped = await ask("invoke trap");
  assert.equal(trapped.code, 6);
  assert.match(trapped.stderr, /ERR_GUEST_TRAP/);
  assert.match(trapped.stderr, /inner[^]*outer/, "the frames, innermost first");
});

Deno.test("a call that is too slow ends with 5, whoever's patience it was", async () => {
  await ask(`deploy ${scratch.write("spin.wasm", guest("spin"))} --timeout 100ms`);
  const deadline = await ask("invoke spin");
  assert.equal(deadline.code, 5);
  assert.match(deadline.stderr, /ERR_CALL_TIMEOUT/);
  await ask(`deploy ${scratch.path}/spin.wasm --timeout 30s`);
  const patience = await ask("invoke spin --timeout 200ms");
  assert.equal(patience.code, 5);
  assert.match(patience.stderr, /cannot wait any longer/);
});

Deno.test("what is not there ends with 3", async () => {
  for (
    const line of [
      "invoke nobody -d x",
      "describe nobody",
      "remove nobody",
      "deploy /nowhere.wasm",
      "invoke echo-it -d @/no",
    ]
  ) {
    const { code, stdout, stderr } = await ask(line);
    assert.deepEqual([code, stdout], [3, ""], line);
    assert.match(stderr, /^error: cannot .*\(ERR_NOT_FOUND\)\n$/, line);
  }
});

Deno.test("a name outside the grammar is an error of usage", async () => {
  for (const name of ["..", "a/b", "A", "a_b", "x".repeat(64)]) {
    const { code, stderr } = await ask(`deploy ${ECHO} --name ${name}`);
    assert.equal(code, 2, name);
    assert.match(stderr, /ERR_NAME_INVALID/);
  }
});

Deno.test("a module that is refused is listed with all that is wrong, and nothing is stored", async () => {
  const bad = scratch.write(
    "bad.wasm",
    assemble(`(module (import "env" "nope" (func)) (import "other" "f" (func (param i32))) (func (export "main")))`),
  );
  const { code, stdout, stderr } = await ask(`deploy ${bad}`);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /ERR_MODULE_IMPORT.*\n {2}- env\.nope .*\n {2}- other\.f .*\n$/);
  const asJson = JSON.parse((await ask(`deploy ${bad} --json`)).stderr);
  assert.equal(asJson.error.details.length, 2);
  assert.equal((await ask("describe bad")).code, 3);
  const text = scratch.write("notes.wasm", "no module at all");
  assert.match((await ask(`deploy ${text}`)).stderr, /ERR_MODULE_FORMAT/);
});

Deno.test("--dry-run checks, compiles and initialises, and stores nothing", async () => {
  const before = (await ask("list --json")).stdout;
  const { code, stdout, stderr } = await ask(`deploy ${ECHO} --name trial --dry-run --json`);
  assert.equal(code, 0, stderr);
  const { outcome, function: record } = JSON.parse(stdout);
  assert.equal(outcome, "dry-run");
  assert.equal(record.report.style, "plain");
  assert.ok(record.compile.artefactBytes > 0 && record.install.memoryBytes === 65_536);
  assert.equal((await ask("list --json")).stdout, before);
  assert.equal((await ask("invoke trial")).code, 3);
  const failing = scratch.write("init.wasm", guest("init_fails"));
  const refused = await ask(`deploy ${failing} --init trap --dry-run`);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /ERR_INIT[^]*starting/, "with what the initialiser printed");
});

Deno.test("a dry run of a function that is there leaves it as it is", async () => {
  await ask(`deploy ${ECHO} --name kept`);
  const before = (await ask("describe kept --json")).stdout;
  const trial = await ask(`deploy ${PRINT} --name kept --dry-run --json`);
  assert.equal(JSON.parse(trial.stdout).outcome, "dry-run");
  assert.equal((await ask("describe kept --json")).stdout, before);
  assert.equal((await ask("invoke kept -d still")).stdout, "still");
});

Deno.test("remove removes, once", async () => {
  await ask(`deploy ${ECHO} --name gone`);
  const { code, stdout } = await ask("rm gone");
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /error/);
  assert.equal((await ask("rm gone")).code, 3);
  assert.equal((await ask("invoke gone -d x")).code, 3);
});

Deno.test("the gateway comes from the flag, then FAASLET_URL, then OPENFAAS_URL", async () => {
  const line = ["list", "-o", "name"];
  const nowhere = "http://127.0.0.1:1";
  const from = async (words: string[], environment: Record<string, string>) =>
    (await faaslet([...line, ...words], { environment })).code;
  assert.equal(await from(["-g", host.url], { FAASLET_URL: nowhere, OPENFAAS_URL: nowhere }), 0);
  assert.equal(await from([], { FAASLET_URL: host.url, OPENFAAS_URL: nowhere }), 0);
  assert.equal(await from([], { FAASLET_URL: "", OPENFAAS_URL: host.url }), 0);
  const { code, stdout, stderr } = await faaslet([...line, "-g", nowhere]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /cannot reach http:\/\/127\.0\.0\.1:1: no host answers there; start one with `faaslet serve`/);
});

Deno.test("options of every command may stand before it", async () => {
  const { code, stdout } = await faaslet(["-g", host.url, "-o", "name", "list"]);
  assert.equal(code, 0);
  assert.match(stdout, /^(\S+\n)*$/);
});

Deno.test("a reader that goes away ends the program without an error message", async () => {
  await ask(`deploy ${ECHO}`);
  const path = scratch.write("large.bin", TEXT.encode("line\n".repeat(2_000_000)));
  const words = [Deno.execPath(), "run", "-A", "main.ts", "invoke", "echo-it", "-d", `@${path}`, "-g", host.url];
  const { stdout, stderr } = await new Deno.Command("sh", {
    args: ["-c", `"$@" | head -n 1`, "sh", ...words],
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "line\n");
  assert.equal(new TextDecoder().decode(stderr), "");
});
