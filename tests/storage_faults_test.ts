/**
 * Goal: what becomes of a host whose storage fails (F50), and of names and numbers in what it shows (F56). Method: real hosts
 * on damaged, foreign and full places; a small file system of its own is full soon.
 */
import assert from "node:assert/strict";
import { faaslet } from "./support/cli.ts";
import { guest } from "./support/guests.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";

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
if (whyNoMount !== undefined) console.log(`skipped: F50: a full disk: ${whyNoMount}`);

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
