/**
 * Goal: the wall between a hostile client and the rest (cases H15 and H18, and H25's and F56's part of HTTP). Method: a
 * real server on a free port, bytes as they are over a socket, a clock that the test moves.
 */
import assert from "node:assert/strict";
import { CALL_LIMITS, HOST_LIMITS } from "../limits.ts";
import { type RawAnswer, RawClient, sendRaw } from "./_raw_client.ts";
import { until } from "../tests/support/until.ts";
import { serve } from "./_fakes.ts";
import type { BodyLimits } from "./body.ts";

const LIMIT = 100_000;
const WAIT_MS = 5_000;
const HEAD = "POST /function/echo HTTP/1.1\r\nHost: localhost\r\n";

function serveEcho(bodyLimits: Partial<BodyLimits> = {}) {
  const host = serve(bodyLimits);
  host.registry.add("echo", { inputBytes: LIMIT });
  return host;
}

function codeOf(answer: RawAnswer | undefined): [number, string] | undefined {
  return answer && [answer.status, answer.body === "" ? "" : JSON.parse(answer.body).code];
}

async function bodyBytesOf({ send }: ReturnType<typeof serveEcho>): Promise<number> {
  const metrics = await (await send("/metrics")).text();
  return Number(/^faaslet_request_body_bytes (\d+)$/m.exec(metrics)![1]);
}

Deno.test("H15: a body over the limit is refused, with a length before it is sent, without one on its way", async () => {
  await using host = serveEcho();
  const { port } = host.server;
  const said = await sendRaw(port, `${HEAD}Content-Length: ${LIMIT + 1}\r\n\r\n`);
  assert.deepEqual(codeOf(said), [413, "ERR_REQUEST_TOO_LARGE"]);
  using client = await RawClient.connect(port);
  await client.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
  const chunk = `2710\r\n${"x".repeat(10_000)}\r\n`;
  for (let sent = 0; sent < LIMIT; sent += 10_000) await client.send(chunk);
  await client.send("1\r\nx\r\n");
  assert.deepEqual(codeOf(await client.receive()), [413, "ERR_REQUEST_TOO_LARGE"]);
  const just = await sendRaw(port, `${HEAD}Content-Length: ${LIMIT}\r\n\r\n${"x".repeat(LIMIT)}`);
  assert.deepEqual([just!.status, just!.body.length], [200, LIMIT]);
  assert.equal(host.group.requests.length, 1);
});

Deno.test("H15: what lies about the body's length never becomes a call", async () => {
  await using host = serveEcho();
  const { port } = host.server;
  const lies = [
    "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: gzip\r\n\r\nhello",
    "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "Content-Length: 5, 5\r\n\r\nhello",
    "Content-Length: -5\r\n\r\nhello",
    "Content-Length: +5\r\n\r\nhello",
    "Content-Length: 0x5\r\n\r\nhello",
    "Content-Length: 99999999999999999999999\r\n\r\nhello",
    "Content-Length : 5\r\n\r\nhello",
    "Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n5\r\nhello, world\r\n0\r\n\r\n",
  ];
  for (const lie of lies) {
    const answer = await sendRaw(port, `${HEAD}${lie}`);
    assert.ok(answer === undefined || answer.status === 400, `${lie} was answered ${answer?.status}`);
  }
  for (const method of ["GET", "HEAD"]) {
    for (
      const body of ["Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"]
    ) {
      const head = `${method} /function/echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`;
      const answer = await sendRaw(port, `${head}${body}`);
      assert.equal(answer!.status, 400, `${method} ${body}`);
    }
  }
  assert.equal(host.group.requests.length, 0);
});

Deno.test("H15: a request behind a body is not taken for a part of it, nor the other way round", async () => {
  await using host = serveEcho();
  using client = await RawClient.connect(host.server.port);
  const hidden = "DELETE /v1/functions/echo HTTP/1.1\r\nHost: localhost\r\n\r\n";
  await client.send(`${HEAD}Content-Length: ${hidden.length}\r\n\r\n${hidden}`);
  await client.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`);
  await client.send(`${HEAD}Content-Length: 0\r\n\r\n`);
  const bodies = [(await client.receive())!.body, (await client.receive())!.body, (await client.receive())!.body];
  assert.deepEqual(bodies, [hidden, hidden, ""]);
  assert.equal(host.registry.functions.size, 1);
});

Deno.test("H15: a body that breaks off never becomes a call, and its memory comes back", async () => {
  await using host = serveEcho();
  const heads = ["Content-Length: 50", `Content-Length: ${LIMIT}`, "Transfer-Encoding: chunked"];
  for (const head of heads) {
    using client = await RawClient.connect(host.server.port);
    await client.send(`${HEAD}${head}\r\n\r\n5\r\nhel`);
    await client.sendEnd();
    const answer = await client.receive();
    assert.ok(answer === undefined || answer.status === 400, head);
  }
  await until(async () => await bodyBytesOf(host) === 0, "the memory came back", WAIT_MS);
  assert.equal(host.group.requests.length, 0);
});

Deno.test("H15: a body of a byte a second is given up, and its memory comes back", async () => {
  await using host = serveEcho({ graceMs: 5_000, bytesPerSecondMin: 100 });
  for (const head of ["Content-Length: 50", `Content-Length: ${LIMIT}`, "Transfer-Encoding: chunked"]) {
    using client = await RawClient.connect(host.server.port);
    await client.send(`${HEAD}${head}\r\n\r\n`);
    await until(() => host.clock.timers.size > 0, "the body is timed", WAIT_MS);
    for (let second = 0; second <= 6; second++) {
      await client.send(head.startsWith("T") ? "1\r\nx\r\n" : "x");
      host.clock.nowMs += 1_000;
      host.clock.fire();
    }
    assert.deepEqual(codeOf(await client.receive()), [408, "ERR_REQUEST_TIMEOUT"], head);
    assert.equal(await bodyBytesOf(host), 0);
  }
  assert.equal(host.group.requests.length, 0);
});

Deno.test("H15: a body that stands still is given up, however much of it came before", async () => {
  await using host = serveEcho({ graceMs: 5_000, bytesPerSecondMin: 100 });
  using client = await RawClient.connect(host.server.port);
  await client.send(`${HEAD}Content-Length: ${LIMIT}\r\n\r\n${"x".repeat(LIMIT - 1)}`);
  await until(async () => await bodyBytesOf(host) > 0, "a body has memory", WAIT_MS);
  // What came would be enough for a quarter of an hour at the least rate.
  for (let second = 0; second <= 11; second++) {
    host.clock.nowMs += 1_000;
    host.clock.fire();
  }
  assert.deepEqual(codeOf(await client.receive()), [408, "ERR_REQUEST_TIMEOUT"]);
  assert.equal(await bodyBytesOf(host), 0);
  assert.equal(host.group.requests.length, 0);
});

Deno.test("H15: bodies of many clients share one memory; who comes too late is told to come back", async () => {
  await using host = serveEcho({ totalBytesMax: 2 * LIMIT });
  const { port } = host.server;
  const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(port)));
  const half = "x".repeat(70_000);
  for (const client of clients.slice(0, 2)) await client.send(`${HEAD}Content-Length: ${LIMIT}\r\n\r\n${half}`);
  await until(async () => await bodyBytesOf(host) === 2 * LIMIT, "two bodies have all of it", WAIT_MS);
  await clients[2]!.send(`${HEAD}Content-Length: ${LIMIT}\r\n\r\n${half}`);
  const refused = await clients[2]!.receive();
  assert.deepEqual(codeOf(refused), [503, "ERR_CAPACITY"]);
  assert.equal(refused!.headers.get("retry-after"), "1");
  for (const client of clients.slice(0, 2)) {
    await client.send("y".repeat(LIMIT - half.length));
    assert.equal((await client.receive())!.status, 200);
  }
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("H15: uploads that come slowly leave the deploys to others", async () => {
  await using host = serveEcho();
  const { port } = host.server;
  const head = "PUT /v1/functions/new HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/wasm\r\n";
  const slow = await Promise.all(Array.from({ length: 3 * HOST_LIMITS.deploysMax }, () => RawClient.connect(port)));
  for (const client of slow) await client.send(`${head}Content-Length: 200000\r\n\r\n${"x".repeat(100_000)}`);
  await until(async () => await bodyBytesOf(host) >= slow.length * 100_000, "all slow bodies have memory", WAIT_MS);
  const answer = await sendRaw(port, `${head}Content-Length: 4\r\n\r\nwasm`);
  assert.equal(answer!.status, 201);
  for (const client of slow) client[Symbol.dispose]();
  await until(async () => await bodyBytesOf(host) === 0, "the memory came back", WAIT_MS);
});

Deno.test("H15: an answer that nobody reads is given up, and its memory comes back", async () => {
  const bytes = 20_000_000;
  await using host = serve({}, { totalBytesMax: bytes, graceMs: 5_000, bytesPerSecondMin: 100 });
  host.registry.add("big");
  host.group.respond = () => ({ output: new Uint8Array(bytes) });
  const answerBytes = async () =>
    Number(/^faaslet_answer_bytes (\d+)$/m.exec(await (await host.send("/metrics")).text())![1]);
  using client = await RawClient.connect(host.server.port);
  const call = "POST /function/big HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
  await client.send(call);
  await until(async () => await answerBytes() === bytes, "the answers are counted", WAIT_MS);
  // Whoever comes now would add to what nobody reads.
  const refused = await sendRaw(host.server.port, call);
  assert.deepEqual(codeOf(refused), [503, "ERR_CAPACITY"]);
  for (let second = 0; second <= 11; second++) {
    host.clock.nowMs += 1_000;
    host.clock.fire();
  }
  assert.equal(await answerBytes(), 0);
  const rest = await client.receive();
  assert.ok(rest!.body.length < bytes, "the connection was broken off");
  assert.equal((await host.send("/function/big", { method: "POST" })).status, 200);
});

Deno.test("H15: the heads of calls that wait are counted with the bodies", async () => {
  await using host = serveEcho({ totalBytesMax: 160_000 });
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  host.group.respond = async () => {
    await held;
    return {};
  };
  const call = `${HEAD}X-Large: ${"y".repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`;
  const clients = await Promise.all(Array.from({ length: 3 }, () => RawClient.connect(host.server.port)));
  for (const client of clients.slice(0, 2)) await client.send(call);
  await until(async () => await bodyBytesOf(host) > 80_000 * 2, "two bodies have memory", WAIT_MS);
  await clients[2]!.send(call);
  assert.deepEqual(codeOf(await clients[2]!.receive()), [503, "ERR_CAPACITY"]);
  letGo();
  for (const client of clients.slice(0, 2)) assert.equal((await client.receive())!.status, 200);
  assert.equal(await bodyBytesOf(host), 0);
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("H15: a body in one-byte chunks costs its size, not a buffer a chunk", async () => {
  await using host = serveEcho();
  using client = await RawClient.connect(host.server.port);
  const before = Deno.memoryUsage().rss;
  await client.send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${"1\r\nx\r\n".repeat(20_000)}0\r\n\r\n`);
  assert.equal((await client.receive())!.body.length, 20_000);
  // A buffer of 64 KiB for each chunk would be over a gigabyte.
  assert.ok(Deno.memoryUsage().rss - before < 300 * 1_024 * 1_024);
});

Deno.test("H15: idle and half-open connections keep nobody else waiting", async () => {
  await using host = serveEcho();
  const { port } = host.server;
  const clients = await Promise.all(Array.from({ length: 300 }, () => RawClient.connect(port)));
  const starts = ["", "G", "GET /livez HTTP/1.1\r\nHost: ", `${HEAD}Content-Length: 50\r\n\r\nhalf`];
  await Promise.all(clients.map((client, at) => client.send(starts[at % starts.length]!)));
  const response = await fetch(`${host.server.url}/healthz`);
  assert.equal((await response.json()).status, "ok");
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("H15: a head over 64 KiB never reaches a function", async () => {
  await using host = serveEcho();
  for (const bytes of [70_000, 1_000_000]) {
    const answer = await sendRaw(host.server.port, `${HEAD}X: ${"y".repeat(bytes)}\r\n\r\n`).catch(() => undefined);
    assert.ok(answer === undefined || answer.status >= 400);
  }
  const many = await sendRaw(host.server.port, `${HEAD}${"X-Y: z\r\n".repeat(5_000)}\r\n`);
  assert.ok(many === undefined || many.status >= 400);
  assert.equal(host.group.requests.length, 0);
});

/** Names as they stand in a request line; each character is one byte. */
const NAMES = [
  "",
  ".",
  "..",
  "%2e%2e",
  "%2E%2e",
  ".%2e",
  "..%2f..%2fetc%2fpasswd",
  "a%2fb",
  "a%5cb",
  "a\\b",
  "a%00b",
  "%00",
  "a%0ab",
  "a%0d%0ab",
  "a".repeat(64),
  "a".repeat(300),
  "a".repeat(10_000),
  "\xe2\x80\xae" + "abc",
  "%e2%80%aeabc",
  "caf\xc3\xa9",
  "caf%c3%a9",
  "%ff",
  "%",
  "%zz",
  "__proto__",
  "constructor_",
  "Echo",
  "ECHO",
  "e%43ho",
  "echo%20",
  "echo;x",
  "-echo",
  "echo-",
  "echo_",
  "*",
  "~",
  "@",
  "$(id)",
  "'--",
];

Deno.test("H18: a name that is none is refused by one grammar, wherever it stands", async () => {
  await using host = serveEcho();
  const { port } = host.server;
  host.registry.deploy = () => Promise.reject(new Error("a name that is none was deployed"));
  for (const name of NAMES) {
    const called = await sendRaw(port, `GET /function/${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assert.deepEqual(codeOf(called), [400, "ERR_NAME_INVALID"], `call ${name}`);
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await sendRaw(port, `${method} /v1/functions/${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      assert.deepEqual(codeOf(answer), [400, "ERR_NAME_INVALID"], `${method} ${name}`);
    }
  }
  assert.equal(host.group.requests.length, 0);
  assert.deepEqual([...host.registry.functions.keys()], ["default/echo"]);
  assert.deepEqual(host.errors, []);
});

Deno.test("H18: what no URL may hold is refused before anybody looks at it", async () => {
  await using host = serveEcho();
  for (const name of ["a\0b", "a b", "a\tb", "\xff", "a\x7fb"]) {
    const answer = await sendRaw(host.server.port, `GET /function/${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assert.ok(answer === undefined || answer.status === 400, JSON.stringify(name));
  }
  assert.equal(host.group.requests.length, 0);
});

Deno.test("H18: dots in a path lead nowhere but to the function's own PATH_INFO", async () => {
  await using host = serveEcho();
  const { port } = host.server;
  const within = await sendRaw(port, "GET /function/echo/../../v1/functions HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.equal(within!.status, 200);
  assert.equal(host.group.requests[0]!.environment!["PATH_INFO"], "/../../v1/functions");
  for (const path of ["/function/../v1/functions", "/v1/../function/echo", "//function/echo", "/./function/echo"]) {
    const answer = await sendRaw(port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assert.ok(answer!.status === 400 || answer!.status === 404, path);
  }
  const nested = await sendRaw(port, "PUT /v1/functions/a/b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
  assert.deepEqual(codeOf(nested), [400, "ERR_NAME_INVALID"]);
  assert.equal(host.group.requests.length, 1);
});

Deno.test("H18: names of Object's own are names like others, and touch no prototype", async () => {
  await using host = serveEcho();
  for (const name of ["constructor", "tostring", "hasownproperty", "echo.constructor"]) {
    const answer = await sendRaw(host.server.port, `GET /function/${name} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    assert.deepEqual(codeOf(answer), [404, "ERR_NOT_FOUND"], name);
  }
  const polluting = `${HEAD}__proto__: polluted\r\nConstructor: polluted\r\nContent-Length: 0\r\n\r\n`;
  assert.equal((await sendRaw(host.server.port, polluting))!.status, 200);
  const { environment } = host.group.requests[0]!;
  assert.equal(Object.getPrototypeOf(environment), Object.prototype);
  assert.equal(environment!["HTTP_CONSTRUCTOR"], "polluted");
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

Deno.test("H25: what a function writes to its log cannot leave the answer's body", async () => {
  await using host = serveEcho();
  const stderr = new TextEncoder().encode('\x1b]0;owned\x07\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"}\x00');
  host.group.respond = () => ({
    status: "trap",
    stderr,
    error: { code: "ERR_GUEST_TRAP", message: 'unreachable\n  0: evil"\r\nX-Evil: 1' },
  });
  const answer = await sendRaw(host.server.port, `${HEAD}Content-Length: 0\r\n\r\n`);
  assert.equal(answer!.status, 502);
  assert.equal(answer!.headers.has("x-evil"), false);
  assert.equal(JSON.parse(answer!.body).stderr, new TextDecoder().decode(stderr));
  const isPrintable = [...answer!.body].every((character) => character >= " ");
  assert.ok(isPrintable, "JSON escapes what a terminal would obey");
});

Deno.test("H25: an answer says that a log was cut, and how much of it is missing", async () => {
  await using host = serveEcho();
  const stderr = new TextEncoder().encode("the beginning of a gibibyte");
  host.group.respond = () => ({ status: "guest-error", returnValue: 1, stderr, stderrBytes: 2 ** 30 });
  const answer = await sendRaw(host.server.port, `${HEAD}Content-Length: 0\r\n\r\n`);
  const missing = 2 ** 30 - stderr.length;
  assert.equal(JSON.parse(answer!.body).stderr, `the beginning of a gibibyte\n(${missing} more bytes were not kept)`);
});

Deno.test("H25: logs of nothing but line ends cost whoever reads them what they are worth", async () => {
  await using host = serveEcho();
  const { port } = host.server;
  const stdout = new Uint8Array(4 * 1_024 * 1_024).fill(0x0a);
  host.group.respond = () => ({ stdout, stdoutBytes: stdout.length, stderr: stdout, stderrBytes: stdout.length });
  const following = await fetch(`${host.server.url}/v1/functions/echo/logs?follow=1`);
  for (let call = 0; call < 10; call++) await sendRaw(port, `${HEAD}Content-Length: 0\r\n\r\n`);
  const lines = async (query: string) => {
    const text = await (await fetch(`${host.server.url}/v1/functions/echo/logs${query}`)).text();
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).text);
  };
  const started = performance.now();
  const all = await lines("");
  assert.ok(all.length <= CALL_LIMITS.logLinesMax && all.length > 1_000, `${all.length} lines`);
  assert.equal((await lines("?tail=1000000")).length, all.length);
  assert.equal((await lines("?tail=5")).length, 5);
  // Eighty million lines would be minutes, and no memory would hold them.
  assert.ok(performance.now() - started < 20_000);
  // Who follows and does not read gets as much as there is room for.
  host.app.endStreams();
  let bytes = 0;
  for await (const piece of following.body!) bytes += piece.length;
  assert.ok(bytes > 0 && bytes < 10 * CALL_LIMITS.followerBytesMax, `${bytes} bytes`);
});
