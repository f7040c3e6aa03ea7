/**
 * Goal: a file that somebody puts on a host is there for every function as `faasm://PATH`, is fetched when a call opens it first,
 * and changes only between calls; what a call writes to it is its own. Method: the composition of a host in this process
 * with scripts for the probe, and a real host with the command line.
 */
import assert from "node:assert/strict";
import { SharedFileCalls } from "../hostif/mod.ts";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { openKv, SharedFiles } from "../state/mod.ts";
import { faaslet } from "./support/cli.ts";
import { imageOf } from "./support/guests.ts";
import { probe, resultsOf, scriptOf } from "./support/probe.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";
import { CREATE, ERRNO, READ, ROOT, WasiScript } from "./support/wasi_script.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

interface Shared {
  readonly files: SharedFiles;
  run(script: WasiScript): Promise<void>;
  offered(): number;
}

async function withShared(body: (shared: Shared) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const kv = await openKv(`${directory}/kv`);
  const files = await SharedFiles.open(kv, () => 5_000);
  const group = new EmbeddedGroup({ threadsMax: 8 });
  let offered = 0;
  const holder = {
    holdsFile: (digest: string) => group.holdsFile(digest),
    offerFile(digest: string, content: Uint8Array) {
      offered++;
      group.offerFile(digest, content);
    },
  };
  const calls = new SharedFileCalls(files, holder, (thrown) => assert.fail(String(thrown)));
  group.listen(({ callId, ticket, text }) => {
    void calls.answer("default", text).then((answer) => group.answer({ callId, ticket, ...answer }));
  });
  let id = 0;
  try {
    await group.install(imageOf(1, probe()));
    await body({
      files,
      offered: () => offered,
      async run(script) {
        await script.run({
          group,
          async run(steps, data, request = {}) {
            const input = scriptOf(steps, data);
            const outcome = await group.call({ id: ++id, functionId: 1, input, timeoutMs: 20_000, ...request });
            const wide = resultsOf(outcome.output);
            return { outcome, wide, results: wide.map(Number) };
          },
        });
      },
    });
  } finally {
    await group.close();
    kv.close();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("faasm:// opens a shared file, once fetched for all calls, as it was when the call opened it first", async () => {
  await withShared(async ({ files, run, offered }) => {
    await files.put("default", "data/model", bytes("version one"));
    const look = (text: string) => {
      const script = new WasiScript();
      script.sizes("faasm://data/model", text.length);
      script.reads(script.open("faasm://data/model", 0, { rights: READ }), 0, text);
      script.reads(script.open("faasm:/data/model", 0, { rights: READ }), 0, text);
      return script;
    };
    await Promise.all(Array.from({ length: 20 }, () => run(look("version one"))));
    assert.equal(offered(), 1);
    await files.put("default", "data/model", bytes("version two!"));
    await run(look("version two!"));
    assert.equal(offered(), 2);
    await files.delete("default", "data/model");
    const gone = new WasiScript();
    gone.open("faasm://data/model", ERRNO.NOENT);
    await run(gone);
  });
});

Deno.test("faasm:// is the call's own to write to, and no way out of the shared files", async () => {
  await withShared(async ({ files, run }) => {
    await files.put("default", "x", bytes("shared"));
    const write = new WasiScript();
    const fd = write.open("faasm://x", 0);
    write.write(fd, "MINE");
    write.reads(fd, 0, "MINEed");
    write.open("faasm://new", 0, { how: CREATE });
    write.step(["path_unlink_file", ROOT, ...write.put("faasm:/x")], 0);
    await run(write);
    const next = new WasiScript();
    next.reads(next.open("faasm://x", 0, { rights: READ }), 0, "shared");
    next.open("faasm://new", ERRNO.NOENT);
    next.open("faasm://../x", ERRNO.NOENT);
    next.open("faasm://./x", 0, { rights: READ });
    next.open("faasm://", 0, { rights: 0n });
    next.open("faasm:", 0, { rights: 0n });
    next.open("faasm:x", ERRNO.NOENT);
    next.open("faasm://x/y", ERRNO.NOTDIR);
    next.open(`faasm://${"y".repeat(300)}`, ERRNO.NAMETOOLONG);
    await run(next);
    assert.deepEqual(await files.list("default"), [await files.find("default", "x")]);
  });
});

Deno.test("faaslet file puts, gets, lists and removes what a function on the host opens", async () => {
  using scratch = new Scratch();
  await using host = await RealHost.start(`${scratch.path}/data`);
  const source = scratch.write("source", "hello shared");
  const ask = async (...words: string[]) => {
    const ran = await faaslet(["file", ...words, "-g", host.url]);
    return [ran.code, ran.stdout] as const;
  };
  assert.equal((await ask("put", "a b/ü", source, "-o", "name"))[0], 0);
  assert.deepEqual(await ask("get", "a b/ü"), [0, "hello shared"]);
  assert.deepEqual(await ask("list", "a", "-o", "name"), [0, "a b/ü\n"]);
  assert.equal((await ask("get", "none"))[0], 3);
  assert.equal((await ask("put", "../x", source))[0], 2);
  const raw = await fetch(`${host.url}/v1/files/x`, { method: "PUT", body: "1" });
  assert.equal(raw.status, 201);
  const etag = raw.headers.get("etag")!;
  await raw.body?.cancel();
  const same = await fetch(`${host.url}/v1/files/x`, { headers: { "if-none-match": etag } });
  assert.equal(same.status, 304);
  const faasm = await fetch(`${host.url}/file`, { headers: { FilePath: "a%20b" } });
  assert.equal(faasm.status, 404);
  await faasm.body?.cancel();
  const wrong = await fetch(`${host.url}/v1/files/a%2F%2E%2E%2Fb`, { method: "PUT", body: "1" });
  assert.equal(wrong.status, 400);
  await wrong.body?.cancel();
  const form = new FormData();
  form.append("module", new Blob([probe() as Uint8Array<ArrayBuffer>]));
  assert.equal((await fetch(`${host.url}/v1/functions/probe`, { method: "PUT", body: form })).status, 201);
  const script = scriptOf([["path_open", ROOT, 0, 0x80000, 14, 0, READ, 0, 0, 0x100]], bytes("faasm://a b/ü"));
  const answer = await fetch(`${host.url}/function/probe`, { method: "POST", body: script as Uint8Array<ArrayBuffer> });
  const opened = await answer.bytes();
  assert.deepEqual(resultsOf(opened), [0n], new TextDecoder().decode(opened));
  assert.equal((await ask("rm", "a b/ü"))[0], 0);
  assert.deepEqual(await ask("list", "-o", "name"), [0, "x\n"]);
});
