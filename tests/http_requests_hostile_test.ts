/**
 * H60: whatever a guest, a name's owner or a server says, a request reaches what the function's rules allow and nothing else,
 * and takes no more than its limits. Method: the table of H36 as URLs, against sentinels on loopback addresses that must
 * see nothing; servers that redirect, stall, never end, or speak what is not HTTP.
 */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { HTTP_LIMITS, WASM_PAGE_BYTES } from "../limits.ts";
import { networkRules } from "../runtime/mod.ts";
import { ERRNO, Fetcher, type Wanted } from "./support/fetching.ts";
import { IS_LONG } from "./support/long.ts";
import { DATA, type Step, withProbe } from "./support/probe.ts";
import { type Exchange, RawServer } from "./support/raw_server.ts";

const PAGE = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const page = ({ send }: Exchange) => send(PAGE);

/** Hosts of URLs that mean this machine, its neighbours or nobody, in forms that some library takes for an address. */
const FORBIDDEN = [
  "127.0.0.1",
  "127.0.0.2",
  "127.1",
  "127.0.1",
  "2130706433",
  "0x7f000001",
  "0x7f.0.0.1",
  "0177.0.0.1",
  "017700000001",
  "0.0.0.0",
  "0",
  "10.0.0.1",
  "172.16.0.1",
  "192.168.0.1",
  "169.254.169.254",
  "100.64.0.1",
  "192.0.0.1",
  "198.18.0.1",
  "224.0.0.1",
  "255.255.255.255",
  "[::]",
  "[::1]",
  "[::127.0.0.1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[::ffff:169.254.169.254]",
  "[64:ff9b::7f00:1]",
  "[2002:7f00:1::]",
  "[fc00::1]",
  "[fd00:ec2::254]",
  "[fe80::1]",
  "[ff02::1]",
  "localhost",
  "LOCALHOST",
] as const;

Deno.test("H60: what no rule names is refused in every form of an address, before any byte", async () => {
  await using sentinel = new RawServer(page);
  const { port } = sentinel;
  await using six = new RawServer(page, { hostname: "::1", port });
  const own = Deno.networkInterfaces().filter(({ family }) => family === "IPv4").map(({ address }) => address);
  // As the machine's own resolver would have it, which takes short and octal forms for addresses.
  const names = Object.fromEntries(FORBIDDEN.map((host) => [host, [["127.0.0.1", "::1", "::ffff:127.0.0.1"]]]));
  for (const rules of [["*:*"], ["10.99.0.0/16:*"], [`127.0.0.1:${port === 65_535 ? 1 : port + 1}`], []]) {
    await using fetcher = await Fetcher.open({ rules, names });
    for (const host of [...FORBIDDEN, ...own]) {
      for (const scheme of ["http", "https"]) {
        const { errno, status } = await fetcher.fetch(`${scheme}://${host}:${port}/`);
        assert.deepEqual([errno, status], [ERRNO.ACCES, 0], `${rules}: ${scheme}://${host}`);
      }
    }
  }
  assert.deepEqual([sentinel.connections, six.connections], [0, 0]);
});

Deno.test("H60: a name's owner cannot turn it inwards, whether at once, beside a good address or later", async () => {
  await using sentinel = new RawServer(page, { hostname: "127.0.0.2" });
  const { port } = sentinel;
  await using allowed = new RawServer(
    ({ send }) => send(`HTTP/1.1 302 x\r\nlocation: http://later.example:${port}/\r\n\r\n`),
    {
      hostname: "127.0.0.1",
      port,
    },
  );
  const names = {
    "inside.example": [["127.0.0.2"]],
    "mapped.example": [["::ffff:127.0.0.2"]],
    "both.example": [["127.0.0.2", "127.0.0.1"]],
    // The second time, as the redirect asks for it, it is another.
    "later.example": [["127.0.0.1"], ["127.0.0.2"]],
  };
  const rules = [`*:${port}`, `127.0.0.1:${port}`, ...Object.keys(names).map((name) => `${name}:${port}`)];
  await using fetcher = await Fetcher.open({ rules, names });
  for (const name of ["inside.example", "mapped.example"]) {
    assert.equal((await fetcher.fetch(`http://${name}:${port}/`)).errno, ERRNO.ACCES, name);
  }
  for (const name of ["both.example", "later.example"]) {
    assert.equal((await fetcher.fetch(`http://${name}:${port}/`)).errno, ERRNO.ACCES, `${name}, then its redirect`);
  }
  assert.equal(sentinel.connections, 0);
  assert.equal(allowed.connections, 2, "the allowed address of both answered");
});

Deno.test("H60: a redirect leads to what the rules allow, a bounded number of times, and to http alone", async () => {
  await using sentinel = new RawServer(page, { hostname: "127.0.0.2" });
  let location = "";
  await using server = new RawServer(({ send }) => send(`HTTP/1.1 302 Found\r\nlocation: ${location}\r\n\r\n`));
  await using fetcher = await Fetcher.open({ rules: [`127.0.0.1:${server.port}`] });
  const url = `http://127.0.0.1:${server.port}/`;
  const cases: readonly [location: string, errno: number][] = [
    [`http://127.0.0.2:${sentinel.port}/`, ERRNO.ACCES],
    [`//127.0.0.2:${sentinel.port}/`, ERRNO.ACCES],
    [`http://localhost:${sentinel.port}/`, ERRNO.ACCES],
    [`http://[::ffff:127.0.0.2]:${sentinel.port}/`, ERRNO.ACCES],
    ["http://169.254.169.254/latest/meta-data/", ERRNO.ACCES],
    [`http://a:b@127.0.0.2:${sentinel.port}/`, ERRNO.PROTO],
    ["file:///etc/passwd", ERRNO.PROTO],
    ["gopher://127.0.0.2/", ERRNO.PROTO],
    ["http://", ERRNO.PROTO],
    ["/again", ERRNO.LOOP],
  ];
  for (const [where, errno] of cases) {
    location = where;
    assert.equal((await fetcher.fetch(url)).errno, errno, where);
  }
  assert.equal(server.connections, cases.length + HTTP_LIMITS.redirectsMax);
  assert.equal(sentinel.connections, 0);
});

Deno.test("H60: a request is one request: nothing in it begins a second one or says what is ours to say", async () => {
  await using server = new RawServer(page);
  await using fetcher = await Fetcher.open({ rules: [`127.0.0.1:${server.port}`] });
  const url = `http://127.0.0.1:${server.port}/`;
  const wrong: readonly (Wanted & { errno: number })[] = [
    { method: "GET / HTTP/1.1\r\nx: y\r\n\r\nGET", url, errno: ERRNO.INVAL },
    { method: "CONNECT", url, errno: ERRNO.INVAL },
    { method: "TRACE", url, errno: ERRNO.INVAL },
    { url: `${url}a b`, errno: ERRNO.INVAL },
    { url: `${url}\r\nx: y`, errno: ERRNO.INVAL },
    { url: `http://user:password@127.0.0.1:${server.port}/`, errno: ERRNO.INVAL },
    { url: `unix:///run/docker.sock`, errno: ERRNO.INVAL },
    { url, headers: "x: y\rz: w", errno: ERRNO.INVAL },
    { url, headers: "x y: z", errno: ERRNO.INVAL },
    { url, headers: " folded: x", errno: ERRNO.INVAL },
    { url, headers: "Host: other", errno: ERRNO.PERM },
    { url, headers: "content-length: 100", errno: ERRNO.PERM },
    { url, headers: "x: y\nTransfer-Encoding: chunked", errno: ERRNO.PERM },
    { url, headers: "connection: keep-alive", errno: ERRNO.PERM },
    { url, headers: "expect: 100-continue", errno: ERRNO.PERM },
  ];
  for (const { errno, ...wanted } of wrong) {
    assert.equal((await fetcher.fetch(wanted)).errno, errno, JSON.stringify(wanted));
  }
  assert.equal(server.connections, 0);
  // Texts at their limits and one byte over them.
  const filled = (first: string, bytes: number) => first + "y".repeat(bytes - first.length);
  for (const over of [0, 1]) {
    const texts: readonly Wanted[] = [
      { url: filled(url, HTTP_LIMITS.requestUrlBytesMax + over) },
      { url, headers: filled("x: ", HTTP_LIMITS.requestHeadBytesMax + over) },
    ];
    for (const wanted of texts) {
      const { outcome, body } = await fetcher.fetch(wanted);
      assert.deepEqual([outcome.error?.code, body], over === 0 ? [undefined, "hello"] : ["ERR_GUEST_MISUSE", ""]);
    }
  }
});

Deno.test("H60: an answer that never ends, stalls or is no HTTP ends at a limit or at the deadline", async () => {
  await using fetcher = await Fetcher.open({ rules: ["127.0.0.1:*"] });
  const attacks: readonly [what: string, respond: (exchange: Exchange) => unknown, errno: number][] = [
    ["nothing", () => {}, ERRNO.CONNRESET],
    ["noise", ({ send }) => send("\0\x01\x02\r\n\r\n".repeat(10)), ERRNO.PROTO],
    ["SSH", ({ send }) => send("SSH-2.0-OpenSSH_9.2\r\n\r\n"), ERRNO.PROTO],
    ["HTTP/0.9", ({ send }) => send("<html>\n\n"), ERRNO.PROTO],
    ["another protocol", ({ send }) => send("HTTP/1.1 101 x\r\nupgrade: y\r\n\r\n"), ERRNO.PROTO],
    [
      "two lengths",
      ({ send }) => send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
      ERRNO.PROTO,
    ],
    ["a negative length", ({ send }) => send("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), ERRNO.PROTO],
    ["many headers", ({ send }) => send(`HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(1_000)}\r\n`), ERRNO.MSGSIZE],
    ["an endless header", endless("HTTP/1.1 200 OK\r\nx: ", "y".repeat(10_000)), ERRNO.MSGSIZE],
    ["endless headers", endless("HTTP/1.1 200 OK\r\n", "x: y\r\n"), ERRNO.MSGSIZE],
    ["endless early answers", endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"), ERRNO.MSGSIZE],
    [
      "an endless chunk line",
      endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;", "x".repeat(9_999)),
      ERRNO.PROTO,
    ],
  ];
  for (const [what, respond, errno] of attacks) {
    await using server = new RawServer(respond);
    const { errno: found, outcome } = await fetcher.fetch(`http://127.0.0.1:${server.port}/`);
    assert.deepEqual([outcome.status, found], ["ok", errno], what);
  }
  const dribble = async ({ send }: Exchange) => {
    // A byte at a time: each wait is short, and only all of them together are too long.
    for (let more = await send("HTTP/1.1 200 OK\r\nx: "); more; more = await send("y")) await turn();
  };
  await using slow = new RawServer(dribble);
  const { outcome } = await fetcher.fetch(`http://127.0.0.1:${slow.port}/`, { timeoutMs: 200 });
  assert.equal(outcome.status, "timeout");
  await using body = new RawServer(endless("HTTP/1.1 200 OK\r\n\r\n", "y".repeat(65_536)));
  const flooded = await fetcher.fetch(`http://127.0.0.1:${body.port}/`, { timeoutMs: 300 });
  assert.equal(flooded.outcome.status, "timeout", "the guest reads for ever, the call does not");
  if (IS_LONG) {
    const full = await fetcher.fetch(`http://127.0.0.1:${body.port}/`, { timeoutMs: 120_000 });
    assert.equal(full.errno, ERRNO.FBIG);
  }
});

Deno.test("H60: a body is sent up to its limit, and to nobody for longer than the call lasts", async () => {
  // Takes connections and reads nothing.
  using deaf = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = deaf.addr as Deno.NetAddr;
  const url = `http://127.0.0.1:${port}/`;
  const data = new TextEncoder().encode(`PUT\0http://127.0.0.2/\0${url}\0`);
  const [method, forbidden, allowed] = [DATA, DATA + 4, DATA + 4 + 18];
  const max = HTTP_LIMITS.requestBodyBytesMax;
  await withProbe({ image: { network: networkRules([`127.0.0.1:${port}`]) } }, async ({ run }) => {
    const grow: Step = ["grow", max / WASM_PAGE_BYTES];
    const { results } = await run([
      grow,
      ["__faaslet_http", method, forbidden, 0, 0, max],
      ["__faaslet_errno"],
      ["__faaslet_http", method, forbidden, 0, 0, max + 1],
      ["__faaslet_errno"],
    ], data);
    assert.deepEqual(results.slice(1), [-1, ERRNO.ACCES, -1, ERRNO.TOOBIG]);
    const { outcome } = await run([grow, ["__faaslet_http", method, allowed, 0, 0, max]], data, { timeoutMs: 300 });
    assert.equal(outcome.status, "timeout");
  });
  (await deaf.accept()).close();
});

Deno.test("H60: what is packed stays packed: a small answer cannot become a large one here", async () => {
  const bomb = gzipSync(new Uint8Array(64 << 20));
  await using server = new RawServer(async ({ send }) => {
    await send(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`);
    await send(bomb);
  });
  await using fetcher = await Fetcher.open({ rules: ["127.0.0.1:*"] });
  const { errno, body, header } = await fetcher.fetch({
    url: `http://127.0.0.1:${server.port}/`,
    header: "content-encoding",
  });
  assert.deepEqual([errno, header, body.length], [0, "gzip", bomb.length]);
});

Deno.test("H60: proxies of this process's environment are not used", async () => {
  await using proxy = new RawServer(page);
  await using server = new RawServer(page);
  const variables = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"];
  for (const name of variables) Deno.env.set(name, `http://127.0.0.1:${proxy.port}`);
  try {
    await using fetcher = await Fetcher.open({ rules: ["127.0.0.1:*"] });
    assert.equal((await fetcher.fetch(`http://127.0.0.1:${server.port}/`)).body, "hello");
  } finally {
    for (const name of variables) Deno.env.delete(name);
  }
  assert.deepEqual([proxy.connections, server.connections], [0, 1]);
});

/** Sends more and more until the other side is gone. */
function endless(first: string, more: string): (exchange: Exchange) => Promise<void> {
  return async ({ send }) => {
    for (let goesOn = await send(first); goesOn;) goesOn = await send(more);
  };
}

/** Lets the other side have its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
