import assert from "node:assert/strict";
import { type ErrorCode, ERRORS, FaasletError } from "../errors.ts";
import type { CallOutcome } from "../runtime/mod.ts";
import { settle, setUp } from "./_fakes.ts";
import { parseTarget } from "./call.ts";
import type { Problem } from "./problem.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The problem document of an answer, checked for what every one has. */
async function problemOf(response: Response, code: ErrorCode): Promise<Problem> {
  const problem = await response.json() as Problem;
  const { status, title } = ERRORS[code];
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  assert.deepEqual([problem.code, problem.status, problem.title, problem.type], [code, status, title, `/docs#${code}`]);
  assert.equal(response.status, status);
  assert.ok(problem.detail.length > 0);
  const isLater = status === 429 || status === 503;
  assert.equal(response.headers.has("retry-after"), isLater, "Retry-After goes with 429 and 503");
  return problem;
}

Deno.test("a call hands the raw body in and out, by any method", async () => {
  const { registry, group, send } = setUp();
  registry.add("echo");
  const body = new Uint8Array([0, 255, 13, 10, 128]);
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
    const response = await send("/function/echo", { method, body });
    assert.equal(response.status, 200);
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), body);
    assert.deepEqual(group.requests.at(-1)!.input, body);
  }
  for (const method of ["GET", "HEAD"]) assert.equal((await send("/function/echo", { method })).status, 200);
  assert.equal(group.requests.at(-1)!.input.length, 0);
});

Deno.test("an answer to a call says which call, version and start it was and how long it took", async () => {
  const { registry, group, send } = setUp();
  registry.add("echo");
  group.respond = () => ({ start: "proto", queueUs: 1, startUs: 20, execUs: 3_456 });
  const { headers } = await send("/function/echo", { method: "POST", body: "x" });
  const callId = headers.get("x-call-id")!;
  assert.match(callId, UUID_V7);
  assert.deepEqual(Object.fromEntries(headers), {
    "content-type": "application/octet-stream",
    "x-call-id": callId,
    "x-function-version": "3",
    "x-start": "proto",
    "x-duration-seconds": "0.000000",
    "server-timing": "queue;dur=0.001, start;dur=0.020, exec;dur=3.456",
  });
  assert.equal(group.requests[0]!.functionId, 9);
});

Deno.test("the content type is the setting's, else text from a command and bytes from all others", async () => {
  const { registry, send } = setUp();
  registry.add("plain");
  registry.add("command", {}, "command");
  registry.add("json", { contentType: "application/json" }, "command");
  const types = ["plain", "command", "json"].map(async (name) => {
    const response = await send(`/function/${name}`);
    return response.headers.get("content-type");
  });
  const expected = ["application/octet-stream", "text/plain; charset=utf-8", "application/json"];
  assert.deepEqual(await Promise.all(types), expected);
});

Deno.test("X-Start asks for a start, and nothing but a start", async () => {
  const { registry, group, send } = setUp();
  registry.add("echo");
  for (const start of ["cold", "proto", "warm"]) {
    await send("/function/echo", { headers: { "x-start": start } });
    assert.equal(group.requests.at(-1)!.start, start);
  }
  await send("/function/echo");
  assert.equal("start" in group.requests.at(-1)!, false);
  const refused = await send("/function/echo", { headers: { "x-start": "hot" } });
  await problemOf(refused, "ERR_REQUEST_INVALID");
});

Deno.test("the request becomes CGI variables, unless the function does without", async () => {
  const { registry, group, send } = setUp();
  registry.add("cgi");
  registry.add("plain", { cgi: false });
  await send("/function/cgi/a%20b?x=%20", {
    method: "PUT",
    body: "abc",
    headers: { "x-y": "z", "content-type": "a/b" },
  });
  assert.deepEqual(group.requests[0]!.environment, {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: "PUT",
    SCRIPT_NAME: "/function/cgi",
    PATH_INFO: "/a b",
    QUERY_STRING: "x=%20",
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_SOFTWARE: "faaslet",
    SERVER_NAME: "127.0.0.1",
    SERVER_PORT: "8080",
    REMOTE_ADDR: "127.0.0.9",
    CONTENT_TYPE: "a/b",
    CONTENT_LENGTH: "3",
    HTTP_X_Y: "z",
  });
  await send("/function/plain/a");
  assert.equal("environment" in group.requests[1]!, false);
});

/** How each end of a call looks from outside. */
const FAILURES: [string, Partial<CallOutcome>, ErrorCode, Partial<Problem>][] = [
  ["an error value", { status: "guest-error", returnValue: 7 }, "ERR_GUEST_EXIT", {
    detail: "the function returned 7",
    returnValue: 7,
  }],
  [
    "a trap",
    { status: "trap", error: { code: "ERR_GUEST_TRAP", message: "unreachable\n  0: inner (at 0x2a)\n  1: main" } },
    "ERR_GUEST_TRAP",
    {
      detail: "unreachable",
      details: ["0: inner (at 0x2a)", "1: main"],
    },
  ],
  [
    "a full stack",
    { status: "trap", error: { code: "ERR_GUEST_STACK", message: "call stack exhausted" } },
    "ERR_GUEST_STACK",
    {},
  ],
  [
    "a bad pointer",
    { status: "trap", error: { code: "ERR_GUEST_POINTER", message: "out of bounds" } },
    "ERR_GUEST_POINTER",
    {},
  ],
  ["misuse", { status: "trap", error: { code: "ERR_GUEST_MISUSE", message: "no such key" } }, "ERR_GUEST_MISUSE", {}],
  [
    "too much output",
    { status: "trap", error: { code: "ERR_OUTPUT_LIMIT", message: "too much" } },
    "ERR_OUTPUT_LIMIT",
    {},
  ],
  [
    "a deadline",
    { status: "timeout", error: { code: "ERR_CALL_TIMEOUT", message: "after 1 s" } },
    "ERR_CALL_TIMEOUT",
    {},
  ],
  [
    "a cancel",
    { status: "cancelled", error: { code: "ERR_CALL_CANCELLED", message: "so it was" } },
    "ERR_CALL_CANCELLED",
    {},
  ],
  ["no room", { status: "refused", error: { code: "ERR_CAPACITY", message: "no room" } }, "ERR_CAPACITY", {}],
  [
    "a lost worker",
    { status: "host-lost", error: { code: "ERR_WORKER_LOST", message: "gone" } },
    "ERR_WORKER_LOST",
    {},
  ],
  ["a status alone", { status: "trap" }, "ERR_GUEST_TRAP", {}],
];

for (const [what, outcome, code, expected] of FAILURES) {
  Deno.test(`a call that ends with ${what} answers ${ERRORS[code].status} ${code}`, async () => {
    const { registry, group, send } = setUp();
    registry.add("bad");
    group.respond = () => ({ output: encode("half an answer"), stderr: encode("what went wrong\n"), ...outcome });
    const response = await send("/function/bad");
    const { headers } = response;
    const problem = await problemOf(response, code);
    assert.equal(problem.callId, headers.get("x-call-id"));
    assert.equal(problem.stderr, "what went wrong\n");
    for (const [name, value] of Object.entries(expected)) assert.deepEqual(problem[name as keyof Problem], value);
    assert.equal(headers.get("x-return-value"), outcome.returnValue === undefined ? null : String(outcome.returnValue));
    for (const name of ["x-start", "x-function-version", "x-duration-seconds", "server-timing"]) {
      assert.ok(headers.has(name), name);
    }
  });
}

Deno.test("a failed call quotes the end of its standard error, which need not be text", async () => {
  const { registry, group, send } = setUp();
  registry.add("bad");
  group.respond = () => ({
    status: "guest-error",
    returnValue: 1,
    stderr: encode("\x00" + "é".repeat(5_000) + "the end"),
  });
  const { stderr } = await problemOf(await send("/function/bad"), "ERR_GUEST_EXIT");
  assert.ok(stderr!.endsWith("ééthe end") && stderr!.length <= 4_096);
  group.respond = () => ({ status: "guest-error", returnValue: 1 });
  assert.equal("stderr" in await problemOf(await send("/function/bad"), "ERR_GUEST_EXIT"), false);
});

Deno.test("a fault of ours answers 500, tells the log why and the client nothing", async () => {
  const { registry, group, errors, send } = setUp();
  registry.add("echo");
  group.respond = () => Promise.reject(new TypeError("secret path"));
  const fromGroup = await problemOf(await send("/function/echo"), "ERR_BUG");
  registry.live = () => {
    throw new TypeError("secret path");
  };
  const fromRegistry = await problemOf(await send("/function/echo"), "ERR_BUG");
  assert.equal(JSON.stringify([fromGroup, fromRegistry]).includes("secret"), false);
  assert.equal(errors.length, 2);
  assert.deepEqual(errors.map(({ callId }) => callId), [fromGroup.callId, fromRegistry.callId]);
  assert.deepEqual(errors.map((fields) => fields.function), ["echo", undefined]);
});

Deno.test("a call that cannot be made is refused with its id, and never runs", async () => {
  const { registry, group, dispatcher, send } = setUp();
  registry.add("echo", { inputBytes: 4 });
  const refusals: [string, RequestInit, ErrorCode][] = [
    ["/function/nobody", {}, "ERR_NOT_FOUND"],
    ["/function/echo.nobody", {}, "ERR_NOT_FOUND"],
    ["/function/Echo", {}, "ERR_NAME_INVALID"],
    ["/function/", {}, "ERR_NAME_INVALID"],
    ["/function/echo.", {}, "ERR_NAME_INVALID"],
    ["/function/echo/%ff", {}, "ERR_REQUEST_INVALID"],
    ["/function/echo", { method: "POST", body: "12345" }, "ERR_REQUEST_TOO_LARGE"],
    ["/function/echo", { headers: { "x-long": "x".repeat(70_000) } }, "ERR_REQUEST_TOO_LARGE"],
  ];
  for (const [path, init, code] of refusals) {
    const response = await send(path, init);
    const { headers } = response;
    const problem = await problemOf(response, code);
    assert.match(problem.callId!, UUID_V7);
    assert.equal(headers.get("x-call-id"), problem.callId);
    assert.ok(headers.has("x-duration-seconds"));
    assert.equal(
      headers.get("x-function-version"),
      path.startsWith("/function/echo/") || init.headers || init.body ? "3" : null,
    );
  }
  void dispatcher.drain();
  await problemOf(await send("/function/echo"), "ERR_DRAINING");
  assert.equal(group.requests.length, 0);
});

Deno.test("an unknown tenant and an unknown function look the same", async () => {
  const { send } = setUp();
  const [one, other] = [await send("/function/echo.acme"), await send("/function/echo")];
  assert.equal((await problemOf(one, "ERR_NOT_FOUND")).detail, (await problemOf(other, "ERR_NOT_FOUND")).detail);
});

Deno.test("a full queue answers 429 and when to come back", async () => {
  const { registry, group, send } = setUp();
  registry.add("slow", { concurrency: 1, queue: 1 });
  group.respond = () => ({ execUs: 3_000_000 });
  await send("/function/slow");
  const ends: (() => void)[] = [];
  group.respond = () => new Promise((resolve) => ends.push(() => resolve({})));
  const accepted = [send("/function/slow"), send("/function/slow")];
  await settle();
  const refused = await send("/function/slow");
  assert.equal(refused.headers.get("retry-after"), "7");
  assert.equal(refused.headers.has("x-start"), false, "it was not started");
  await problemOf(refused, "ERR_QUEUE_FULL");
  ends.shift()!();
  assert.equal((await accepted[0]!).status, 200);
  await settle();
  ends.shift()!();
  assert.equal((await accepted[1]!).status, 200);
});

Deno.test("a call runs the version that is live once its body is read", async () => {
  const { registry, group, send } = setUp();
  registry.add("echo");
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const body = new ReadableStream<Uint8Array>({ start: (it) => void (controller = it) });
  const pending = send("/function/echo", { method: "POST", body });
  await settle();
  const { record } = registry.functions.get("default/echo")!;
  registry.functions.set("default/echo", { functionId: 10, record: { ...record, version: 4 } });
  controller.close();
  assert.equal((await pending).headers.get("x-function-version"), "4");
  assert.equal(group.requests[0]!.functionId, 10);
});

Deno.test("a function that is not loaded yet is brought back by its first call", async () => {
  const { registry, send } = setUp();
  registry.add("late");
  registry.asleep.set("default/late", registry.functions.get("default/late")!);
  registry.functions.clear();
  assert.equal((await send("/function/late")).status, 200);
});

Deno.test("a client that goes away cancels its call, once somebody looks", async () => {
  for (const goesFirst of [true, false]) {
    const { registry, group, clock, send } = setUp();
    registry.add("slow");
    const client = new AbortController();
    group.respond = ({ id }) =>
      new Promise((resolve) =>
        group.onCancel = (cancelled) => {
          assert.equal(cancelled, id);
          resolve({ status: "cancelled", error: { code: "ERR_CALL_CANCELLED", message: "cancelled" } });
        }
      );
    const pending = send("/function/slow", { signal: client.signal });
    await settle();
    if (goesFirst) client.abort();
    assert.deepEqual(group.cancelled, []);
    // The first look only sees that it is there.
    clock.fire();
    clock.fire();
    client.abort();
    await problemOf(await pending, "ERR_CALL_CANCELLED");
    assert.deepEqual(group.cancelled.length, 1);
  }
});

Deno.test("a call that is over leaves no bytes, no timers and nothing to cancel", async () => {
  const { app, registry, group, clock, dispatcher, send } = setUp();
  registry.add("echo");
  const client = new AbortController();
  await send("/function/echo", { method: "POST", body: "x".repeat(1_000), signal: client.signal });
  group.respond = () => Promise.reject(new FaasletError("ERR_CAPACITY", "no room"));
  await send("/function/echo", { method: "POST", body: "x".repeat(1_000) });
  client.abort();
  clock.fire();
  assert.deepEqual([clock.timers.size, group.cancelled.length, dispatcher.stats().running], [0, 0, 0]);
  const metrics = await (await send("/metrics")).text();
  assert.match(metrics, /^faaslet_request_body_bytes 0$/m);
  app.close();
});

Deno.test("parseTarget() splits at the first slash of the path, wherever else there are slashes, dots and questions", () => {
  const target = parseTarget("http://127.0.0.1:1/function/a.b/c/?d/e?f", "http://127.0.0.1:1".length);
  const expected = { tenant: "b", name: "a", scriptName: "/function/a.b", pathInfo: "/c/", query: "d/e?f" };
  assert.deepEqual(target, expected);
  const bare = parseTarget("http://h/function/a?x=/y", "http://h".length);
  assert.deepEqual([bare.name, bare.pathInfo, bare.query], ["a", "", "x=/y"]);
});
