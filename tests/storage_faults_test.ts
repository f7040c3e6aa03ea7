/**
 * Goal: what becomes of a host whose storage fails (F50), and of names and numbers in what it shows (F56). Method: real hosts
 * on damaged, foreign and full places; a small file system of its own is full soon.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { faaslet } from "./support/cli.ts";
import { guest } from "./support/guests.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

async function deploy(host: RealHost, name: string, extra?: Uint8Array<ArrayBuffer>): Promise<Response> {
  const form = new FormData();
  form.append("module", new File([new Uint8Array(guest("echo"))], "module.wasm"));
  if (extra !== undefined) form.append("file", new File([extra], "/large"));
  return await fetch(`${host.url}/v1/functions/${name}`, { method: "PUT", body: form });
}

function random(bytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(all.subarray(at, at + 65_536));
  return all;
}

Deno.test("F50: a store that is none, a key that others may read, and a directory that is a file are refused by name", async () => {
  using scratch = new Scratch();
  const serve = (data: string) => faaslet(["serve", "--listen", "127.0.0.1:0", "--data", data]);
  scratch.write("garbage/store.sqlite3", random(100_000));
  const garbage = await serve(`${scratch.path}/garbage`);
  assert.deepEqual([garbage.code, /ERR_STORAGE/.test(garbage.stderr)], [1, true], garbage.stderr);
  scratch.write("key/seal.key", random(32));
  Deno.chmodSync(`${scratch.path}/key/seal.key`, 0o644);
  const open = await serve(`${scratch.path}/key`);
  assert.deepEqual([open.code, /seal\.key.*chmod 600/.test(open.stderr)], [1, true], open.stderr);
  scratch.write("short/seal.key", random(5));
  Deno.chmodSync(`${scratch.path}/short/seal.key`, 0o600);
  assert.match((await serve(`${scratch.path}/short`)).stderr, /5 bytes instead of 32.*ERR_STORAGE/);
  const file = await serve(scratch.write("file", "x"));
  assert.deepEqual([file.code, /ERR_STORAGE/.test(file.stderr)], [1, true], file.stderr);
});

const whyNoMount = await cannotMount();
if (whyNoMount !== undefined) console.log(`skipped: F50: a full disk, a read-only directory: ${whyNoMount}`);

Deno.test({
  name:
    "F50: on a full disk deploys and asynchronous calls are refused with 507, calls go on, and it recovers when there is room",
  ignore: whyNoMount !== undefined,
  async fn() {
    using scratch = new Scratch();
    const data = `${scratch.path}/data`;
    Deno.mkdirSync(data);
    await run("mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "none", data);
    try {
      await using host = await RealHost.start(data);
      assert.equal((await deploy(host, "echo")).status, 201);
      const filler = `${data}/filler`;
      await Deno.writeFile(filler, random(8_000_000)).catch(() => {});
      const refused = await deploy(host, "large", random(2_000_000));
      assert.deepEqual([refused.status, (await refused.json()).code], [507, "ERR_STORAGE"]);
      const call = await fetch(`${host.url}/function/echo`, { method: "POST", body: "still" });
      assert.deepEqual([call.status, await call.text()], [200, "still"]);
      const later = await fetch(`${host.url}/async-function/echo`, { method: "POST", body: random(1_000_000) });
      assert.deepEqual([later.status, (await later.json()).code], [507, "ERR_STORAGE"]);
      assert.equal((await fetch(`${host.url}/healthz`).then((it) => it.json())).status, "ok");
      await Deno.remove(filler);
      const answer = await deploy(host, "large", random(1_000_000));
      assert.equal(answer.status, 201, await answer.text());
      const accepted = await fetch(`${host.url}/async-function/echo`, { method: "POST", body: "later" });
      assert.equal(accepted.status, 202, await accepted.text());
      await host.stop();
    } finally {
      await run("umount", "-l", data);
    }
  },
});

Deno.test({
  name: "F50: a read-only data directory is refused by name, and is what it was once it can be written",
  ignore: whyNoMount !== undefined,
  async fn() {
    using scratch = new Scratch();
    const data = `${scratch.path}/data`;
    Deno.mkdirSync(data);
    await run("mount", "-t", "tmpfs", "-o", "size=64m,mode=0700", "none", data);
    try {
      {
        await using host = await RealHost.start(data);
        assert.equal((await deploy(host, "echo")).status, 201);
        await host.stop();
      }
      await run("mount", "-o", "remount,ro", data);
      const refused = await faaslet(["serve", "--listen", "127.0.0.1:0", "--data", data]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^error: cannot use the data directory .*Read-only file system.*\(ERR_STORAGE\)\n$/);
      await run("mount", "-o", "remount,rw", data);
      await using host = await RealHost.start(data);
      const call = await fetch(`${host.url}/function/echo`, { method: "POST", body: "still" });
      assert.deepEqual([call.status, await call.text()], [200, "still"]);
      assert.equal((await deploy(host, "other")).status, 201);
      await host.stop();
    } finally {
      await run("umount", "-l", data);
    }
  },
});

Deno.test("F50: while another process holds the store, writes are refused with 507, calls go on, and it recovers", async () => {
  using scratch = new Scratch();
  await using host = await RealHost.start(scratch.path);
  assert.equal((await deploy(host, "echo")).status, 201);
  const ask = (resource: string) => fetch(`${host.url}/${resource}/echo`, { method: "POST", body: "still" });
  {
    using other = new DatabaseSync(`${scratch.path}/store.sqlite3`);
    other.exec("BEGIN IMMEDIATE");
    const later = ask("async-function");
    const call = await ask("function");
    assert.deepEqual([call.status, await call.text()], [200, "still"]);
    assert.equal((await fetch(`${host.url}/healthz`).then((it) => it.json())).status, "ok");
    const { code, detail } = await (await later).json();
    assert.deepEqual([(await later).status, code], [507, "ERR_STORAGE"]);
    assert.match(detail, /database is locked/);
    other.exec("ROLLBACK");
  }
  const metrics = await (await fetch(`${host.url}/metrics`)).text();
  const sample = (name: string) => Number(metrics.split("\n").find((line) => line.startsWith(name))?.split(" ").at(-1));
  assert.ok(sample('faaslet_store_errors_total{operation="commit"}') >= 1, metrics);
  assert.equal(sample('faaslet_store_errors_total{operation="read"}'), 0);
  assert.ok(sample("faaslet_store_commit_seconds_count") > 1 && sample("faaslet_store_read_seconds_count") > 1);
  assert.ok(sample("faaslet_store_commit_seconds_sum") > 1, "what had to wait is in it");
  const accepted = await ask("async-function");
  assert.equal(accepted.status, 202, await accepted.text());
  assert.equal((await deploy(host, "other")).status, 201);
  assert.equal((await host.stop()).code, 0);
});

const whyNoPrlimit = await run("prlimit", "--nofile").then(
  () => undefined,
  (thrown) => `no prlimit: ${thrown.message}`,
);
if (whyNoPrlimit !== undefined) console.log(`skipped: F50: out of descriptors: ${whyNoPrlimit}`);

Deno.test({
  name:
    "F50: out of descriptors a host refuses by name, answers whom it has, and takes connections again when there are some",
  ignore: whyNoPrlimit !== undefined,
  async fn() {
    using scratch = new Scratch();
    await using host = await RealHost.start(scratch.path);
    assert.equal((await deploy(host, "echo")).status, 201);
    const port = Number(new URL(host.url).port);
    const allow = (count: number) => run("prlimit", "--pid", String(host.pid), `--nofile=${count}:`);
    const open = () => [...Deno.readDirSync(`/proc/${host.pid}/fd`)].length;
    using kept = await Deno.connect({ port });
    assert.match(await callOver(kept), /^HTTP\/1\.1 200 /);
    // A compiler's process needs three pipes.
    await allow(open() + 3);
    const refused = await deploy(host, "other");
    const { code, detail } = await refused.json();
    assert.deepEqual([refused.status, code], [503, "ERR_CAPACITY"]);
    assert.match(detail, /Too many open files/);
    const crowd: Deno.Conn[] = [];
    try {
      await until(async () => {
        await Deno.connect({ port }).then((one) => crowd.push(one), () => {});
        return host.stderr.includes("cannot take connections");
      }, "the host can take no more");
      assert.match(host.stderr, /cannot take connections: .*Too many open files/);
      assert.match(await callOver(kept), /^HTTP\/1\.1 200 .*still$/s, "who has a connection is served");
    } finally {
      for (const one of crowd) one.close();
    }
    await allow(1_024);
    await until(
      () => deploy(host, "other").then(({ status }) => status === 201, () => false),
      "it takes deploys again",
    );
    const call = await fetch(`${host.url}/function/echo`, { method: "POST", body: "again" });
    assert.deepEqual([call.status, await call.text()], [200, "again"]);
    assert.equal((await host.stop()).code, 0);
  },
});

/** Calls `echo` over a connection that stays open, and gives the answer as it came. */
async function callOver(connection: Deno.Conn): Promise<string> {
  const request = "POST /function/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nstill";
  await connection.write(new TextEncoder().encode(request));
  let answer = "";
  const piece = new Uint8Array(4_096);
  while (!answer.endsWith("still")) {
    const count = await connection.read(piece);
    assert.notEqual(count, null, `the connection was closed after ${answer}`);
    answer += new TextDecoder().decode(piece.subarray(0, count!));
  }
  return answer;
}

Deno.test("F56: labels of metrics are bounded, and nobody's name or log can put a line of its own among them", async () => {
  using scratch = new Scratch();
  await using host = await RealHost.start(scratch.path);
  for (const name of ['a"b', "a%0ab", "a\\b", "-a", "A"]) {
    const answer = await deploy(host, encodeURIComponent(decodeURIComponent(name)));
    assert.equal(answer.status, 400, name);
    await answer.body?.cancel();
  }
  await (await deploy(host, "echo")).body?.cancel();
  for (const path of ["echo", "none-1", "none-2", "echo.other"]) {
    await (await fetch(`${host.url}/function/${path}`, { method: "POST", body: "x" })).body?.cancel();
  }
  const text = await (await fetch(`${host.url}/metrics`)).text();
  const functions = [...text.matchAll(/^faaslet_calls_total\{(.*)\}/gm)].map(([, labels]) => labels);
  assert.deepEqual(functions, ['tenant="default",function="echo",status="ok"'], "what is not there has no counters");
  for (const line of text.trimEnd().split("\n")) assert.match(line, /^(# .*|[a-z_]+(\{[^{}]*\})? \S+|)$/);
  await host.stop();
});

async function cannotMount(): Promise<string | undefined> {
  using scratch = new Scratch();
  try {
    await run("mount", "-t", "tmpfs", "-o", "size=1m", "none", scratch.path);
    await run("umount", "-l", scratch.path);
    return undefined;
  } catch (thrown) {
    return `no file system can be mounted (${(thrown as Error).message})`;
  }
}

async function run(program: string, ...words: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: words, stdin: "null" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}
