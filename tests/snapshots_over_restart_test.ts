/**
 * Goal: a host that starts again serves every function from its Proto-Faaslet: no initialiser runs, nothing is compiled.
 * Method: hosts in processes of their own, killed; initialisers that draw a number, in C with all that a Proto-Faaslet holds
 * and in Go.
 */
import assert from "node:assert/strict";
import { tryTool } from "../cli/build/mod.ts";
import { buildC, buildLibrary } from "./support/c.ts";
import { DYNAMIC } from "./support/c_flags.ts";
import { optionalTest } from "./support/optional.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

const UTF8 = new TextEncoder();

interface Deploy {
  readonly module: Uint8Array;
  readonly settings?: Record<string, unknown>;
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

async function deploy(host: RealHost, name: string, { module, settings = {}, files = {} }: Deploy): Promise<void> {
  const form = new FormData();
  form.append("module", new File([new Uint8Array(module)], "module.wasm"));
  form.append("settings", JSON.stringify(settings));
  for (const [path, bytes] of Object.entries(files)) form.append("file", new File([new Uint8Array(bytes)], path));
  const answer = await fetch(`${host.url}/v1/functions/${name}`, { method: "PUT", body: form });
  assert.ok(answer.ok, await answer.text());
}

async function call(host: RealHost, name: string): Promise<string> {
  const answer = await fetch(`${host.url}/function/${name}`, { method: "POST" });
  const said = await answer.text();
  assert.equal(answer.status, 200, said);
  return said;
}

async function metric(host: RealHost, name: string): Promise<number> {
  const text = await (await fetch(`${host.url}/metrics`)).text();
  return Number(new RegExp(`^faaslet_${name} (\\d+)$`, "m").exec(text)![1]);
}

/** Until the function's snapshot is in the store. */
async function stored(host: RealHost, name: string): Promise<void> {
  await until(async () => {
    const { snapshot } = await (await fetch(`${host.url}/v1/functions/${name}`)).json();
    return snapshot?.storedBytes > 0;
  }, "the snapshot is stored");
}

/** The function of one host, killed when its snapshot is stored, and what it says to the next hosts. */
async function restarted(name: string, deployed: Deploy, body: (host: RealHost, said: string) => Promise<void>) {
  using scratch = new Scratch();
  let said: string;
  {
    await using host = await RealHost.start(scratch.path);
    await deploy(host, name, deployed);
    said = await call(host, name);
    await stored(host, name);
    host.kill("SIGKILL");
    await host.ended();
  }
  await using host = await RealHost.start(scratch.path);
  assert.equal(await call(host, name), said, "the same drawn number: no initialiser ran");
  assert.equal(await metric(host, "snapshots_loaded_total"), 1);
  assert.equal(await metric(host, "compilations_total"), 0);
  await body(host, said);
  assert.equal(await metric(host, "snapshots_refused_total") + await metric(host, "snapshots_failed_total"), 0);
  await host.stop();
}

Deno.test("a killed host's C function with globals, function pointers, files and a library comes back without its initialiser", async () => {
  const files = {
    "/data/changed": UTF8.encode("before"),
    "/data/kept": UTF8.encode("kept"),
    "/data/moved": UTF8.encode("moved"),
    "/data/removed": UTF8.encode("removed"),
    // Not in the order of their paths: a restarted host reads them in another.
    "/a": UTF8.encode("last"),
    "/lib/libcounter.so": await buildLibrary("libraries/counter.c"),
  };
  const module = await buildC("snapshot.c", DYNAMIC);
  await restarted("full", { module, files }, async (host, said) => {
    assert.match(said, /^[0-9a-f]{16} 1 42 7\nthe initialiser \/work links 2 counter 1006\n/);
    assert.equal(await call(host, "full"), said);
    await deploy(host, "full", { module, files, settings: { environment: { A: "1" } } });
    const other = await call(host, "full");
    assert.notEqual(other.slice(0, 16), said.slice(0, 16), "what another environment gave is another snapshot");
    assert.equal(other.slice(16), said.slice(16));
    await stored(host, "full");
    assert.ok(await metric(host, "snapshot_bytes") > 0);
    assert.equal((await fetch(`${host.url}/v1/functions/full`, { method: "DELETE" })).status, 204);
    assert.equal(await metric(host, "snapshot_bytes"), 0, "its pieces are reclaimed");
  });
});

const GO = `package main

import (
	"crypto/rand"
	"fmt"
	"os"
)

var drawn [8]byte
var squares = map[string]int{}
var made string

func init() {
	rand.Read(drawn[:])
	for n := range 5000 {
		squares[fmt.Sprint(n)] = n * n
	}
	os.WriteFile("/made", []byte("by init"), 0o644)
}

//go:wasmexport __main_void
func answer() int32 {
	made, err := os.ReadFile("/made")
	fmt.Printf("%x %d %s %v\\n", drawn, squares["4321"], made, err)
	return 0
}

func main() {}
`;

const noGo = await tryTool("go", ["version"]) === undefined ? "no go on the PATH" : undefined;

optionalTest("a killed host's Go function comes back with what its init() left", noGo, async () => {
  using scratch = new Scratch();
  const source = scratch.write("drawn.go", UTF8.encode(GO));
  const target = `${scratch.path}/drawn.wasm`;
  const environment = { GOOS: "wasip1", GOARCH: "wasm", GOFLAGS: "", GOWORK: "off" };
  const built = await tryTool("go", ["build", "-buildmode=c-shared", "-o", target, source], { environment });
  assert.ok(built?.isOk, built?.words);
  await restarted("drawn", { module: await Deno.readFile(target) }, (_, said) => {
    assert.match(said, /^[0-9a-f]{16} 18671041 by init <nil>\n$/);
    return Promise.resolve();
  });
});
