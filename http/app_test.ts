import assert from "node:assert/strict";
import { ERRORS } from "../errors.ts";
import { setUp } from "./_fakes.ts";

Deno.test("a path that is not there answers 404, one with other methods 405 and which", async () => {
  const { send } = setUp();
  for (const path of ["/", "/nothing", "/function", "/functions/hello", "/v1/functions/a/b/c/d/", "/v1"]) {
    const response = await send(path, { method: "POST" });
    assert.deepEqual([response.status, (await response.json()).code], [404, "ERR_NOT_FOUND"], path);
  }
  const allowed = [
    ["POST", "/v1/functions", "GET, HEAD"],
    ["POST", "/v1/functions/hello", "DELETE, GET, HEAD, PATCH, PUT"],
    ["OPTIONS", "/v1/functions/hello", "DELETE, GET, HEAD, PATCH, PUT"],
    ["PUT", "/healthz", "GET, HEAD"],
    ["DELETE", "/metrics", "GET, HEAD"],
  ] as const;
  for (const [method, path, methods] of allowed) {
    const response = await send(path, { method });
    assert.deepEqual([response.status, response.headers.get("allow")], [405, methods], `${method} ${path}`);
    assert.equal((await response.json()).code, "ERR_METHOD");
  }
});

Deno.test("a request that names another host is answered 421, whatever it asks for", async () => {
  const { app, registry, group } = setUp();
  registry.add("echo");
  for (const path of ["/function/echo", "/v1/functions", "/livez", "/"]) {
    const request = new Request(`http://evil.example:8080${path}`);
    const response = await app.handler(request, { remoteAddr: { hostname: "127.0.0.1" } });
    assert.deepEqual([response.status, (await response.json()).code], [421, "ERR_HOST_HEADER"]);
  }
  assert.equal(group.requests.length, 0);
});

Deno.test("the health resources say whether the host lives, takes calls, and how it does", async () => {
  const { clock, dispatcher, group, registry, send } = setUp();
  registry.add("slow");
  let end!: () => void;
  group.respond = () => new Promise((resolve) => end = () => resolve({}));
  const call = send("/function/slow");
  clock.nowMs = 2_500;
  for (const path of ["/livez", "/readyz"]) assert.equal(await (await send(path)).text(), "ok\n");
  const expected = { status: "ok", version: "1.2.3", uptimeSeconds: 2, running: 0, queued: 0 };
  await Promise.resolve();
  assert.deepEqual(await (await send("/healthz")).json(), { ...expected, running: 1 });
  const drained = dispatcher.drain();
  assert.equal((await send("/livez")).status, 200);
  const ready = await send("/readyz");
  assert.deepEqual([ready.status, ready.headers.get("retry-after")], [503, "1"]);
  assert.equal((await ready.json()).code, "ERR_DRAINING");
  assert.equal((await (await send("/healthz")).json()).status, "draining");
  end();
  await drained;
  assert.equal((await call).status, 200, "a call that was accepted gets its answer");
});

Deno.test("every error code is explained where a problem document points to", async () => {
  const { send } = setUp();
  const page = await (await send("/docs")).text();
  for (const [code, { title }] of Object.entries(ERRORS)) {
    assert.ok(page.includes(`<tr id="${code}"><td><code>${code}</code>`), code);
    assert.ok(page.includes(title.replaceAll("'", "&#39;")), code);
  }
});
