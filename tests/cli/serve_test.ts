/**
 * Goal: a host starts where it is told to, is the only one in its data directory, ends as it was asked to without losing a
 * call that runs, and has after a restart what it had before.
 *
 * Method: hosts as processes of their own, ended by signals.
 */
import assert from "node:assert/strict";
import { faaslet } from "../support/cli.ts";
import { guest } from "../support/guests.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

/** The input of the guest `sleep`. */
function milliseconds(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new Uint32Array([count]).buffer);
}

async function deploy(host: RealHost, place: Scratch, name: string, ...words: string[]): Promise<void> {
  const path = place.write(`${name}.wasm`, guest(name));
  const { code, stderr } = await faaslet(["deploy", path, "-g", host.url, ...words]);
  assert.equal(code, 0, stderr);
}

async function running(host: RealHost): Promise<number> {
  return (await (await fetch(`${host.url}/healthz`)).json()).running;
}

Deno.test("serve says where it listens, once, on standard output; the rest are notes", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  assert.match(host.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await fetch(`${host.url}/livez`)).status, 200);
  assert.equal(Deno.statSync(host.dataDirectory).mode! & 0o777, 0o700, "only its owner has business in it");
  const { code, stdout, stderr } = await host.stop();
  assert.equal(code, 0);
  assert.deepEqual(Object.keys(JSON.parse(stdout)).sort(), ["dataDirectory", "pid", "url"]);
  assert.match(stderr, /^listening on http.*\nisolation: none/);
  assert.match(stderr, /\nstopping: no new calls; a second signal stops at once\n$/);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`serve lets running calls end after ${signal}, takes no new ones, and ends with 0`, async () => {
    using place = new Scratch();
    await using host = await RealHost.start(`${place.path}/data`);
    await deploy(host, place, "sleep");
    const url = `${host.url}/function/sleep`;
    const call = fetch(url, { method: "POST", body: milliseconds(1_500) });
    await until(async () => await running(host) === 1, "the call runs");
    host.kill(signal);
    await until(() => host.stderr.includes("stopping"), "the host has heard");
    const refused = await fetch(url, { method: "POST", body: milliseconds(0) })
      .then(async (answer) => (await answer.json()).code, () => "no connection");
    assert.match(refused, /^(ERR_DRAINING|no connection)$/);
    assert.equal((await call).status, 200, "the call that ran got its answer");
    await (await call).body?.cancel();
    assert.equal((await host.ended()).code, 0);
  });
}

Deno.test("serve ends at once at the second signal, whatever runs", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  await deploy(host, place, "spin");
  const call = fetch(`${host.url}/function/spin`, { method: "POST" }).then((answer) => answer.text(), () => "cut");
  await until(async () => await running(host) === 1, "the call runs");
  host.kill("SIGTERM");
  await until(() => host.stderr.includes("stopping"), "the host has heard");
  host.kill("SIGTERM");
  assert.equal((await host.ended()).code, 143);
  assert.equal(await call, "cut");
});

Deno.test("a restarted host has what it had, however it ended", async () => {
  using place = new Scratch();
  const data = `${place.path}/data`;
  {
    await using host = await RealHost.start(data);
    await deploy(host, place, "counter", "--init", "init", "--file", `${place.write("a.txt", "a")}:/a.txt`);
    await deploy(host, place, "echo", "--timeout", "1234ms");
    assert.equal((await host.stop()).code, 0);
  }
  let described = "";
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await using host = await RealHost.start(data);
    const { stdout } = await faaslet(["describe", "counter", "--json", "-g", host.url]);
    described ||= stdout;
    assert.equal(stdout, described);
    assert.equal((await faaslet(["list", "-o", "name", "-g", host.url])).stdout, "counter\necho\n");
    const first = await fetch(`${host.url}/function/counter`, { method: "POST" });
    assert.deepEqual(await first.bytes(), new Uint8Array([1, 1, 1, 1]));
    assert.equal(first.headers.get("x-start"), "warm", "ready from the stored snapshot");
    assert.equal((await faaslet(["invoke", "echo", "-d", "x", "-g", host.url])).stdout, "x");
    host.kill(signal);
    await host.ended();
  }
});

Deno.test("a second host on one data directory ends and names the first one's process", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  await deploy(host, place, "echo");
  const { code, stdout, stderr } = await faaslet(["serve", "--listen", "127.0.0.1:0", "--data", `${place.path}/data`]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    new RegExp(`^error: cannot use the data directory .*: the host with process id ${host.pid} does`),
  );
  assert.equal((await faaslet(["invoke", "echo", "-d", "still", "-g", host.url])).stdout, "still");
});

Deno.test("an address or a directory that cannot be had is an error that says which", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  const taken = await faaslet(["serve", "--listen", host.url.slice("http://".length), "--data", `${place.path}/other`]);
  assert.deepEqual([taken.code, taken.stdout], [1, ""]);
  assert.match(taken.stderr, /^error: cannot listen on 127\.0\.0\.1, port \d+: another program does; .*\n$/);
  const file = place.write("file", "not a directory");
  const { code, stdout, stderr } = await faaslet(["serve", "--listen", "127.0.0.1:0", "--data", file]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^error: cannot use the data directory .*\/file: .*\(ERR_STORAGE\)\n$/);
});

Deno.test("serve --log-format json writes one object a line on standard error, with the call, its function and the code", async () => {
  using place = new Scratch();
  const data = `${place.path}/a\x1b]0;title\x07{b}`;
  await using host = await RealHost.start(data, ["--log-format", "json"]);
  await deploy(host, place, "panic");
  const answer = await fetch(`${host.url}/function/panic`, { method: "POST" });
  assert.equal((await answer.json()).code, "ERR_BUG");
  const { code, stderr } = await host.stop();
  assert.equal(code, 0);
  const records = stderr.trimEnd().split("\n").map((line) => {
    assert.equal(line.includes("\x1b") || line.includes("\x07"), false);
    return JSON.parse(line);
  });
  for (const { time, level, category, message } of records) {
    assert.deepEqual([new Date(time).toISOString(), category, typeof message], [time, "faaslet", "string"]);
    assert.match(level, /^(info|error)$/);
  }
  assert.equal(records[0].message, `listening on ${host.url}, data in ${data}`);
  const failed = records.filter(({ level }) => level === "error");
  assert.equal(failed.length, 1, stderr);
  assert.equal(failed[0].callId, answer.headers.get("x-call-id"));
  assert.deepEqual([failed[0].function, failed[0].code], ["panic", "ERR_BUG"]);
  assert.match(failed[0].message, /^call failed: asked for by __faasm_host_interface_test/);
  assert.equal(records.at(-1).message, "stopping: no new calls; a second signal stops at once");
});

Deno.test("serve logs as text where nothing else is said: one line a record, with the same fields", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  await deploy(host, place, "panic");
  const answer = await fetch(`${host.url}/function/panic`, { method: "POST" });
  await answer.body?.cancel();
  const { stdout, stderr } = await host.stop();
  assert.equal(JSON.parse(stdout).url, host.url, "standard output is for data alone");
  const [failed, ...others] = stderr.split("\n").filter((line) => line.includes("call failed"));
  assert.deepEqual(others, []);
  const callId = answer.headers.get("x-call-id");
  assert.match(failed!, new RegExp(`ERR.*faaslet.* callId=${callId} function=panic code=ERR_BUG`));
});
