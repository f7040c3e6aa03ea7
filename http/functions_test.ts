import assert from "node:assert/strict";
import { type ErrorCode, ERRORS, FaasletError } from "../errors.ts";
import { HOST_LIMITS, MODULE_LIMITS } from "../limits.ts";
import type { DeployResult } from "../runtime/mod.ts";
import { settle, setUp } from "./_fakes.ts";

const WASM = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

function upload(over: RequestInit = {}): RequestInit {
  return { method: "PUT", body: WASM, headers: { "content-type": "application/wasm" }, ...over };
}

async function assertProblem(response: Response, code: ErrorCode): Promise<{ detail: string; details?: string[] }> {
  assert.equal(response.status, ERRORS[code].status);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const problem = await response.json();
  assert.equal(problem.code, code);
  return problem;
}

Deno.test("PUT hands module, settings and files to the registry and says what became of them", async () => {
  const { registry, send } = setUp();
  const created = await send("/v1/functions/hello", upload());
  assert.deepEqual([created.status, created.headers.get("location")], [201, "/v1/functions/hello"]);
  assert.match(created.headers.get("etag")!, /^"1-d{32}-[0-9a-z]+"$/);
  const { outcome, function: record } = await created.json();
  assert.deepEqual([outcome, record.name, record.version], ["created", "hello", 1]);
  assert.deepEqual(registry.deploys[0], {
    tenant: "default",
    name: "hello",
    dryRun: false,
    wasm: WASM,
    settings: {},
    files: [],
  });

  const form = new FormData();
  form.append("module", new File([WASM], "m.wasm"));
  form.append("settings", '{"timeoutMs":5}');
  form.append("file", new File(["x"], "/a"));
  const updated = await send("/v1/functions/hello", { method: "PUT", body: form });
  assert.deepEqual([updated.status, (await updated.json()).outcome], [200, "updated"]);
  const [, second] = registry.deploys;
  assert.deepEqual([second!.settings, second!.files[0]!.path], [{ timeoutMs: 5 }, "/a"]);
});

Deno.test("PUT takes a body without a type for a module, as curl -T sends it", async () => {
  const { registry, send } = setUp();
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(WASM);
      controller.close();
    },
  });
  assert.equal((await send("/v1/functions/hello", { method: "PUT", body })).status, 201);
  assert.deepEqual(registry.deploys[0]!.wasm, WASM);
});

Deno.test("PUT with dryRun stores nothing and names no address", async () => {
  const { registry, send } = setUp();
  for (const query of ["dryRun=1", "dryRun=true", "dryRun"]) {
    const response = await send(`/v1/functions/hello?${query}`, upload());
    assert.equal(response.status, 200);
    assert.deepEqual([response.headers.get("etag"), response.headers.get("location")], [null, null]);
    assert.equal((await response.json()).outcome, "dry-run");
  }
  assert.deepEqual(registry.deploys.map(({ dryRun }) => dryRun), [true, true, true]);
  assert.equal((await send("/v1/functions/hello")).status, 404);
  assert.equal((await send("/v1/functions/hello?dryRun=0", upload())).status, 201);
  await assertProblem(await send("/v1/functions/hello?dryRun=maybe", upload()), "ERR_REQUEST_INVALID");
});

Deno.test("PUT passes on every code that an upload is refused with, and all of its details", async () => {
  const { registry, send } = setUp();
  const codes = Object.keys(ERRORS) as ErrorCode[];
  for (const code of codes.filter((code) => code !== "ERR_BUG")) {
    registry.refuse = new FaasletError(code, "cannot take it", { details: ["one", "two"] });
    const problem = await assertProblem(await send("/v1/functions/hello", upload()), code);
    assert.deepEqual([problem.detail, problem.details], ["cannot take it", ["one", "two"]]);
  }
});

Deno.test("PUT tells a fault of ours to the log and not to the client", async () => {
  const { registry, errors, send } = setUp();
  registry.refuse = new TypeError("secret path");
  const problem = await assertProblem(await send("/v1/functions/hello", upload()), "ERR_BUG");
  assert.equal(JSON.stringify(problem).includes("secret"), false);
  assert.deepEqual(errors, [{ thrown: registry.refuse }]);
});

Deno.test("PUT refuses other types, bodies over the limit, and new functions while the host shuts down", async () => {
  const { registry, dispatcher, send } = setUp();
  await assertProblem(
    await send("/v1/functions/hello", upload({ headers: { "content-type": "text/plain" } })),
    "ERR_MODULE_FORMAT",
  );
  const headers = { "content-type": "application/wasm", "content-length": String(MODULE_LIMITS.bytesMax + 1) };
  await assertProblem(await send("/v1/functions/hello", upload({ headers })), "ERR_REQUEST_TOO_LARGE");
  void dispatcher.drain();
  const refused = await send("/v1/functions/hello", upload());
  assert.equal(refused.headers.get("retry-after"), "1");
  await assertProblem(refused, "ERR_DRAINING");
  assert.equal(registry.deploys.length, 0);
});

Deno.test("PUT bounds the deploys that run at once, and their bytes are gone when they are over", async () => {
  const { registry, send } = setUp();
  const ends: (() => void)[] = [];
  registry.deploy = () =>
    new Promise<DeployResult>((_, reject) => ends.push(() => reject(new FaasletError("ERR_COMPILE", "no"))));
  const running = Array.from({ length: HOST_LIMITS.deploysMax }, (_, at) => send(`/v1/functions/f${at}`, upload()));
  await settle();
  assert.equal(ends.length, HOST_LIMITS.deploysMax);
  assert.match(
    await (await send("/metrics")).text(),
    new RegExp(`^faaslet_request_body_bytes ${8 * ends.length}$`, "m"),
  );
  await assertProblem(await send("/v1/functions/more", upload()), "ERR_CAPACITY");
  ends.splice(0).forEach((end) => end());
  for (const response of await Promise.all(running)) await assertProblem(response, "ERR_COMPILE");
  assert.match(await (await send("/metrics")).text(), /^faaslet_request_body_bytes 0$/m);
  const next = send("/v1/functions/more", upload());
  await settle();
  ends[0]!();
  await assertProblem(await next, "ERR_COMPILE");
});

Deno.test("GET describes the live version, once for each ETag", async () => {
  const { registry, send } = setUp();
  const record = registry.add("hello");
  const response = await send("/v1/functions/hello");
  const etag = response.headers.get("etag")!;
  assert.deepEqual([response.status, await response.json()], [200, record]);
  for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
    const same = await send("/v1/functions/hello", { headers: { "if-none-match": tags } });
    assert.deepEqual([same.status, same.headers.get("etag"), await same.text()], [304, etag, ""], tags);
  }
  const other = await send("/v1/functions/hello", { headers: { "if-none-match": '"other"' } });
  assert.equal(other.status, 200);
  await other.body?.cancel();
});

Deno.test("GET has another ETag for another version, digest or creation", async () => {
  const { registry, send } = setUp();
  const record = registry.add("hello");
  const versions = [
    record,
    { ...record, version: 4 },
    { ...record, report: { ...record.report, digest: "e".repeat(64) } },
    { ...record, createdAt: "2026-01-02T03:04:06.000Z" },
  ];
  const tags = new Set<string | null>();
  for (const version of versions) {
    registry.functions.set("default/hello", { functionId: 9, record: version });
    tags.add((await send("/v1/functions/hello", { method: "HEAD" })).headers.get("etag"));
  }
  assert.equal(tags.size, versions.length);
});

Deno.test("GET lists the functions in short", async () => {
  const { registry, send } = setUp();
  assert.deepEqual(await (await send("/v1/functions")).json(), { functions: [] });
  registry.add("a");
  registry.add("b", {}, "command");
  const { functions } = await (await send("/v1/functions")).json();
  assert.deepEqual(functions[1], {
    tenant: "default",
    name: "b",
    version: 3,
    digest: "d".repeat(64),
    bytes: 8,
    style: "command",
    createdAt: "2026-01-02T03:04:05.000Z",
  });
  assert.equal(functions.length, 2);
});

Deno.test("DELETE removes a function and its counters, once", async () => {
  const { registry, dispatcher, send } = setUp();
  registry.add("hello");
  await send("/function/hello");
  assert.equal(dispatcher.stats().functions.has("default/hello"), true);
  const removed = await send("/v1/functions/hello", { method: "DELETE" });
  assert.deepEqual([removed.status, await removed.text()], [204, ""]);
  assert.equal(dispatcher.stats().functions.has("default/hello"), false);
  await assertProblem(await send("/v1/functions/hello", { method: "DELETE" }), "ERR_NOT_FOUND");
  await assertProblem(await send("/function/hello"), "ERR_NOT_FOUND");
});

Deno.test("versions are listed, and rolled back to by number or by one", async () => {
  const { registry, send } = setUp();
  registry.add("hello");
  assert.deepEqual((await (await send("/v1/functions/hello/versions")).json()).versions.length, 1);
  await assertProblem(await send("/v1/functions/nothing/versions"), "ERR_NOT_FOUND");
  const rollback = (body?: string) => send("/v1/functions/hello/rollback", { method: "POST", ...(body && { body }) });
  const back = await rollback();
  assert.deepEqual([back.status, (await back.json()).version], [200, 2]);
  assert.equal((await (await rollback('{"version":7}')).json()).version, 7);
  for (const body of ['{"version":0}', '{"version":"1"}', '{"versoin":1}', "[]", "x", "null"]) {
    await assertProblem(await rollback(body), "ERR_REQUEST_INVALID");
  }
  registry.refuse = new FaasletError("ERR_CONFLICT", "nothing before it");
  await assertProblem(await rollback(), "ERR_CONFLICT");
});

Deno.test("PATCH changes settings", async () => {
  const { registry, send } = setUp();
  registry.add("hello");
  const answer = await send("/v1/functions/hello", { method: "PATCH", body: '{"timeoutMs":5}' });
  assert.equal(answer.status, 200);
  const { outcome, function: record } = await answer.json();
  assert.deepEqual([outcome, record.settings.timeoutMs], ["updated", 5]);
  assert.match(answer.headers.get("etag")!, /^"4-/);
});
