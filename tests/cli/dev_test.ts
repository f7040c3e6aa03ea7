/**
 * Goal: whoever writes a function sees it live after each save, and what is wrong with it where it is not. Method: `dev` as a
 * process whose output is read as it comes, files that change under it, calls over HTTP; stopped by the signal of Ctrl-C.
 */
import assert from "node:assert/strict";
import { spawnFaaslet } from "../support/cli.ts";
import { assemble } from "../support/guests.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";
import { until } from "../support/until.ts";

/** Under load a packaged clang takes its time. */
const PATIENCE_MS = 60_000;

/** A running `dev`; `await using` kills it. */
class Dev implements AsyncDisposable {
  stdout = "";
  stderr = "";
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;

  constructor(words: readonly string[], directory: string, temporary?: string) {
    const environment: Record<string, string> = { FAASLET_URL: "" };
    if (temporary !== undefined) environment.TMPDIR = temporary;
    this.#child = spawnFaaslet(["dev", ...words], { directory, environment });
    this.#reading = Promise.all([
      read(this.#child.stdout, (text) => this.stdout += text),
      read(this.#child.stderr, (text) => this.stderr += text),
    ]);
  }

  async says(pattern: RegExp): Promise<void> {
    await until(() => pattern.test(this.stderr), `dev says ${pattern}`, PATIENCE_MS).catch((cause) => {
      throw new Error(`${this.stderr}\n${this.stdout}`, { cause });
    });
  }

  async interrupt(): Promise<number> {
    this.#child.kill("SIGINT");
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    await this.#reading;
  }
}

async function read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}

/** A command that writes a text to both of its streams. */
function says(text: string): Uint8Array {
  const bytes = text.length;
  return assemble(`(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\10\\00\\00\\00\\${bytes.toString(16).padStart(2, "0")}\\00\\00\\00")
    (data (i32.const 16) "${text.replaceAll("\n", "\\0a")}")
    (func (export "_start")
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))))`);
}

async function answer(url: string): Promise<string> {
  return await (await fetch(url, { method: "POST" })).text();
}

Deno.test("dev swaps a changed program, keeps the old one when the new is wrong, and stops the host it started", async () => {
  using place = new Scratch();
  const path = place.write("work/talk.wasm", says("one\n"));
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const gateway = `http://127.0.0.1:${listener.addr.port}`;
  listener.close();
  await using dev = new Dev(["talk.wasm", "-g", gateway, "--host-data", `${place.path}/data`], `${place.path}/work`);
  await dev.says(/^created talk, version 1, in \d+\.\d\d s: http.*\/function\/talk$/m);
  assert.match(dev.stderr, /^started a host at /m);
  const url = `${gateway}/function/talk`;
  assert.equal(await answer(url), "one\n");
  await until(() => dev.stdout.includes("stderr: one\n"), "the call's log is shown");

  // As editors do it: another file takes its place.
  place.write("work/.talk.tmp", says("two\n"));
  Deno.renameSync(`${place.path}/work/.talk.tmp`, path);
  await until(async () => await answer(url) === "two\n", "the changed program answers", PATIENCE_MS);
  await dev.says(/^updated talk, version 2,/m);

  place.write("work/talk.wasm", "no module");
  await dev.says(/^error: talk: .*\(ERR_MODULE_\w+\)\n(.*\n)*version 2 of talk stays live$/m);
  assert.equal(await answer(url), "two\n");
  place.write("work/talk.wasm", says("three\n"));
  await until(async () => await answer(url) === "three\n", "the mended program answers", PATIENCE_MS);
  await dev.says(/^updated talk, version 3,/m);

  assert.equal(await dev.interrupt(), 0);
  assert.match(dev.stderr, /^talk stays deployed\nstopping the host\n$/m);
  await assert.rejects(fetch(url), TypeError, "the host is gone");
});

Deno.test("dev builds C again when the source or a header beside it changes, and shows what the compiler says", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  Deno.mkdirSync(`${place.path}/tmp`);
  place.write("work/value.h", "#define VALUE 1\n");
  const source = (rest: string) =>
    `#include <stdio.h>\n#include "value.h"\nint main(void) { printf("%d", VALUE${rest}); return 0; }\n`;
  place.write("work/value.c", source(""));
  await using dev = new Dev(["value.c", "-g", host.url], `${place.path}/work`, `${place.path}/tmp`);
  await dev.says(/^created value, version 1,/m);
  assert.doesNotMatch(dev.stderr, /started a host/);
  const url = `${host.url}/function/value`;
  assert.equal(await answer(url), "1");
  place.write("work/value.h", "#define VALUE 2\n");
  await until(async () => await answer(url) === "2", "the header counts", PATIENCE_MS);
  place.write("work/value.c", source(" + nothing"));
  await dev.says(
    /^error: value: cannot build: clang failed \(ERR_TOOLCHAIN\)\n {2}- value\.c:3:\d+: error: .*'nothing'/m,
  );
  await dev.says(/^version 2 of value stays live$/m);
  assert.equal(await answer(url), "2");
  place.write("work/value.c", source(" + 1"));
  await until(async () => await answer(url) === "3", "the mended source counts", PATIENCE_MS);
  await dev.says(/^updated value, version 3,/m);
  assert.equal(await dev.interrupt(), 0);
  assert.deepEqual([...Deno.readDirSync(`${place.path}/tmp`)], [], "nothing is left of the builds");
  assert.equal(await answer(url), "3", "a host that was there before goes on");
});

Deno.test("dev follows a project: its file, its functions' sources and files, in lines of JSON", async () => {
  using place = new Scratch();
  await using host = await RealHost.start(`${place.path}/data`);
  place.write("work/a.wasm", says("a\n"));
  place.write("work/b.wasm", says("b\n"));
  const toml = (more: string) =>
    `gateway = "${host.url}"\n[functions.dev-a]\nsource = "a.wasm"\n${more}\n[functions.dev-b]\nsource = "b.wasm"\n`;
  place.write("work/faaslet.toml", toml(""));
  await using dev = new Dev(["--json"], `${place.path}/work`);
  const events = () => dev.stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  const saw = (event: string, name: string, version: number) =>
    until(
      () => events().some((one) => one.event === event && one.name === name && one.version === version),
      `${event} ${name} ${version} is told`,
      PATIENCE_MS,
    );
  await saw("created", "dev-a", 1);
  await saw("created", "dev-b", 1);
  place.write("work/b.wasm", says("bb\n"));
  await saw("updated", "dev-b", 2);
  place.write("work/faaslet.toml", toml(`timeout = "1x"`));
  await until(() => events().some(({ error }) => error?.code === "ERR_USAGE"), "a mistake is told", PATIENCE_MS);
  place.write("work/faaslet.toml", toml(`timeout = "3s"`));
  await saw("updated", "dev-a", 2);
  const { settings } = await (await fetch(`${host.url}/v1/functions/dev-a`)).json();
  assert.equal(settings.timeoutMs, 3_000);
  assert.equal(await answer(`${host.url}/function/dev-b`), "bb\n");
  await until(
    () => events().some(({ event, function: name, text }) => event === "log" && name === "dev-b" && text === "bb"),
    "the log is told",
  );
  assert.equal(await dev.interrupt(), 0);
});
