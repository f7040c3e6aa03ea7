import assert from "node:assert/strict";
import { KvGlobalTier, openKv } from "../state/mod.ts";
import { setUp } from "./_fakes.ts";

const UTF8 = new TextEncoder();

Deno.test("OpenFaaS: functions are listed, described and removed as its client asks for it", async () => {
  const { send, registry } = setUp();
  registry.add("hello", { environment: { A: "1" } });
  await send("/function/hello.openfaas-fn", { method: "POST", body: "x" });
  for (const query of ["", "?namespace=", "?namespace=openfaas-fn"]) {
    const [listed] = await (await send(`/system/functions${query}`)).json();
    assert.deepEqual([listed.name, listed.namespace, listed.invocationCount], ["hello", "openfaas-fn", 1], query);
    assert.deepEqual([listed.replicas, listed.availableReplicas, listed.envVars], [1, 1, { A: "1" }]);
  }
  assert.deepEqual(await (await send("/system/functions?namespace=other")).json(), []);
  const described = await (await send("/system/function/hello?namespace=openfaas-fn")).json();
  assert.equal(described.image, `sha256:${"d".repeat(64)}`);
  assert.equal((await send("/system/function/nothing")).status, 404);
  assert.deepEqual(await (await send("/system/namespaces")).json(), ["openfaas-fn"]);
  assert.equal((await (await send("/system/info")).json()).provider.provider, "faaslet");
  const remove = (body: unknown) => send("/system/functions", { method: "DELETE", body: JSON.stringify(body) });
  assert.equal((await remove({ functionName: "nothing" })).status, 404);
  assert.equal((await remove({ functionName: "../x" })).status, 400);
  assert.equal((await remove({ functionName: "hello", namespace: "openfaas-fn" })).status, 202);
  assert.equal((await send("/function/hello")).status, 404);
});

Deno.test("OpenFaaS: a failed call is no success, and one by their namespace is one of the default tenant", async () => {
  const { send, registry, group } = setUp();
  registry.add("hello");
  const ok = await send("/function/hello.openfaas-fn", { method: "POST", body: "x" });
  assert.deepEqual([ok.status, await ok.text()], [200, "x"]);
  assert.equal((await send("/async-function/hello.openfaas-fn", { method: "POST", body: "x" })).status, 202);
  group.respond = () => ({ status: "guest-error", returnValue: 3 });
  assert.equal((await send("/function/hello.openfaas-fn", { method: "POST" })).status, 502);
  assert.equal((await send("/system/scale-function/nothing", { method: "POST", body: '{"replicas":1}' })).status, 404);
  registry.asleep.set("default/hello", registry.live("default", "hello")!);
  assert.equal((await send("/system/scale-function/hello", { method: "POST", body: '{"replicas":1}' })).status, 202);
});

Deno.test("OpenFaaS: logs are documents in lines, with the members that its client shows", async () => {
  const { send, registry, group } = setUp();
  registry.add("talk");
  group.respond = () => ({ stdout: UTF8.encode("one\ntwo\n"), stdoutBytes: 8 });
  await send("/function/talk");
  const answer = await send("/system/logs?name=talk&follow=false&tail=-1&since=");
  assert.equal(answer.headers.get("content-type"), "application/x-ndjson");
  const lines = (await answer.text()).trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ name, text }) => [name, text]), [["talk", "one"], ["talk", "two"]]);
  assert.deepEqual(Object.keys(lines[0]).sort(), ["instance", "name", "namespace", "text", "timestamp"]);
  assert.equal((await send("/system/logs?name=nothing")).status, 404);
});

Deno.test("FAASM: a module is uploaded for its user, whatever type is said of it", async () => {
  const { send, registry } = setUp();
  const body = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await send("/f/demo/hello", { method: "PUT", body, headers });
  assert.deepEqual([answer.status, await answer.text()], [200, "created demo/hello, version 1\n"]);
  assert.deepEqual([registry.deploys[0]!.tenant, registry.deploys[0]!.wasm], ["demo", body]);
  assert.equal((await send("/f/demo/NOT_A_NAME", { method: "PUT", body })).status, 400);
});

Deno.test("FAASM: a value of state is written and read for its user", async () => {
  const kv = await openKv(":memory:");
  const state = new KvGlobalTier({ kv });
  const { send, app } = setUp({}, {}, { state });
  const put = (path: string, body: string | Uint8Array<ArrayBuffer>) => send(path, { method: "PUT", body });
  const large = new Uint8Array(300_000).map((_, at) => at % 251);
  const written = await put("/s/demo/model", large);
  assert.deepEqual([written.status, await written.text()], [200, "wrote demo/model, 300000 bytes\n"]);
  const read = await send("/s/demo/model");
  assert.equal(read.headers.get("content-length"), "300000");
  assert.deepEqual(await read.bytes(), large);
  assert.deepEqual((await state.get({ tenant: "demo", key: "model" }))?.bytes, large, "a user is a tenant");
  assert.equal((await send("/s/other/model")).status, 404);
  assert.equal((await put("/s/demo/a%20b/c", "")).status, 200);
  assert.deepEqual(await (await send("/s/demo/a%20b%2Fc")).text(), "", "a slash needs no escape");
  for (const path of ["/s/NOBODY!/k", "/s/demo/%ff", "/s/demo/a%0ab", "/s/demo/a/%2e%2e%2fb"]) {
    assert.equal((await put(path, "x")).status, 400, path);
    assert.equal((await send(path)).status, 400, path);
  }
  assert.equal((await send("/s/demo/model", { method: "DELETE" })).status, 405);
  app.close();
  await state.close();
  kv.close();
});
