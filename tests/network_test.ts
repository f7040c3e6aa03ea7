/**
 * Goal: a guest's sockets reach what its settings name and nothing else, in every disguise of an address, and no wait outlives
 * the call (H36, H37). Method: scripts for the probe against servers of this process on loopback addresses; a sentinel
 * that must never be reached.
 */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { EmbeddedGroup, networkProblem, networkRules } from "../runtime/mod.ts";
import { assemble, imageOf } from "./support/guests.ts";
import { rounds } from "./support/long.ts";
import { type Argument, DATA, type Step, withProbe } from "./support/probe.ts";
import { until } from "./support/until.ts";

const INET = 2;
const INET6 = 10;
const STREAM = 1;
const DATAGRAM = 2;
const NONBLOCK = 0o4000;
const E = {
  ACCES: 2,
  AFNOSUPPORT: 5,
  AGAIN: 6,
  CONNREFUSED: 14,
  EMFILE: 33,
  INPROGRESS: 26,
  INVAL: 28,
  NOTSOCK: 57,
  NOPROTOOPT: 50,
  PERM: 63,
} as const;
const BUFFER = 0x4000;

/** musl's structure for an IPv4 address in dots or an IPv6 address in sixteen bytes. */
function socketAddress(address: string | number[], port: number): Uint8Array {
  const ports = [port >> 8, port & 0xff];
  if (typeof address === "string") {
    return new Uint8Array([INET, 0, ...ports, ...address.split(".").map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);
  }
  return new Uint8Array([INET6, 0, ...ports, 0, 0, 0, 0, ...address, 0, 0, 0, 0]);
}

const LOOPBACK6 = [...new Array(15).fill(0), 1];
const mapped = (address: string) => [...new Array(10).fill(0), 255, 255, ...address.split(".").map(Number)];

/** Echoes what each connection sends; counts connections. */
function echoServer(hostname = "127.0.0.1") {
  const listener = Deno.listen({ hostname, port: 0 });
  const served: Promise<void>[] = [];
  const state = { connections: 0, port: (listener.addr as Deno.NetAddr).port };
  const accepting = (async () => {
    for await (const connection of listener) {
      state.connections++;
      served.push(connection.readable.pipeTo(connection.writable).catch(() => {}));
    }
  })();
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      await Promise.all(served);
    },
  });
}

async function datagrams(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return socket;
}

function failing(step: Step, errno: number): [Step, number][] {
  return [[step, -1], [["__faaslet_errno"], errno]];
}

Deno.test("a socket talks to what is allowed, under BSD's names and WASI's", async () => {
  await using server = echoServer();
  const image = { network: networkRules([`127.0.0.1:${server.port}`]) };
  await withProbe({ image }, async ({ run }) => {
    const address = socketAddress("127.0.0.1", server.port);
    const text = new TextEncoder().encode("hello");
    const vector = new Uint8Array(new Uint32Array([BUFFER + 64, 5]).buffer);
    const data = new Uint8Array([...address, ...text, 0, 0, 0, ...vector]);
    const fd: Argument = { step: 0 };
    const steps: [Step, number][] = [
      [["socket", INET, STREAM, 0], 4],
      [["connect", fd, DATA, 16], 0],
      [["setsockopt", fd, 6, 1, DATA, 4], 0],
      [["send", fd, DATA + 16, 5, 0x4000], 5],
      [["recv", fd, BUFFER, 3, 2], 3],
      [["recv", fd, BUFFER, 100, 0], 5],
      [["peek8", BUFFER + 4], 0x6f],
      [["fd_write", fd, DATA + 24, 1, BUFFER + 32], 0],
      [["peek", BUFFER + 32], 5],
      [["sock_recv", fd, DATA + 24, 1, 0, BUFFER + 32, BUFFER + 36], 0],
      [["poke", BUFFER + 128, 16], 0],
      [["getpeername", fd, BUFFER + 132, BUFFER + 128], 0],
      [["peek", BUFFER + 136], 0x0100007f],
      [["poke", BUFFER + 128, 4], 0],
      [["getsockopt", fd, 1, 3, BUFFER + 132, BUFFER + 128], 0],
      [["peek", BUFFER + 132], STREAM],
      [["dup", fd], 5],
      [["fd_close", fd], 0],
      [["sock_send", 5, DATA + 24, 1, 0, BUFFER + 32], 0],
      [["sock_shutdown", 5, 2], 0],
      [["fd_read", 5, DATA + 24, 1, BUFFER + 32], 0],
      [["recv", 5, BUFFER, 10, 0], 0],
      [["send", 3, DATA, 1, 0], -1],
      [["__faaslet_errno"], E.NOTSOCK],
    ];
    for (const start of ["proto", "warm"] as const) {
      const { results } = await run(steps.map(([step]) => step), data, { start });
      assert.deepEqual(results, steps.map(([, result]) => result));
    }
  });
  assert.equal(server.connections, 2);
});

Deno.test("datagrams go to what is allowed, and come from nobody else", async () => {
  const [echo, stranger] = [await datagrams("127.0.0.1"), await datagrams("127.0.0.2")];
  const { port } = echo.address();
  echo.on("message", (bytes, from) => {
    stranger.send("strange", from.port, from.address, () => echo.send(bytes, from.port, from.address));
  });
  try {
    await withProbe({ image: { network: networkRules([`127.0.0.1:${port}`]) } }, async ({ run }) => {
      const data = new Uint8Array([...socketAddress("127.0.0.1", port), ...socketAddress("127.0.0.2", port)]);
      const { results } = await run([
        ["socket", INET, DATAGRAM, 17],
        ["sendto", { step: 0 }, DATA, 9, 0, DATA, 16],
        ["poke", BUFFER + 128, 16],
        ["recvfrom", { step: 0 }, BUFFER, 100, 0, BUFFER + 132, BUFFER + 128],
        ["sum", BUFFER, 9],
        ["sum", DATA, 9],
        ["sendto", { step: 0 }, DATA, 9, 0, DATA + 16, 16],
        ["__faaslet_errno"],
      ], data);
      assert.deepEqual(results.slice(0, 4), [4, 9, 0, 9]);
      assert.equal(results[4], results[5]);
      assert.deepEqual(results.slice(6), [-1, E.ACCES]);
    });
  } finally {
    for (const socket of [echo, stranger]) await new Promise<void>((resolve) => socket.close(resolve));
  }
});

Deno.test("H36: what no rule names is refused before a byte leaves, in every disguise", async () => {
  await using sentinel = echoServer();
  const { port } = sentinel;
  const six = (text: string) => text.split(":").flatMap((part) => [parseInt(part, 16) >> 8, parseInt(part, 16) & 0xff]);
  const addresses: (string | number[])[] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1.1.1",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    LOOPBACK6,
    new Array(16).fill(0),
    mapped("127.0.0.1"),
    mapped("10.0.0.1"),
    [...new Array(12).fill(0), 127, 0, 0, 1],
    six("64:ff9b:0:0:0:0:7f00:1"),
    six("2002:7f00:1:0:0:0:0:0"),
    six("fd00:0:0:0:0:0:0:1"),
    six("fe80:0:0:0:0:0:0:1"),
    six("ff02:0:0:0:0:0:0:1"),
  ];
  for (const { address, family } of Deno.networkInterfaces()) if (family === "IPv4") addresses.push(address);
  const rules = [["*:*"], [`10.99.0.0/16:*`], [`127.0.0.1:${port === 65_535 ? 1 : port + 1}`]];
  for (const rule of rules) {
    await withProbe({ image: { network: networkRules(rule) } }, async ({ run }) => {
      for (const address of addresses) {
        const data = socketAddress(address, port);
        const family = typeof address === "string" ? INET : INET6;
        const { results } = await run([
          ["socket", family, STREAM | NONBLOCK, 0],
          ["connect", { step: 0 }, DATA, data.length],
          ["__faaslet_errno"],
          ["socket", family, DATAGRAM, 0],
          ["sendto", { step: 3 }, DATA, 4, 0, DATA, data.length],
          ["__faaslet_errno"],
        ], data);
        assert.deepEqual(results, [4, -1, E.ACCES, 5, -1, E.ACCES], `${rule}: ${address}`);
      }
      const unix = new Uint8Array([1, 0, ...new TextEncoder().encode("/run/x\0")]);
      const { results } = await run([
        ["socket", 1, STREAM, 0],
        ["__faaslet_errno"],
        ["socket", INET, STREAM, 0],
        ["connect", { step: 2 }, DATA, unix.length],
        ["__faaslet_errno"],
      ], unix);
      assert.deepEqual(results, [-1, E.ACCES, 4, -1, E.ACCES]);
    });
  }
  await withProbe({}, async ({ run }) => {
    assert.deepEqual((await run([["socket", INET, STREAM, 0], ["__faaslet_errno"]])).results, [-1, E.ACCES]);
  });
  assert.equal(sentinel.connections, 0);
});

Deno.test("H37: no listening, no raw or group traffic, descriptors within the quota, closed at the reset", async () => {
  await using server = echoServer();
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  const image = { network: networkRules(["127.0.0.0/8:*", "[::1]:*"]) };
  await withProbe({ image, limits: { descriptors: 20 } }, async ({ run }) => {
    const data = new Uint8Array([
      ...socketAddress("127.0.0.1", 0),
      ...socketAddress("0.0.0.0", 80),
      ...socketAddress("0.0.0.0", 0),
      ...socketAddress("127.0.0.1", server.port),
    ]);
    const fd: Argument = { step: 0 };
    const steps: [Step, number][] = [
      [["socket", INET, STREAM, 0], 4],
      ...failing(["bind", fd, DATA, 16], E.PERM),
      ...failing(["bind", fd, DATA + 16, 16], E.PERM),
      ...failing(["listen", fd, 10], E.PERM),
      ...failing(["accept", fd, 0, 0], E.PERM),
      [["sock_accept", fd, 0, BUFFER], E.PERM],
      [["bind", fd, DATA + 32, 16], 0],
      ...failing(["socket", INET, 3, 0], E.PERM),
      ...failing(["socket", 17, STREAM, 0], E.AFNOSUPPORT),
      ...failing(["setsockopt", fd, 1, 6, DATA, 4], E.PERM),
      ...failing(["setsockopt", fd, 0, 35, DATA, 8], E.NOPROTOOPT),
      ...failing(["connect", fd, DATA + 48, 15 - 10], E.INVAL),
    ];
    const { results } = await run(steps.map(([step]) => step), data);
    assert.deepEqual(results, steps.map(([, result]) => result));
    const before = count();
    for (let round = 0; round < rounds(20, 2_000); round++) {
      const many: Step[] = [];
      for (let at = 4; at < 24; at++) {
        many.push(["socket", INET, STREAM, 0], ["connect", { step: many.length }, DATA + 48, 16]);
      }
      const ran = await run(many, data);
      assert.ok(ran.results.slice(0, 32).every((result) => result >= 0), "sixteen connect");
      assert.equal(ran.results[32], -1, "the quota");
    }
    await until(() => count() <= before + 4, "the sockets of ended calls are closed");
  });
});

Deno.test("H23: a wait for the network ends at the deadline, when cancelled, and at its own timeout", async () => {
  await using server = echoServer();
  await withProbe({ image: { network: networkRules(["localhost:*"]) } }, async ({ run, group }) => {
    const timeval = new Uint8Array(new BigUint64Array([0n, 30_000n]).buffer);
    const data = new Uint8Array([...socketAddress("127.0.0.1", server.port), ...timeval]);
    const wait: Step[] = [
      ["socket", INET, STREAM, 0],
      ["connect", { step: 0 }, DATA, 16],
      ["recv", { step: 0 }, BUFFER, 1, 0],
    ];
    assert.equal((await run(wait, data, { timeoutMs: 50 })).outcome.status, "timeout");
    const waiting = run(wait, data, { id: 7_777 });
    await until(() => server.connections === 2, "the guest is connected");
    group.cancel(7_777);
    assert.equal((await waiting).outcome.status, "cancelled");
    const limited: Step[] = [
      ...wait.slice(0, 2),
      ["setsockopt", { step: 0 }, 1, 66, DATA + 16, 16],
      ["recv", { step: 0 }, BUFFER, 1, 0],
      ["__faaslet_errno"],
      ["recv", { step: 0 }, BUFFER, 1, 0x40],
      ["__faaslet_errno"],
    ];
    assert.deepEqual((await run(limited, data)).results.slice(3), [-1, E.AGAIN, -1, E.AGAIN]);
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const nobody = socketAddress("127.0.0.1", (closed.addr as Deno.NetAddr).port);
    closed.close();
    const refused = await run([...wait.slice(0, 2), ["__faaslet_errno"]], nobody);
    assert.deepEqual(refused.results, [4, -1, E.CONNREFUSED]);
  });
});

Deno.test("an initialiser that leaves a socket open cannot be snapshotted", async () => {
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    const wasm = assemble(`(module (import "env" "socket" (func $socket (param i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "init") (drop (call $socket (i32.const 2) (i32.const 1) (i32.const 0))))
      (func (export "main")))`);
    const image = { network: networkRules(["*:*"]) };
    await assert.rejects(group.install(imageOf(1, wasm, { init: "init", image })), { code: "ERR_SNAPSHOT_HANDLE" });
  } finally {
    await group.close();
  }
});

Deno.test("a rule is HOST:PORT with an address in its plain form", () => {
  assert.deepEqual(
    networkRules(["*:443", "1.2.3.4:80", "10.0.0.0/8:*", "[::1]:1", "[fd00::]/8:5", "localhost:2", "example.org:443"]),
    [
      "* 443",
      "1.2.3.4/32 80",
      "10.0.0.0/8 0",
      "::1/128 1",
      "fd00::/8 5",
      "127.0.0.1/32 2",
      "::1/128 2",
      "example.org 443",
    ],
  );
  const wrong = [
    "",
    "*",
    "1.2.3.4",
    "1.2.3:80",
    "01.2.3.4:80",
    "0x7f.0.0.1:80",
    "2130706433:80",
    "1.2.3.4:0",
    "1.2.3.4:65536",
  ];
  for (
    const rule of [
      ...wrong,
      "1.2.3.4/33:80",
      "::1:80",
      "[::1]/129:80",
      "[::g]:80",
      "example.0x1:80",
      "*:80 ",
      "256.1.1.1:1",
    ]
  ) {
    assert.notEqual(networkProblem(rule), undefined, rule);
  }
});

Deno.test("getaddrinfo() knows addresses as they are written, and names that a rule names", async () => {
  const image = { network: networkRules(["one.example:80"]) };
  await withProbe({ image }, async ({ run, group }) => {
    const asked: string[] = [];
    group.listen(({ callId, ticket, text }) => {
      asked.push(text);
      const bytes = new TextEncoder().encode("127.0.0.1\n203.0.113.9\n::1");
      group.answer({ callId, ticket, ...(text === "one.example" ? { value: 0, bytes } : { value: 1 }) });
    });
    const data = new TextEncoder().encode("127.0.0.1\0one.example\0two.example\x0080\0");
    const [number, one, two, port] = [DATA, DATA + 10, DATA + 22, DATA + 34];
    const { results } = await run([
      ["getaddrinfo", number, port, 0, BUFFER],
      ["peek", BUFFER],
      ["peek", { step: 1, plus: 8 }],
      ["peek", { step: 1, plus: 16 }],
      ["peek", { step: 1, plus: 36 }],
      ["peek", { step: 1, plus: 28 }],
      ["peek", { step: 5, plus: 28 }],
      ["freeaddrinfo", { step: 1 }],
      ["poke", BUFFER + 4, INET],
      ["poke", BUFFER + 8, STREAM],
      ["getaddrinfo", one, port, BUFFER, BUFFER + 32],
      ["peek", BUFFER + 32],
      ["socket", INET, STREAM, 0],
      ["connect", { step: 12 }, { step: 11, plus: 32 }, 16],
      ["__faaslet_errno"],
      ["getaddrinfo", two, 0, 0, BUFFER + 32],
      ["getaddrinfo", one, two, 0, BUFFER + 32],
      ["getaddrinfo", one, 0, 0, 0xfffffffe],
      ["freeaddrinfo", 12_345],
    ], data);
    const first = results[1]!;
    assert.deepEqual(results.slice(2, 8), [STREAM, 16, 0x0100007f, first + 64, 0, 0]);
    assert.deepEqual([results[10], results[11]], [0, first], "the page was given back");
    assert.deepEqual(results.slice(12), [4, -1, E.ACCES, -2, -8, -11, 0], "an answer that turns inwards opens nothing");
    assert.deepEqual(asked, ["one.example"], "a name that no rule names is not asked for");
  });
});
