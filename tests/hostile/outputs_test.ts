/**
 * H25, H29: guests that say too much, too often, or after their end. Goal: output is whole or not there, logs are cut at their limit
 * and say so, whoever does not read holds nobody up, and no escape sequence reaches a terminal. Method: floods and limits at
 * n - 1, n and n + 1 in a group; a real host and the command line for what people see.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { attackTest, words } from "../support/attack.ts";
import { faaslet, spawnFaaslet } from "../support/cli.ts";
import { assemble, guest } from "../support/guests.ts";
import { rounds } from "../support/long.ts";
import { optionalTest } from "../support/optional.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

const GIB = 2 ** 30;

attackTest("H25: a gibibyte of log is counted and cut, however many write one at once", async (attack) => {
  const target = await attack.install("flood", { entry: "handler", limits: { logBytes: 1_000 } });
  const before = Deno.memoryUsage().rss;
  const floods = Array.from({ length: rounds(8, 200) }, () => attack.call(target));
  for (const { status, stdout, stdoutBytes, stderr, stderrBytes } of await attack.withBystander(Promise.all(floods))) {
    assert.deepEqual([status, stdout.length, stdoutBytes, stderr.length, stderrBytes], ["ok", 1_000, GIB, 1_000, GIB]);
  }
  assert.ok(Deno.memoryUsage().rss - before < 200 * 1_024 * 1_024, "nobody keeps what was cut");
});

attackTest(
  "H29: a command's output may be as large as its limit, and ends the call with the next byte",
  async (attack) => {
    const limit = 3 * 1_024 * 1_024;
    for (const [more, expected] of [[-1, "ok"], [0, "ok"], [1, "trap"]] as const) {
      const target = await attack.install(command(limit + more), { limits: { outputBytes: limit, logBytes: 100 } });
      const { status, error, output, stdout } = await attack.call(target);
      assert.deepEqual([status, error?.code], [expected, expected === "ok" ? undefined : "ERR_OUTPUT_LIMIT"]);
      assert.equal(output.length, expected === "ok" ? limit + more : 0, "nothing partial");
      assert.ok(stdout.length <= 100);
    }
    const endless = await attack.install("flood_command", { limits: { outputBytes: limit } });
    const { status, error, output } = await attack.call(endless);
    assert.deepEqual([status, error?.code, output.length], ["trap", "ERR_OUTPUT_LIMIT", 0]);
  },
);

/** Writes so many bytes to its standard output, a part at a time. */
function command(bytes: number): Uint8Array {
  return assemble(`(module
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (func (export "_start") (local $left i32)
      (local.set $left (i32.const ${bytes}))
      (loop $again
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (select (local.get $left) (i32.const 65535) (i32.lt_u (local.get $left) (i32.const 65535))))
        (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
        (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
        (br_if $again (local.get $left)))))`);
}

/** What `outputs.wat` is told: a letter, and a number for it. */
function order(letter: string, number = 0): Uint8Array {
  return words(letter.charCodeAt(0), number);
}

attackTest(
  "H29: an output may be as large as its limit; one byte more is an error with nothing in it",
  async (attack) => {
    const limit = 1_000_000;
    const target = await attack.install("outputs", { limits: { outputBytes: limit } });
    for (
      const [bytes, expected] of [[limit - 1, "ok"], [limit, "ok"], [limit + 1, "trap"], [2 ** 32 - 1, "trap"]] as const
    ) {
      const { status, error, output } = await attack.call(target, { input: order("l", bytes) });
      assert.deepEqual(
        [status, error?.code],
        [expected, expected === "ok" ? undefined : "ERR_OUTPUT_LIMIT"],
        `${bytes}`,
      );
      assert.equal(output.length, expected === "ok" ? bytes : 0);
    }
  },
);

attackTest("H29: of a million outputs the last one counts, at the cost of one", async (attack) => {
  const target = await attack.install("outputs");
  const before = Deno.memoryUsage().rss;
  for (let round = 0; round < rounds(1, 20); round++) {
    const { status, output } = await attack.withBystander(attack.call(target, { input: order("m") }));
    assert.deepEqual([status, [...output]], ["ok", [...words(999_999)]]);
  }
  assert.ok(Deno.memoryUsage().rss - before < 100 * 1_024 * 1_024);
});

attackTest("H29: an exit ends the output, a trap and a bad pointer undo it", async (attack) => {
  const target = await attack.install("outputs");
  const exited = await attack.call(target, { input: order("x") });
  assert.deepEqual([exited.status, exited.output.length], ["ok", 1]);
  for (const [letter, code] of [["t", "ERR_GUEST_TRAP"], ["p", "ERR_GUEST_POINTER"]] as const) {
    const { status, error, output } = await attack.call(target, { input: order(letter) });
    assert.deepEqual([status, error?.code, output.length], ["trap", code, 0]);
  }
});

attackTest("H29: an input of any size reaches the guest whole", async (attack) => {
  const target = await attack.install("echo");
  for (const bytes of [0, 1, 65_535, 65_536, 65_537, 5_000_000]) {
    const input = Uint8Array.from({ length: bytes }, (_, at) => at * 31);
    const { output } = await attack.call(target, { input });
    assert.deepEqual(output, input);
  }
});

attackTest("H29: many large outputs at once cross one after another, each whole", async (attack) => {
  const target = await attack.install("echo");
  const bytes = 24 * 1_024 * 1_024;
  const calls = Array.from(
    { length: 8 },
    (_, at) => attack.call(target, { input: new Uint8Array(bytes).fill(at + 1) }),
  );
  // They end while nobody drains.
  const busyUntil = performance.now() + 1_500;
  while (performance.now() < busyUntil);
  for (const [at, call] of calls.entries()) {
    const { status, output } = await call;
    assert.deepEqual([status, output.length, output[0], output[bytes - 1]], ["ok", bytes, at + 1, at + 1]);
    assert.ok(output.buffer.byteLength <= 3 * bytes, "an output does not keep all the others");
  }
});

/** A form with a module and its settings. */
async function deploy(host: RealHost, name: string, wasm: Uint8Array, settings: unknown): Promise<void> {
  const body = new FormData();
  body.append("module", new Blob([wasm as Uint8Array<ArrayBuffer>]), "module.wasm");
  body.append("settings", JSON.stringify(settings));
  const answer = await fetch(`${host.url}/v1/functions/${name}`, { method: "PUT", body });
  assert.ok(answer.ok, await answer.text());
}

/** Writes its input to its standard error, then fails with 3. */
const COMPLAINS = `(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "main") (result i32)
    (i32.store (i32.const 0) (i32.const 1024))
    (i32.store (i32.const 4) (call $read_input (i32.const 1024) (i32.const 60000)))
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.const 3)))`;
/** A title, colours, a bell, half a character, the direction of writing, a line of somebody else's. */
const NASTY = "\x1b]0;owned\x07\x1b[31mred\x9b31m\r\nok: all is well\u202eevil";

Deno.test("H29, H25: limits and logs as a client of a real host sees them", async () => {
  using scratch = new Scratch();
  await using host = await RealHost.start(`${scratch.path}/data`);
  await deploy(host, "echo", guest("echo"), { inputBytes: 1_000, outputBytes: 1_000 });
  await deploy(host, "outputs", guest("outputs"), { outputBytes: 1_000 });
  await deploy(host, "flood", guest("flood"), { entry: "handler", logBytes: 500 });
  await deploy(host, "complains", assemble(COMPLAINS), {});
  const call = (name: string, body: Uint8Array) =>
    fetch(`${host.url}/function/${name}`, { method: "POST", body: body as Uint8Array<ArrayBuffer> });
  for (const [bytes, status] of [[999, 200], [1_000, 200], [1_001, 413]] as const) {
    const answer = await call("echo", new Uint8Array(bytes));
    assert.equal(answer.status, status, `${bytes} bytes of input`);
    if (status === 200) assert.equal((await answer.bytes()).length, bytes);
    else assert.equal((await answer.json()).code, "ERR_REQUEST_TOO_LARGE");
  }
  const over = await call("outputs", order("l", 1_001));
  assert.deepEqual([over.status, (await over.json()).code], [502, "ERR_OUTPUT_LIMIT"]);
  const flooded = await call("flood", new Uint8Array(0));
  assert.equal(flooded.status, 200);
  const id = flooded.headers.get("x-call-id");
  await flooded.body?.cancel();
  const logs = await (await fetch(`${host.url}/v1/calls/${id}/logs`)).json();
  assert.deepEqual([logs.stdoutBytes, logs.stderrBytes], [GIB, GIB]);
  const lines = await (await fetch(`${host.url}/v1/functions/flood/logs`)).text();
  assert.ok(lines.includes(`(${GIB - 500} more bytes were not kept)`));
  const nasty = new TextEncoder().encode(NASTY);
  const complained = await call("complains", nasty);
  const text = await complained.text();
  assert.equal(complained.status, 502);
  assert.ok([...text].every((character) => character >= " "), "JSON escapes what a terminal would obey");
  assert.equal(JSON.parse(text).stderr, NASTY);
});

Deno.test("H25: `faaslet run` ends at its deadline although nobody reads what it prints", async () => {
  using scratch = new Scratch();
  const path = scratch.write("flood.wasm", guest("flood_command"));
  const started = performance.now();
  const child = spawnFaaslet(["run", "--timeout", "1s", path]);
  // Its standard output is a pipe that is full after 64 KiB.
  const { code } = await child.status;
  assert.equal(code, 124);
  assert.ok(performance.now() - started < 30_000);
  await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
  const read = await faaslet(["run", scratch.write("print.wasm", guest("print"))]);
  assert.deepEqual([read.code, read.stdout, read.stderr], [3, "answer", "trace"]);
});

/** Runs the program where its streams are a terminal; gives what the terminal would get. */
async function onTerminal(...words: readonly string[]): Promise<string> {
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  const command = [Deno.execPath(), "run", "-A", main, ...words].map((word) => `'${word}'`).join(" ");
  // From util-linux: a terminal of its own for a command.
  const child = new Deno.Command("script", {
    args: ["-qec", command, "/dev/null"],
    env: { NO_COLOR: "1" },
    stdin: "null",
  });
  return new TextDecoder("latin1").decode((await child.output()).stdout);
}

const noScript = await new Deno.Command("script", { args: ["--version"] }).output()
  .then(() => undefined, () => "script (util-linux) is not installed");

optionalTest("H25: no escape sequence of a guest's reaches a terminal", noScript, async () => {
  using scratch = new Scratch();
  await using host = await RealHost.start(`${scratch.path}/data`);
  await deploy(host, "complains", assemble(COMPLAINS), {});
  await deploy(host, "echo", guest("echo"), {});
  const nasty = scratch.write("nasty", NASTY);
  for (
    const words of [["invoke", "complains", "-d", `@${nasty}`], ["invoke", "echo", "-d", `@${nasty}`], [
      "logs",
      "complains",
    ]]
  ) {
    const shown = await onTerminal("--gateway", host.url, ...words);
    assert.match(shown, /\\x1b\]0;owned\\x07\\x1b\[31mred\\x9b31m/, words.join(" "));
    assert.match(shown, /\\u\{202e\}evil/);
    const wild = [...shown].filter((character) => character < " " && !"\r\n\t".includes(character));
    assert.deepEqual(wild, [], words.join(" "));
  }
});
