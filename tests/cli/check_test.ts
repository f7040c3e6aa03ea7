/**
 * Goal: `faaslet check` says without a host what a host would say, and with `--layout` where the bytes go; `faaslet doctor`
 * tries what a host needs and says what to do.
 *
 * Method: the program as a process, on modules whose layout is known.
 */
import assert from "node:assert/strict";
import { faaslet } from "../support/cli.ts";
import { assemble, guest } from "../support/guests.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

const scratch = new Scratch();
Deno.test.afterAll(() => scratch[Symbol.dispose]());

/** Data in two places, an initialiser that grows the memory by two pages and writes into the last one. */
const LAID_OUT = scratch.write(
  "laid_out.wasm",
  assemble(`(module
    (memory (export "memory") 1 8)
    (data (i32.const 16) "abc\\00\\00def")
    (data (i32.const 8192) "second")
    (data $later "passive")
    (func (export "init") (drop (memory.grow (i32.const 2))) (i32.store8 (i32.const 196607) (i32.const 1)))
    (func (export "handle") (result i32) (i32.const 0)))`),
);

Deno.test("check says what a host would, as a table, JSON or a name", async () => {
  const [table, json, name] = await Promise.all([
    faaslet(["check", LAID_OUT, "--init", "init"]),
    faaslet(["check", LAID_OUT, "--init", "init", "--json"]),
    faaslet(["check", LAID_OUT, "--init", "init", "-o", "name"]),
  ]);
  for (const { code, stderr } of [table, json, name]) assert.deepEqual([code, stderr], [0, ""]);
  assert.match(table.stdout, /^start +init -> \(snapshot\) -> handle$/m);
  assert.match(table.stdout, /^memory +64 KiB, at most 512 KiB$/m);
  assert.equal(name.stdout, `${LAID_OUT}\n`);
  const { report } = JSON.parse(json.stdout);
  assert.deepEqual(report.plan, { style: "plain", beforeSnapshot: ["init"], entry: "handle" });
  assert.deepEqual(report.memory, { minimumPages: 1, maximumPages: 8 });
  assert.deepEqual([report.counts.dataSegments, report.counts.passiveDataSegments, report.dataBytes], [3, 1, 21]);
  const digest = await crypto.subtle.digest("SHA-256", Deno.readFileSync(LAID_OUT));
  assert.equal(report.digest, new Uint8Array(digest).toHex());
});

Deno.test("check --layout sets the file against memory at the start and in the snapshot", async () => {
  const words = ["check", LAID_OUT, "--layout", "--init", "init"];
  const { code, stdout } = await faaslet([...words, "--json"]);
  assert.equal(code, 0);
  const { layout, snapshot } = JSON.parse(stdout);
  const data = layout.data.map((
    { mode, offset, bytes, nonZeroBytes }: Record<string, unknown>,
  ) => [mode, offset, bytes, nonZeroBytes]);
  assert.deepEqual(data, [["active", 16, 8, 6], ["active", 8192, 6, 6], ["passive", null, 7, 7]]);
  assert.equal(layout.memory.bytes, 65_536);
  assert.equal(layout.memory.hostPagesUsed, 2, "two pages of 4 KiB hold something");
  assert.equal(snapshot.memoryBytes, 3 * 65_536, "the initialiser grew it");
  const bytes = Deno.statSync(LAID_OUT).size;
  for (const { offset, bytes: length } of layout.sections) assert.ok(offset > 0 && offset + length <= bytes);
  const table = await faaslet(words);
  assert.match(table.stdout, /^active data +0x2000 +6, 6 not zero$/m);
  assert.match(table.stdout, /^memory at the start +65536, 8\.0 KiB in use$/m);
  assert.match(table.stdout, /^memory after the initialiser +196608$/m);
});

Deno.test("check refuses what a host refuses, with the same words", async () => {
  const cases: readonly (readonly [string, string, readonly string[]])[] = [
    ["text", "ERR_MODULE_FORMAT", []],
    ["import", "ERR_MODULE_IMPORT", []],
    ["memory", "ERR_MODULE_LIMIT", ["--memory", "64KiB"]],
    ["entry", "ERR_MODULE_ENTRY", ["--entry", "nothing"]],
  ];
  const modules: Readonly<Record<string, Uint8Array>> = {
    text: new TextEncoder().encode("(module)"),
    import: assemble(`(module (import "env" "a" (func)) (import "env" "b" (func)) (func (export "main")))`),
    memory: assemble(`(module (memory 2) (func (export "main")))`),
    entry: guest("noop"),
  };
  await using host = await RealHost.start(`${scratch.path}/host`);
  for (const [name, expected, words] of cases) {
    const path = scratch.write(`refused/${name}.wasm`, modules[name]!);
    const [here, there] = await Promise.all([
      faaslet(["check", path, "--json", ...words]),
      faaslet(["deploy", path, "--json", "-g", host.url, ...words]),
    ]);
    assert.deepEqual([here.code, here.stdout, there.code, there.stdout], [1, "", 1, ""], name);
    const { error } = JSON.parse(here.stderr);
    assert.equal(error.code, expected);
    assert.deepEqual(JSON.parse(there.stderr).error.details, error.details);
  }
});

Deno.test("check --layout ends with what an initialiser did wrong", async () => {
  const path = scratch.write("init_fails.wasm", guest("init_fails"));
  const { code, stdout, stderr } = await faaslet(["check", path, "--layout", "--init", "trap"]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: the initialiser failed: .*\(ERR_INIT\)\n[^]*starting/);
  assert.equal((await faaslet(["check", path, "--init", "trap"])).code, 0, "without it nothing runs");
});

Deno.test("doctor tries each part, says what to do about what is missing, and fails only for what must be there", async () => {
  const data = `${scratch.path}/doctor`;
  const [table, json, name] = await Promise.all([
    faaslet(["doctor", "--data", data]),
    faaslet(["doctor", "--data", data, "--json"]),
    faaslet(["doctor", "--data", data, "-o", "name"]),
  ]);
  const findings: { name: string; state: string; found: string; cure?: string }[] = JSON.parse(json.stdout);
  const names = findings.map(({ name }) => name);
  for (
    const part of [
      "platform",
      "add-on",
      "compiler",
      "Faaslets",
      "mappings",
      "data directory",
      "certificates",
      "host",
      "C and C++",
    ]
  ) {
    assert.ok(names.includes(part), part);
  }
  for (const { name, state, cure } of findings) if (state !== "ok") assert.ok(cure, `${name}: what to do`);
  assert.equal(findings.find(({ name }) => name === "host")!.state, "warn", "none answers");
  const failed = findings.some(({ state }) => state === "fail");
  for (const { code, stderr } of [table, json, name]) assert.deepEqual([code, stderr], [failed ? 1 : 0, ""]);
  assert.equal(name.stdout, findings.filter(({ state }) => state !== "ok").map(({ name }) => `${name}\n`).join(""));
  for (const { name, state } of findings) {
    assert.match(table.stdout, new RegExp(`^${state} +${RegExp.escape(name)}: `, "m"));
  }
  assert.throws(() => Deno.statSync(data), "it looks and leaves nothing");
  const broken = await faaslet(["doctor", "--data", data, "-o", "name"], {
    environment: { WASI_SDK_PATH: "/nowhere" },
  });
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /^C and C\+\+$/m);
});

Deno.test("doctor finds the host that has the data directory", async () => {
  await using host = await RealHost.start(`${scratch.path}/taken`);
  const words = ["doctor", "--json", "--data", host.dataDirectory, "-g", host.url];
  const findings: { name: string; found: string; state: string }[] = JSON.parse((await faaslet(words)).stdout);
  const found = (name: string) => findings.find((finding) => finding.name === name)!;
  assert.match(found("data directory").found, new RegExp(`is used by the host with process id ${host.pid}$`));
  assert.match(found("host").found, new RegExp(`answers at ${host.url}: ok`));
});
