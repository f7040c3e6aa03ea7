/**
 * Goal: `faaslet run` is the program itself: its streams, its arguments, its exit code, nothing of ours in between, and 120
 * to 125 for what is ours to say.
 *
 * Method: guests that show what they get, with the program as a process.
 */
import assert from "node:assert/strict";
import { faaslet, spawnFaaslet } from "../support/cli.ts";
import { assemble, guest } from "../support/guests.ts";
import { Scratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

const scratch = new Scratch();
Deno.test.afterAll(() => scratch[Symbol.dispose]());

const PRINT = scratch.write("print.wasm", guest("print"));
/** Copies standard input to standard output until its end, 64 KiB at a time. */
const CAT = scratch.write(
  "cat.wasm",
  assemble(`(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (func (export "_start")
      (local $left i32)
      (local $at i32)
      (loop $more
        (i32.store (i32.const 0) (i32.const 65536))
        (i32.store (i32.const 4) (i32.const 65536))
        (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
        (local.set $left (i32.load (i32.const 8)))
        (local.set $at (i32.const 65536))
        (if (i32.eqz (local.get $left)) (then (return)))
        (loop $rest
          (i32.store (i32.const 0) (local.get $at))
          (i32.store (i32.const 4) (local.get $left))
          (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
          (local.set $at (i32.add (local.get $at) (i32.load (i32.const 8))))
          (local.set $left (i32.sub (local.get $left) (i32.load (i32.const 8))))
          (br_if $rest (local.get $left)))
        (br $more))))`),
);
/** Ends with the number of its first argument. */
const EXIT = scratch.write(
  "exit.wasm",
  assemble(`(module
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (local $at i32)
      (local $code i32)
      (drop (call $args (i32.const 0) (i32.const 64)))
      (local.set $at (i32.load (i32.const 4)))
      (loop $digit
        (local.set $code (i32.add
          (i32.mul (local.get $code) (i32.const 10))
          (i32.sub (i32.load8_u (local.get $at)) (i32.const 48))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $digit (i32.load8_u (local.get $at))))
      (call $exit (local.get $code))))`),
);

Deno.test("run passes streams and exit code through, and adds nothing", async () => {
  const { code, stdout, stderr } = await faaslet(["run", PRINT]);
  assert.deepEqual([code, stdout, stderr], [3, "answer", "trace"]);
  const loud = await faaslet(["-v", "run", "--json", PRINT]);
  assert.deepEqual([loud.code, loud.stdout, loud.stderr], [3, stdout, "trace"]);
});

Deno.test("run passes every exit code through, as a process would have it", async () => {
  for (const [value, code] of [["0", 0], ["1", 1], ["119", 119], ["200", 200], ["255", 255], ["256", 1], ["259", 3]]) {
    const ran = await faaslet(["run", EXIT, String(value)]);
    assert.deepEqual([ran.code, ran.stderr], [code, ""], String(value));
  }
});

Deno.test("run copies any bytes from standard input to standard output", async () => {
  const bytes = Uint8Array.from({ length: 1_000_003 }, (_, at) => (at * 31 + (at >> 7)) & 0xff);
  const { code, bytes: copied } = await faaslet(["run", CAT], { stdin: bytes });
  assert.equal(code, 0);
  assert.deepEqual(copied, bytes);
});

Deno.test("run streams: what comes in goes out before the input ends", async () => {
  const child = spawnFaaslet(["run", CAT], { stdin: "" });
  const writer = child.stdin.getWriter();
  const reader = child.stdout.getReader();
  for (const word of ["first", "second"]) {
    await writer.write(new TextEncoder().encode(word));
    assert.equal(new TextDecoder().decode((await reader.read()).value), word);
  }
  await writer.close();
  assert.equal((await reader.read()).done, true);
  assert.equal((await child.status).code, 0);
  await child.stderr.cancel();
});

Deno.test("run's output to a reader that is gone is the program's error, not ours", async () => {
  const words = [Deno.execPath(), "run", "-A", "main.ts", "run", CAT];
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `yes | "$@" | head -n 1`, "sh", ...words],
    cwd: new URL("../../", import.meta.url),
    stdin: "null",
    stderr: "null",
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "y\n");
});

Deno.test("the environment is --env alone, arguments are all that follows the file", async () => {
  const path = scratch.write(
    "environment.wasm",
    assemble(`(module
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (func (export "_start")
      (local $bytes i32)
      (drop (call $args_sizes (i32.const 0) (i32.const 4)))
      (local.set $bytes (i32.load (i32.const 4)))
      (drop (call $args (i32.const 1024) (i32.const 65536)))
      (drop (call $environ_sizes (i32.const 0) (i32.const 4)))
      (drop (call $environ (i32.const 1024) (i32.add (i32.const 65536) (local.get $bytes))))
      (i32.store (i32.const 8) (i32.const 65536))
      (i32.store (i32.const 12) (i32.add (local.get $bytes) (i32.load (i32.const 4))))
      (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 16)))))`),
  );
  const environment = { SECRET: "inherited", A: "inherited" };
  const nothing = await faaslet(["run", path], { environment });
  assert.equal(nothing.stdout, "environment.wasm\0");
  const words = ["-e", "B=x=y", "--env", "A=1", "-e", "A=2", path, "--help", "-e", "C=3", "--", "ü"];
  const given = await faaslet(["run", ...words], { environment });
  assert.equal(given.stdout, "environment.wasm\0--help\0-e\0C=3\0--\0ü\0B=x=y\0A=2\0");
  assert.deepEqual([given.code, given.stderr], [0, ""]);
});

Deno.test("without --dir a program sees no file system", async () => {
  const path = scratch.write(
    "prestat.wasm",
    assemble(`(module
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start") (call $exit (call $prestat (i32.const 3) (i32.const 0)))))`),
  );
  const EBADF = 8;
  assert.equal((await faaslet(["run", path])).code, EBADF);
  assert.equal((await faaslet(["run", "--dir", `${scratch.path}/none::/`, path])).code, 121, "not there: not run");
  Deno.mkdirSync(`${scratch.path}/empty`);
  assert.equal((await faaslet(["run", "--dir", `${scratch.path}/empty::/`, path])).code, 0);
});

Deno.test("what is ours to say ends with 120 to 125, on standard error", async () => {
  const spin = scratch.write("spin.wasm", guest("spin"));
  const cases: readonly (readonly [number, RegExp, readonly string[]])[] = [
    [121, /missing required argument 'file'/, []],
    [121, /unknown option '--bogus'/, ["--bogus", PRINT]],
    [121, /write HOST::GUEST/, ["--dir", "here", PRINT]],
    [121, /cannot open the directory/, ["--dir", `${scratch.path}/none::/`, PRINT]],
    [122, /ERR_NOT_FOUND/, [`${scratch.path}/none.wasm`]],
    [122, /ERR_MODULE_FORMAT/, [scratch.write("text.wasm", "no module")]],
    [122, /ERR_MODULE_IMPORT/, [scratch.write("import.wasm", assemble(`(module (import "x" "y" (func)))`))]],
    [122, /ERR_MODULE_ENTRY/, ["--entry", "nothing", PRINT]],
    [122, /ERR_MODULE_LIMIT/, [
      "--memory",
      "64KiB",
      scratch.write("big.wasm", assemble('(module (memory 2) (func (export "_start")))')),
    ]],
    [123, /unreachable/, [scratch.write("trap.wasm", guest("trap"))]],
    [123, /ERR_GUEST_STACK/, [scratch.write("recursion.wasm", guest("recursion"))]],
    [123, /ERR_INIT[^]*starting/, ["--init", "trap", scratch.write("init.wasm", guest("init_fails"))]],
    [124, /ERR_CALL_TIMEOUT/, ["--timeout", "50ms", spin]],
  ];
  for (const [expected, said, words] of cases) {
    const { code, stdout, stderr } = await faaslet(["run", ...words]);
    assert.deepEqual([code, stdout], [expected, ""], `${words.join(" ")}: ${stderr}`);
    assert.match(stderr, said);
  }
});

Deno.test("run keeps a large module's machine code, and compiles anew what is not as it was kept", async () => {
  const large = assemble(`(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 4)
    (data (i32.const 0) "${"x".repeat(200_000)}")
    (func (export "_start") (call $exit (i32.load8_u (i32.const 199999)))))`);
  const path = scratch.write("large.wasm", large);
  // Deno's own cache lies there too, and stays where it is.
  const home = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME")}/.cache`;
  const surroundings = { DENO_DIR: Deno.env.get("DENO_DIR") || `${home}/deno` };
  const environment = { ...surroundings, XDG_CACHE_HOME: `${scratch.path}/cache` };
  const kept = () =>
    [...Deno.readDirSync(`${scratch.path}/cache/faaslet/artefacts`)].filter(({ name }) => name !== "seal.key");
  for (const round of ["made", "kept", "spoilt", "kept"]) {
    if (round === "spoilt") {
      const entry = `${scratch.path}/cache/faaslet/artefacts/${kept()[0]!.name}`;
      Deno.writeFileSync(entry, Deno.readFileSync(entry).fill(0, 5_000, 6_000));
    }
    const { code, stdout, stderr } = await faaslet(["run", path], { environment });
    assert.deepEqual([code, stdout, stderr], ["x".charCodeAt(0), "", ""], round);
    assert.equal(kept().length, 1, round);
  }
  assert.equal((await faaslet(["run", EXIT, "5"], { environment })).code, 5);
  assert.equal(kept().length, 1, "a small one is not kept");
  const nowhere = await faaslet(["run", path], { environment: { ...surroundings, XDG_CACHE_HOME: "/proc/none" } });
  assert.deepEqual([nowhere.code, nowhere.stderr], ["x".charCodeAt(0), ""], "without a place for it, nothing is kept");
});

Deno.test("a signal ends the program that runs", async () => {
  for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]] as const) {
    const child = spawnFaaslet(["run", scratch.write("read.wasm", guest("spin"))]);
    // Once it computes, not while it starts: a busy loop uses the processor.
    await until(async () => await cpuTicks(child.pid) > 60, "the guest runs");
    child.kill(signal);
    const status = await child.status;
    await Promise.all([child.stdout.cancel(), child.stderr.cancel()]);
    assert.ok(status.signal === signal || status.code === 128 + number, JSON.stringify(status));
  }
});

/** Processor time of a process, in hundredths of a second. */
async function cpuTicks(pid: number): Promise<number> {
  const fields = (await Deno.readTextFile(`/proc/${pid}/stat`)).split(") ").at(-1)!.split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
