/**
 * Goal: a guest's HTTP request reaches what its settings name, over TLS with whom the machine believes, and its answer is read
 * as it came. Method: a guest that makes one request a call, against servers of this process that say what is on the wire.
 */
import assert from "node:assert/strict";
import { lookup } from "node:dns/promises";
import { Authority, NO_OPENSSL } from "./support/certificates.ts";
import { faaslet } from "./support/cli.ts";
import { ERRNO, Fetcher } from "./support/fetching.ts";
import { assemble } from "./support/guests.ts";
import { rounds, seeded } from "./support/long.ts";
import { optionalTest } from "./support/optional.ts";
import { RawServer } from "./support/raw_server.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

const PAGE = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";

Deno.test("__faaslet_http() sends what it is given, and gives what came", async () => {
  await using server = new RawServer(({ body, send }) =>
    send(`HTTP/1.1 418 Teapot\r\nX-One: a\r\nx-one: b\r\ncontent-length: ${body.length}\r\n\r\n${TEXT.decode(body)}`)
  );
  await using fetcher = await Fetcher.open({ rules: [`127.0.0.1:${server.port}`] });
  const url = `http://127.0.0.1:${server.port}/a/b?c=d#e`;
  const headers = "accept: text/plain\r\nX-Two: 2\n";
  const put = await fetcher.fetch({ method: "PUT", url, headers, body: BYTES.encode("some text"), header: "X-ONE" });
  assert.deepEqual([put.errno, put.status, put.header, put.body], [0, 418, "a\nb", "some text"]);
  const lines = server.heads[0]!.split("\r\n");
  assert.equal(lines[0], "PUT /a/b?c=d HTTP/1.1");
  assert.deepEqual(lines.slice(1).toSorted(), [
    "accept: text/plain",
    "connection: close",
    "content-length: 9",
    `host: 127.0.0.1:${server.port}`,
    "user-agent: faaslet",
    "x-two: 2",
  ]);
  const get = await fetcher.fetch({ url, header: "x-none" });
  assert.deepEqual([get.errno, get.status, get.header, get.body], [0, 418, undefined, ""]);
  assert.ok(!server.heads[1]!.includes("content-length"), "a request without a body says nothing of one");
  const post = await fetcher.fetch({ method: "POST", url });
  assert.deepEqual([post.errno, post.body], [0, ""]);
  assert.match(server.heads[2]!, /^content-length: 0$/m);
});

Deno.test("an answer's body is read whole in every form, and a part of one is an error", async () => {
  const forms: readonly [answer: string, errno: number, body: string][] = [
    [PAGE, 0, "hello"],
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nx: y\r\n\r\n", 0, "hello"],
    ["HTTP/1.1 200 OK\r\n\r\nhello", 0, "hello"],
    ["HTTP/1.0 200 OK\r\n\r\nhello", 0, "hello"],
    ["HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 0, ""],
    ["HTTP/1.1 304 Not Modified\r\n\r\n", 0, ""],
    ["HTTP/1.1 300 Choices\r\nlocation: /x\r\ncontent-length: 5\r\n\r\nhello", 0, "hello"],
    ["HTTP/1.1 302 Found\r\ncontent-length: 5\r\n\r\nhello", 0, "hello"],
    ["HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + PAGE, 0, "hello"],
    ["HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello", 0, "hello"],
    [PAGE.slice(0, -1), ERRNO.CONNRESET, "hell"],
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nl", ERRNO.CONNRESET, "hell"],
    ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", ERRNO.PROTO, ""],
  ];
  let answer = "";
  await using server = new RawServer(({ send }) => send(answer));
  await using fetcher = await Fetcher.open({ rules: ["localhost:*"] });
  for (const [text, errno, body] of forms) {
    answer = text;
    const fetched = await fetcher.fetch(`http://127.0.0.1:${server.port}/`);
    assert.deepEqual([fetched.errno, fetched.body], [errno, body], text);
  }
  answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
  const head = await fetcher.fetch({ method: "HEAD", url: `http://localhost:${server.port}/` });
  assert.deepEqual([head.errno, head.status, head.body], [0, 200, ""]);
});

Deno.test("redirects are followed, and what was for one origin goes to no other", async () => {
  await using other = new RawServer(({ send }) => send(PAGE));
  await using server = new RawServer(({ head, send }) => {
    const path = / (\S*) /.exec(head)![1]!;
    const to = { "/near": "next?x", "/next?x": `//localhost:${other.port}/far` }[path];
    return send(`HTTP/1.1 ${path === "/near" ? 307 : 303} Go\r\nlocation: ${to}\r\ncontent-length: 3\r\n\r\nbye`);
  });
  await using fetcher = await Fetcher.open({ rules: [`127.0.0.1:${server.port}`, `localhost:${other.port}`] });
  const headers = "authorization: secret\ncookie: a=b\naccept: text/plain\ncontent-type: text/plain";
  const url = `http://127.0.0.1:${server.port}/near`;
  const { errno, status, body } = await fetcher.fetch({ method: "POST", url, headers, body: BYTES.encode("x") });
  assert.deepEqual([errno, status, body], [0, 200, "hello"]);
  assert.match(server.heads[1]!, /^POST \/next\?x HTTP\/1.1\r\n/);
  assert.match(server.heads[1]!, /^authorization: secret\r\n/m);
  assert.match(server.heads[1]!, /^cookie: a=b\r\n/m);
  assert.match(other.heads[0]!, /^GET \/far HTTP\/1.1\r\n/);
  assert.match(other.heads[0]!, /^accept: text\/plain$/m);
  assert.doesNotMatch(other.heads[0]!, /^(authorization|cookie|content-)/m);
});

Deno.test("a name is connected to at the address that was looked up and checked, under its own name", async () => {
  await using server = new RawServer(({ send }) => send(PAGE));
  const { port } = server;
  // The same port of another address: where a second look-up would lead to.
  await using other = new RawServer(({ send }) => send(PAGE), { hostname: "127.0.0.2", port });
  const names = { "one.example": [["203.0.113.9", "127.0.0.1"], ["127.0.0.2"]] };
  await using fetcher = await Fetcher.open({ rules: [`127.0.0.0/8:${port}`, `one.example:${port}`], names });
  const { errno, body } = await fetcher.fetch(`http://one.example:${port}/`);
  assert.deepEqual([errno, body], [0, "hello"]);
  assert.match(server.heads[0]!, new RegExp(`^host: one.example:${port}$`, "m"));
  assert.deepEqual([fetcher.asked.length, other.connections], [1, 0], "one look-up a request");
  assert.equal((await fetcher.fetch(`http://two.example:${port}/`)).errno, ERRNO.ACCES);
  assert.deepEqual(fetcher.asked, ["one.example"], "what no rule names is not looked up");
});

optionalTest("TLS is spoken with whom the roots know, under the name of the URL", NO_OPENSSL, async () => {
  using authority = new Authority();
  using stranger = new Authority();
  const page = ({ send }: { send(text: string): Promise<boolean> }) => send(PAGE);
  await using server = new RawServer(page, { certificate: authority.sign("DNS:localhost", "DNS:one.example") });
  await using named = new RawServer(page, { certificate: authority.sign("DNS:two.example") });
  await using numbered = new RawServer(page, { certificate: authority.sign("IP:127.0.0.1") });
  await using foreign = new RawServer(page, { certificate: stranger.sign("DNS:localhost") });
  const names = { "one.example": [["127.0.0.1"]] };
  const rules = ["localhost:*", "one.example:*"];
  await using fetcher = await Fetcher.open({ rules, names, roots: authority.pem });
  const good = await fetcher.fetch(`https://localhost:${server.port}/`);
  assert.deepEqual([good.errno, good.status, good.body], [0, 200, "hello"]);
  assert.equal((await fetcher.fetch(`https://one.example:${server.port}/`)).body, "hello");
  assert.equal((await fetcher.fetch(`https://127.0.0.1:${numbered.port}/`)).body, "hello");
  for (
    const url of [
      `https://localhost:${named.port}/`,
      `https://127.0.0.1:${server.port}/`,
      `https://localhost:${foreign.port}/`,
    ]
  ) {
    const { errno, body } = await fetcher.fetch(url);
    assert.deepEqual([errno, body], [ERRNO.PROTO, ""], url);
  }
  assert.deepEqual([...named.heads, ...foreign.heads], [], "not a byte of a request to who is not believed");
  await using system = await Fetcher.open({ rules });
  assert.equal((await system.fetch(`https://localhost:${server.port}/`)).errno, ERRNO.PROTO, "only what is trusted is");
  await using plain = new RawServer(page);
  await using fresh = await Fetcher.open({ rules, roots: authority.pem });
  const clear = fresh.fetch(`https://localhost:${plain.port}/`, { timeoutMs: 500 });
  assert.notEqual((await clear).errno, 0, "a server that speaks no TLS");
});

optionalTest("an answer over TLS is whole, however it was cut into records", NO_OPENSSL, async () => {
  using authority = new Authority();
  const random = seeded(11);
  const length = 1_500_000;
  // Full records among small ones, so that they lie across what is received at once in every way.
  const pieces: string[] = [];
  for (let left = length; left > 0; left -= pieces.at(-1)!.length) {
    const size = random() < 0.3 ? 16_384 : 1 + Math.floor(random() * 2_000);
    pieces.push(String(pieces.length % 10).repeat(Math.min(size, left)));
  }
  await using server = new RawServer(async ({ send }) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`);
    for (const piece of pieces) await send(piece);
  }, { certificate: authority.sign("DNS:localhost") });
  await using fetcher = await Fetcher.open({ rules: ["localhost:*"], roots: authority.pem });
  for (let round = 0; round < rounds(5, 100); round++) {
    const { errno, body } = await fetcher.fetch(`https://localhost:${server.port}/`);
    assert.equal(errno, 0);
    assert.ok(body === pieces.join(""));
  }
});

Deno.test("H23: a request ends at the deadline and when it is cancelled, and its connection with it", async () => {
  const stages: readonly (readonly [string, (exchange: { send(text: string): Promise<boolean> }) => unknown])[] = [
    ["before the head", () => {}],
    ["in the head", ({ send }) => send("HTTP/1.1 200 OK\r\nx: ")],
    ["in the body", ({ send }) => send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhel")],
  ];
  for (const [where, begin] of stages) {
    await using server = new RawServer(async (exchange) => {
      await begin(exchange);
      await exchange.closed;
    });
    await using fetcher = await Fetcher.open({ rules: ["localhost:*"] });
    const url = `http://127.0.0.1:${server.port}/`;
    const late = await fetcher.fetch(url, { timeoutMs: 100 });
    assert.equal(late.outcome.status, "timeout", where);
    const waiting = fetcher.fetch(url, { id: 7_777 });
    await until(() => server.heads.length === 2, "the request is there");
    fetcher.group.cancel(7_777);
    assert.equal((await waiting).outcome.status, "cancelled", where);
    await until(() => server.open === 0, `the connections are closed: ${where}`);
  }
});

optionalTest("serve and run believe whom --ca-file adds, and nobody else more", NO_OPENSSL, async () => {
  using authority = new Authority();
  using scratch = new Scratch();
  const certificate = authority.sign("DNS:localhost");
  await using server = new RawServer(({ send }) => send(PAGE), { certificate });
  const program = scratch.write("fetch.wasm", assemble(oneRequest(`https://localhost:${server.port}/`)));
  const rule = ["--allow-net", `localhost:${server.port}`];
  for (const [words, code] of [[["--ca-file", authority.path], 200], [[], 0]] as [string[], number][]) {
    const run = await faaslet(["run", ...rule, ...words, program]);
    assert.equal(run.code, code, run.stderr);
    await using host = await RealHost.start(`${scratch.path}/data-${code}`, words);
    const environment = { FAASLET_URL: host.url };
    const deployed = await faaslet(["deploy", program, "--name", "fetch", ...rule], { environment });
    assert.equal(deployed.code, 0, deployed.stderr);
    const answer = await fetch(`${host.url}/function/fetch`, { method: "POST" });
    await answer.body?.cancel();
    assert.equal(Number(answer.headers.get("x-return-value") ?? 0), code);
  }
});

optionalTest("faaslet run looks names up as this machine does", await missingName(), async () => {
  using scratch = new Scratch();
  const program = scratch.write(
    "names.wasm",
    assemble(`(module
      (import "env" "getaddrinfo" (func $find (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "${Deno.hostname()}\\00")
      (func (export "main") (result i32)
        (call $find (i32.const 16) (i32.const 0) (i32.const 0) (i32.const 8))))`),
  );
  const { code, stderr } = await faaslet(["run", "--allow-net", "*:80", program]);
  assert.equal(code, 0, stderr);
});

/** Returns the status of the answer to one GET, 0 without one. */
function oneRequest(url: string): string {
  return `(module
    (import "env" "__faaslet_http" (func $http (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "__faaslet_http_status" (func $status (param i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "GET\\00") (data (i32.const 32) "${url}\\00")
    (func (export "main") (result i32) (local $answer i32)
      (local.set $answer (call $http (i32.const 16) (i32.const 32) (i32.const 0) (i32.const 0) (i32.const 0)))
      (if (i32.eq (local.get $answer) (i32.const -1)) (then (return (i32.const 0))))
      (call $status (local.get $answer))))`;
}

/** Why this machine's own name cannot be looked up, in words. */
async function missingName(): Promise<string | undefined> {
  return await lookup(Deno.hostname()).then(() => undefined, () => "this machine does not know its own name");
}

Deno.test("an initialiser that makes a request fails by that name", async () => {
  await assert.rejects(
    Fetcher.open({ rules: ["localhost:*"], entry: "main", init: "main" }),
    { code: "ERR_INIT", message: /initialiser cannot .*HTTP/ },
  );
});

const TEXT = new TextDecoder();
const BYTES = new TextEncoder();
