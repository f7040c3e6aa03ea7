/**
 * Goal: calls, logs, versions and the host itself by the command line. Method: the program as a process against a real host
 * in another one.
 */
import assert from "node:assert/strict";
import { faaslet, type RunOptions, spawnFaaslet } from "../support/cli.ts";
import { guest } from "../support/guests.ts";
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

for (const name of ["echo", "sleep", "flood", "print"]) scratch.write(`${name}.wasm`, guest(name));
await ask(`deploy ${scratch.path}/echo.wasm -q`);
await ask(`deploy ${scratch.path}/sleep.wasm -q`);
await ask(`deploy ${scratch.path}/print.wasm -q`);

Deno.test("invoke --async gives an id; calls status, result, logs and list say what became of it", async () => {
  const submitted = await ask("invoke echo --async -d hello");
  assert.deepEqual([submitted.code, submitted.stderr], [0, ""]);
  const id = submitted.stdout.trim();
  assert.match(id, /^[0-9a-f-]{36}$/);
  const ended = await ask(`calls status ${id} --wait 20s`);
  assert.match(ended.stdout, new RegExp(`^CALL +${id}: ok$`, "m"));
  assert.equal((await ask(`calls result ${id}`)).stdout, "hello");
  assert.equal((await ask(`calls status ${id} -o name`)).stdout, "ok\n");
  assert.equal(JSON.parse((await ask(`calls status ${id} -j`)).stdout).outputBytes, 5);
  assert.equal((await ask("invoke echo -a --wait 20s -d now")).stdout, "now");
  const again = await ask("invoke echo -a --idempotency-key k -d once -o name");
  const replay = await ask("invoke echo -a --idempotency-key k -d twice -o name");
  assert.equal(replay.stdout, again.stdout);
  assert.match(replay.stderr, /used before/);
  const failed = await ask("invoke echo -a --wait 20s -d !A");
  assert.deepEqual([failed.code, failed.stdout], [6, ""]);
  assert.match(failed.stderr, /ERR_GUEST_EXIT/);
  const { stdout } = await ask("calls list --failed --function echo --json");
  assert.deepEqual(JSON.parse(stdout).map((call: { returnValue: number }) => call.returnValue), [65]);
  assert.match((await ask("calls list -n 2")).stdout, /^CALL +FUNCTION +STATUS.*\n(\S+ +\w+.*\n){2}$/);
});

Deno.test("calls status --tree shows the calls that one led to, and their cost", async () => {
  scratch.write("chain.wasm", guest("chain"));
  await ask(`deploy ${scratch.path}/chain.wasm -q`);
  await ask(`deploy ${scratch.path}/echo.wasm --name leaf -q`);
  await ask("invoke chain", { stdin: new Uint8Array([2, 2, 0, 0, 0]) });
  const id = (await ask("calls list --function chain -o name")).stdout.trim();
  const tree = await ask(`calls status ${id} --tree`);
  assert.match(tree.stdout, /^FUNCTION.*\nchain +ok .*\n {2}leaf +ok .*\n {2}leaf +ok .*\n$/);
  assert.match(tree.stderr, /^3 calls, .* of processor time/);
  assert.equal(JSON.parse((await ask(`calls status ${id} --tree -j`)).stdout).cost.calls, 3);
});

Deno.test("calls cancel ends one that runs; what is wrong has its exit code", async () => {
  const stdin = new Uint8Array([96, 234, 0, 0]);
  const id = (await ask("invoke sleep -a", { stdin })).stdout.trim();
  const late = await ask("invoke sleep -a --wait 50ms", { stdin });
  assert.deepEqual([late.code, /is running/.test(late.stderr)], [5, true]);
  assert.equal((await ask(`calls cancel ${id}`)).code, 0);
  assert.equal((await ask(`calls status ${id} --wait 20s -o name`)).stdout, "cancelled\n");
  assert.equal((await ask(`calls cancel ${id}`)).code, 1);
  assert.equal((await ask("calls status 00000000-0000-7000-8000-000000000000")).code, 3);
  assert.equal((await ask("calls status")).code, 2);
  assert.equal((await ask("invoke echo --wait 1s -d x")).code, 2);
  const misspelt = await ask("calls lsit");
  assert.equal(misspelt.code, 2);
  assert.match(misspelt.stderr, /Did you mean list\?/);
});

Deno.test("logs shows what calls wrote and why they failed, and follows those to come", async () => {
  await ask("invoke print -d x");
  const past = await ask("logs print");
  assert.deepEqual([past.code, past.stderr], [0, ""]);
  assert.match(past.stdout, /stderr: trace\n[^]*faaslet: guest-error/);
  assert.equal((await ask("logs print -n 1")).stdout.trim().split("\n").length, 1);
  const { stream, callId } = JSON.parse((await ask("logs print -n 1 --json")).stdout);
  assert.deepEqual([stream, callId.length], ["faaslet", 36]);
  assert.equal((await ask("logs nothing")).code, 3);
  const child = spawnFaaslet(["logs", "echo", "-f", "-n", "0", "-g", host.url]);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const reading = lines.read();
  let seen: string | undefined;
  void reading.then(({ value }) => seen = value);
  while (seen === undefined) {
    await fetch(`${host.url}/function/echo`, { method: "POST", body: "!A" }).then((it) => it.text());
  }
  assert.match(seen, /^faaslet: guest-error: the function returned 65\n/);
  child.kill("SIGTERM");
  await lines.cancel();
  await child.stderr.cancel();
  await child.status;
});

Deno.test("versions and rollback walk through a function's history", async () => {
  await ask(`deploy ${scratch.path}/echo.wasm --name walk -q`);
  await ask(`deploy ${scratch.path}/print.wasm --name walk -q`);
  assert.match((await ask("versions walk")).stdout, /^VERSION.*\n2 +live .*\n1 /);
  assert.equal((await ask("versions walk -o name")).stdout, "2\n1\n");
  const back = await ask("rollback walk");
  assert.deepEqual([back.code, /at version 1 /.test(back.stderr)], [0, true]);
  assert.equal((await ask("invoke walk -d back")).stdout, "back");
  assert.equal((await ask("rollback walk --to 2 -o name")).stdout, "2\n");
  assert.equal((await ask("rollback walk --to 9")).code, 3);
  assert.equal((await ask("rollback nothing")).code, 3);
});

Deno.test("status, top and bench say how the host does", async () => {
  const status = JSON.parse((await ask("status --json")).stdout);
  assert.deepEqual([status.status, status.functions >= 3, status.alarms], ["ok", true, 0]);
  assert.match((await ask("status")).stdout, /^HOST +http.*, ok\n/);
  const bench = JSON.parse((await ask("bench echo -n 50 -c 4 -d x --json")).stdout);
  assert.deepEqual([bench.calls, bench.failed, bench.p50Us > 0, bench.p99Us <= bench.maxUs], [50, 0, true, true]);
  assert.equal((await ask("bench echo -n 5 -d !A")).code, 6);
  assert.equal((await ask("bench nothing -n 5")).code, 3);
  const top = (await ask("top -n 2 --every 20ms --json")).stdout.trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(top.length, 2);
  assert.equal(top[0].functions.some(({ name }: { name: string }) => name === "echo"), true);
});
