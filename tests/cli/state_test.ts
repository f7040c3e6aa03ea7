/**
 * Goal: `faaslet state`, as its users have it. Method: the program as a process against a real host in another one, with files and
 * pipes.
 */
import assert from "node:assert/strict";
import { noise } from "../support/bytes.ts";
import { faaslet, type RunOptions } from "../support/cli.ts";
import { DATA, probe, resultsOf, scriptOf, type Step } from "../support/probe.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

const scratch = new Scratch();
const host = await RealHost.start(`${scratch.path}/host`);
Deno.test.afterAll(async () => {
  await host[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

/** A command line that asks the test's host. */
function ask(line: string, options: RunOptions = {}) {
  return faaslet([...line.split(" "), "-g", host.url], options);
}

const LARGE = noise(5_000_000);
const large = scratch.write("large.bin", LARGE);

Deno.test("state put and get carry bytes from and to files and pipes", async () => {
  const put = await ask(`state put model/weights ${large}`);
  assert.deepEqual([put.code, put.stderr], [0, ""]);
  assert.match(put.stdout, /^model\/weights: 4\.8 MiB, version [0-9a-f]{20}\n$/);
  assert.deepEqual((await ask("state get model/weights")).bytes, LARGE);
  const to = await ask(`state get model/weights ${scratch.path}/copy.bin`);
  assert.deepEqual([to.code, to.stdout], [0, ""]);
  assert.match(to.stderr, /^4\.8 MiB of model\/weights, version [0-9a-f]{20}, are in /);
  assert.deepEqual(Deno.readFileSync(`${scratch.path}/copy.bin`), new Uint8Array(LARGE));
  assert.deepEqual(
    (await ask("state get model/weights --range 1000000-1000099")).bytes,
    LARGE.slice(1_000_000, 1_000_100),
  );
  assert.deepEqual((await ask("state get model/weights --range -5")).bytes, LARGE.slice(-5));
  assert.equal((await ask("state put note", { stdin: "hello" })).code, 0);
  assert.equal((await ask("state get note")).stdout, "hello");
  const found = [...Deno.readDirSync(scratch.path)].map(({ name }) => name).sort();
  assert.deepEqual(found, ["copy.bin", "host", "large.bin"], "no part of a file is left");
});

Deno.test("state put and delete do nothing when the version is another", async () => {
  const first = (await ask("state put counter --if-version none -o name", { stdin: "1" })).stdout.trim();
  const again = await ask("state put counter --if-version none", { stdin: "2" });
  assert.deepEqual([again.code, /ERR_PRECONDITION/.test(again.stderr)], [1, true]);
  const second = JSON.parse((await ask(`state put counter --if-version ${first} -j`, { stdin: "2" })).stdout);
  assert.deepEqual([second.key, second.bytes], ["counter", 1]);
  assert.equal((await ask(`state put counter --if-version ${first}`, { stdin: "3" })).code, 1);
  assert.equal((await ask(`state delete counter --if-version ${first}`)).code, 1);
  assert.equal((await ask("state get counter")).stdout, "2");
  assert.equal((await ask(`state delete counter --if-version ${second.version}`)).code, 0);
  assert.equal((await ask("state get counter")).code, 3);
  assert.equal((await ask("state delete counter")).code, 3);
});

Deno.test("state list shows sizes and versions, by prefix", async () => {
  for (const key of ["list/a", "list/b", "other"]) await ask(`state put ${key}`, { stdin: "x".repeat(3_000) });
  const { stdout, stderr } = await ask("state list list/");
  assert.match(
    stdout,
    /^KEY +SIZE +STORED +IN MEMORY HERE +VERSION +WRITTEN\nlist\/a +2\.9 KiB +\d+ B +- +[0-9a-f]{20} /,
  );
  assert.equal(stdout.split("\n").length, 4);
  assert.match(stderr, /^\d+ values of .* in the store\n$/);
  assert.equal((await ask("state list list/ -o name")).stdout, "list/a\nlist/b\n");
  const listed = JSON.parse((await ask("state list -n 1 -j")).stdout);
  assert.equal(listed.values.length, 1);
  assert.ok(listed.usage.keys >= 3);
});

Deno.test("state list, push and pull show and move what functions have in this host's memory", async () => {
  const module = scratch.write("toucher.wasm", probe());
  assert.equal((await ask(`deploy ${module}`)).code, 0);
  const key = new TextEncoder().encode("mine\0");
  const run = async (steps: Step[]) => {
    const answer = await fetch(`${host.url}/function/toucher`, { method: "POST", body: scriptOf(steps, key) });
    assert.equal(answer.status, 200, await answer.clone().text());
    return resultsOf(await answer.bytes()).map(Number);
  };
  const listed = async () => JSON.parse((await ask("state list mine -j")).stdout).values;

  // Two chunks that a function makes: nowhere but here.
  await run([["__faasm_write_state_offset", DATA, 100_000, 99_999, DATA, 1]]);
  assert.deepEqual(await listed(), [
    { key: "mine", bytes: 100_000, here: { bytes: 100_000, mayBeChanged: true, isCurrent: false } },
  ]);
  assert.match((await ask("state list mine")).stdout, /^mine +98 KiB +- +all \(never pushed, may be changed\) +- +-$/m);
  assert.equal((await ask("state get mine")).code, 3, "the global tier has nothing");
  assert.equal((await ask("state pull mine")).code, 3);
  assert.equal((await listed()).length, 1, "a pull of what is not there takes nothing away");

  const pushed = JSON.parse((await ask("state push mine -j")).stdout);
  const { version } = pushed;
  assert.match(version, /^[0-9a-f]{20}$/);
  const current = { bytes: 100_000, mayBeChanged: false, isCurrent: true, version };
  assert.deepEqual(pushed, { key: "mine", version, bytes: 100_000, here: current });
  assert.equal((await ask("state get mine --range -1")).stdout, "m");

  // Somebody writes it from outside: what is here is old, until it is pulled.
  const other = (await ask("state put mine -o name", { stdin: "X".repeat(70_000) })).stdout.trim();
  assert.deepEqual((await listed())[0].here, { ...current, isCurrent: false });
  assert.match((await ask("state list mine")).stdout, new RegExp(`all \\(old: ${version}\\)`));
  assert.deepEqual(await run([["__faasm_read_state", DATA, 0, 0]]), [100_000]);
  const pulled = await ask("state pull mine");
  assert.equal(pulled.stdout, `mine: 68 KiB, version ${other}; in memory here: all\n`);
  const script: Step[] = [["__faasm_read_state", DATA, 0x100, 1], ["peek8", 0x100]];
  assert.deepEqual(await run(script), [70_000, "X".charCodeAt(0)]);

  // A part is brought here by who reads a part.
  await ask(`state put mine-too ${large}`);
  const second = new TextEncoder().encode("mine-too\0");
  const answer = await fetch(`${host.url}/function/toucher`, {
    method: "POST",
    body: scriptOf([["__faasm_read_state_offset", DATA, LARGE.length, 0, 0x100, 1]], second),
  });
  await answer.body?.cancel();
  assert.match((await ask("state list mine-too")).stdout, /^mine-too +4\.8 MiB +.* 64 KiB +/m);
  const nothingHere = await ask("state push other");
  assert.deepEqual([nothingHere.code, /nothing of it was in this host/.test(nothingHere.stderr)], [0, true]);
});

Deno.test("state says what is wrong: actions, keys, files", async () => {
  const cases: [string, number, RegExp][] = [
    ["state gett x", 2, /Did you mean get\?/],
    ["state get", 2, /name a key/],
    ["state list a b", 2, /list takes no file/],
    ["state get nothing", 3, /there is no such value/],
    ["state get a/../b", 2, /a \. or \.\. part/],
    [`state put x ${scratch.path}/nothing`, 2, /cannot read/],
    ["state get other --range 9999-", 1, /ERR_RANGE/],
    ["state push nothing", 3, /./],
  ];
  for (const [line, code, message] of cases) {
    const ran = await ask(line);
    assert.equal(ran.code, code, `${line}: ${ran.stderr}`);
    assert.match(ran.stderr, message, line);
  }
});
