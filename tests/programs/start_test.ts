/**
 * Goal: a module is started as its builder meant it: the start-up table, row by row, with real builds.
 *
 * Method: one C source that counts what ran before it, linked in every way that the table knows, and one in C++ whose
 * globals are filled by the initialiser. Each is deployed on a real host and called cold, from the snapshot and warm.
 */
import assert from "node:assert/strict";
import { faaslet } from "../support/cli.ts";
import { optionalTest } from "../support/optional.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";
import { build, type Built, bytesOf } from "./_build.ts";

const CONSTRUCTORS = "-Wl,--export=__wasm_call_ctors,--export=__main_void";
const DESTRUCTORS = "-Wl,--export=__wasm_call_dtors";
const ZYGOTE = "-Wl,--export=_faasm_zygote";

interface Row {
  readonly what: string;
  readonly built: Built;
  readonly words?: readonly string[];
  readonly style: string;
  readonly beforeSnapshot: readonly string[];
  readonly entry: string;
  readonly afterEntry?: string;
  readonly input?: string;
  readonly answer: string;
  readonly warnings?: readonly RegExp[];
}

const faasm = await build("start", "c", [CONSTRUCTORS, DESTRUCTORS, ZYGOTE]);
const unflushed = await build("start", "c", [CONSTRUCTORS, ZYGOTE]);
const reactor = await build("start", "c", ["-mexec-model=reactor", ZYGOTE]);
const command = await build("start", "c", [ZYGOTE]);
const older = await build("start", "system-c", [CONSTRUCTORS, DESTRUCTORS, ZYGOTE]);
const plain = await build("start", "c");
const globals = await build("globals", "cpp", ["-fno-exceptions", CONSTRUCTORS, DESTRUCTORS, ZYGOTE]);

const ROWS: readonly Row[] = [
  {
    what: "constructors and _faasm_zygote before the snapshot, main in each call, stdio flushed when it returns",
    built: faasm,
    style: "faasm",
    beforeSnapshot: ["__wasm_call_ctors", "_faasm_zygote"],
    entry: "__main_void",
    afterEntry: "__wasm_call_dtors",
    answer: "constructed 1, initialised 1, called 1",
  },
  {
    what: "the same for a module of the system's clang",
    built: older,
    style: "faasm",
    beforeSnapshot: ["__wasm_call_ctors", "_faasm_zygote"],
    entry: "__main_void",
    afterEntry: "__wasm_call_dtors",
    answer: "constructed 1, initialised 1, called 1",
  },
  {
    what: "an initialiser that the settings name takes the place of _faasm_zygote",
    built: faasm,
    words: ["--init", "prepare", "--entry", "handle"],
    style: "faasm",
    beforeSnapshot: ["__wasm_call_ctors", "prepare"],
    entry: "handle",
    afterEntry: "__wasm_call_dtors",
    answer: "constructed 1, initialised 10, called 1",
  },
  {
    what: "a module that is entered at _start is a command, whatever else it exports",
    built: faasm,
    words: ["--entry", "_start"],
    style: "command",
    beforeSnapshot: [],
    entry: "_start",
    answer: "constructed 1, initialised 0, called 1",
  },
  {
    what: "without the destructors what stdio holds is lost, and the report names the linker flag",
    built: unflushed,
    style: "faasm",
    beforeSnapshot: ["__wasm_call_ctors", "_faasm_zygote"],
    entry: "__main_void",
    answer: "",
    warnings: [/not flushed.*-Wl,--export=__wasm_call_dtors/],
  },
  {
    what: "a reactor's _initialize, then the initialiser that the settings name, before the snapshot",
    built: reactor,
    words: ["--init", "prepare", "--entry", "handle"],
    style: "reactor",
    beforeSnapshot: ["_initialize", "prepare"],
    entry: "handle",
    answer: "constructed 1, initialised 10, called 1",
  },
  {
    what: "a reactor's _faasm_zygote runs when the settings name none",
    built: reactor,
    words: ["--entry", "handle"],
    style: "reactor",
    beforeSnapshot: ["_initialize", "_faasm_zygote"],
    entry: "handle",
    answer: "constructed 1, initialised 1, called 1",
  },
  {
    what: "a plain command: the snapshot is before _start, which runs once a Faaslet",
    built: plain,
    style: "command",
    beforeSnapshot: [],
    entry: "_start",
    answer: "constructed 1, initialised 0, called 1",
  },
  {
    what: "a command's initialiser does not run, and the report names the linker flags",
    built: command,
    style: "command",
    beforeSnapshot: [],
    entry: "_start",
    answer: "constructed 1, initialised 0, called 1",
    warnings: [/_faasm_zygote does not run.*--export=__wasm_call_ctors,--export=__main_void/],
  },
  {
    what: "C++ globals that the initialiser filled are not constructed again",
    built: globals,
    style: "faasm",
    beforeSnapshot: ["__wasm_call_ctors", "_faasm_zygote"],
    entry: "__main_void",
    afterEntry: "__wasm_call_dtors",
    input: "25",
    answer: "1000 entries, 625",
  },
  {
    what: "C++ globals are constructed and not filled in a command",
    built: globals,
    words: ["--entry", "_start"],
    style: "command",
    beforeSnapshot: [],
    entry: "_start",
    input: "25",
    answer: "0 entries, nothing",
  },
];

const scratch = new Scratch();
const host = await RealHost.start(`${scratch.path}/host`);
Deno.test.afterAll(async () => {
  await host[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

for (const [number, row] of ROWS.entries()) {
  const { what, built, words = [], style, beforeSnapshot, entry, afterEntry, answer, warnings = [] } = row;

  optionalTest(`start-up: ${what}`, built.missing, async () => {
    const path = scratch.write(`start-${number}.wasm`, bytesOf(built));
    const checked = await faaslet(["check", path, "--json", ...words]);
    assert.equal(checked.code, 0, checked.stderr);
    const { report } = JSON.parse(checked.stdout);
    assert.deepEqual(report.plan, { style, beforeSnapshot, entry, ...(afterEntry && { afterEntry }) });
    const deployed = await faaslet(["deploy", path, "-g", host.url, "--json", ...words]);
    assert.equal(deployed.code, 0, deployed.stderr);
    const { function: record } = JSON.parse(deployed.stdout);
    assert.deepEqual(record.report, report, "the host says what `check` said");
    assert.equal(report.warnings.length, warnings.length, report.warnings.join("\n"));
    for (const [at, warning] of warnings.entries()) assert.match(report.warnings[at], warning);
    for (const start of ["cold", "proto", "warm", "warm"] as const) {
      const response = await host.call(record.name, start, row.input ?? "");
      assert.equal(await response.text(), answer, start);
      assert.equal(response.status, 200);
    }
  });
}

optionalTest("start-up: an initialiser that the settings name for a command is refused", command.missing, async () => {
  const path = scratch.write("refused.wasm", bytesOf(command));
  for (const words of [["check", path], ["deploy", path, "-g", host.url]]) {
    const { code, stdout, stderr } = await faaslet([...words, "--init", "prepare"]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /ERR_MODULE_ENTRY/);
    assert.match(stderr, /-Wl,--export=__wasm_call_ctors,--export=__main_void or -mexec-model=reactor/);
  }
});

optionalTest("start-up: `run` starts a module as a host does", faasm.missing, async () => {
  const path = scratch.write("run.wasm", bytesOf(faasm));
  const { code, stdout, stderr } = await faaslet(["run", path]);
  assert.deepEqual([code, stdout, stderr], [0, "constructed 1, initialised 1, called 1", ""]);
});
