import assert from "node:assert/strict";
import { RawClient, sendRaw } from "./_raw_client.ts";
import { serve } from "./_fakes.ts";
import { startServer } from "./server.ts";

function refuse(): Response {
  return new Response(null, { status: 500 });
}

Deno.test("startServer() listens on loopback addresses only", async () => {
  const others = [
    "0.0.0.0",
    "::",
    "[::]",
    "10.0.0.1",
    "192.168.1.1",
    "169.254.1.1",
    "example.com",
    "",
    "127.1",
    "127.0.0.1.x",
  ];
  for (const hostname of others) {
    assert.throws(() => startServer({ handler: refuse, hostname, port: 0 }), { code: "ERR_USAGE" }, hostname);
  }
  for (const [hostname, host] of [["127.0.0.1", "127.0.0.1"], ["127.0.0.2", "127.0.0.2"], ["localhost", "localhost"]]) {
    const server = startServer({ handler: () => new Response("here"), hostname: hostname!, port: 0 });
    assert.deepEqual([server.hostname, server.url], [hostname, `http://${host}:${server.port}`]);
    assert.ok(server.port > 0);
    assert.equal(await (await fetch(server.url)).text(), "here");
    await server.shutdown();
    await server.finished;
  }
});

Deno.test("startServer() listens on ::1 where there is IPv6, with brackets in its URL", async () => {
  for (const hostname of ["::1", "[::1]"]) {
    try {
      Deno.listen({ hostname: "::1", port: 0 }).close();
    } catch {
      assert.throws(() => startServer({ handler: refuse, hostname, port: 0 }), { code: "ERR_USAGE" });
      continue;
    }
    const server = startServer({ handler: () => new Response("here"), hostname, port: 0 });
    assert.equal(server.url, `http://[::1]:${server.port}`);
    assert.equal(await (await fetch(server.url)).text(), "here");
    await server.shutdown();
  }
});

Deno.test("startServer() says so when the port is taken", async () => {
  await using host = serve();
  const { port } = host.server;
  assert.throws(() => startServer({ handler: refuse, hostname: "127.0.0.1", port }), {
    code: "ERR_CONFLICT",
    message: new RegExp(`^cannot listen on 127\\.0\\.0\\.1, port ${port}: `),
  });
});

Deno.test("a call over the wire carries body, headers and variables both ways", async () => {
  await using host = serve();
  host.registry.add("echo", { contentType: "text/x-test", inputBytes: 300_000 });
  const body = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  for (const sent of [body.subarray(0, 10), body]) {
    const response = await fetch(`${host.server.url}/function/echo/a?b`, { method: "POST", body: sent });
    assert.deepEqual([response.status, response.headers.get("content-type")], [200, "text/x-test"]);
    assert.deepEqual(await response.bytes(), sent);
    for (const name of ["x-call-id", "x-function-version", "x-start", "x-duration-seconds", "server-timing"]) {
      assert.ok(response.headers.has(name), name);
    }
  }
  const { environment } = host.group.requests[0]!;
  assert.deepEqual([environment!["REMOTE_ADDR"], environment!["SERVER_PORT"]], ["127.0.0.1", String(host.server.port)]);
  assert.equal(environment!["HTTP_HOST"], `127.0.0.1:${host.server.port}`);
});

Deno.test("a client that closes its connection cancels its call", async () => {
  await using host = serve();
  host.registry.add("slow");
  const cancelled = new Promise<number>((resolve) => {
    host.group.respond = () =>
      new Promise((end) =>
        host.group.onCancel = (id) => {
          end({ status: "cancelled" });
          resolve(id);
        }
      );
  });
  const arrived = new Promise<void>((resolve) => {
    const { respond } = host.group;
    host.group.respond = (request) => {
      resolve();
      return respond(request);
    };
  });
  const client = await RawClient.connect(host.server.port);
  await client.send("GET /function/slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await arrived;
  await Promise.resolve();
  // The first look only sees that it is there.
  host.clock.fire();
  host.clock.fire();
  client[Symbol.dispose]();
  assert.equal(await cancelled, host.group.requests[0]!.id);
  await host.dispatcher.drain();
});

Deno.test("a server that shuts down ends what it has begun, idle connections included, and takes nothing new", async () => {
  await using host = serve();
  host.registry.add("slow");
  let end!: () => void;
  const arrived = new Promise<void>((resolve) => {
    host.group.respond = () =>
      new Promise((answer) => {
        end = () => answer({ output: new TextEncoder().encode("done") });
        resolve();
      });
  });
  using idle = await RawClient.connect(host.server.port);
  await idle.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.equal((await idle.receive())!.body, "ok\n");
  using unused = await RawClient.connect(host.server.port);
  using busy = await RawClient.connect(host.server.port);
  await busy.send("GET /function/slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await arrived;
  const drained = host.dispatcher.drain();
  const stopped = host.server.shutdown();
  assert.equal(await idle.receive(), undefined, "an idle connection is closed");
  const late = await sendRaw(host.server.port, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").catch(() => undefined);
  end();
  assert.equal(late, undefined, "nobody listens any more");
  const answer = await busy.receive();
  assert.deepEqual([answer!.status, answer!.body], [200, "done"]);
  await Promise.all([drained, stopped, host.server.finished]);
  assert.equal(await unused.receive(), undefined);
});

Deno.test("abort() closes connections whose request is still being answered", async () => {
  await using host = serve();
  host.registry.add("slow");
  const arrived = new Promise<void>((resolve) => {
    host.group.respond = () => {
      resolve();
      return new Promise((end) => host.group.onCancel = () => end({ status: "cancelled" }));
    };
  });
  using client = await RawClient.connect(host.server.port);
  await client.send("GET /function/slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await arrived;
  host.server.abort();
  assert.equal(await client.receive(), undefined);
  host.dispatcher.cancelAll();
  await host.dispatcher.drain();
  await host.server.finished;
});

Deno.test("shutdown() and abort() can be called again and in any order", async () => {
  for (const order of ["abort abort", "abort shutdown", "shutdown abort", "shutdown shutdown"]) {
    const server = startServer({ handler: refuse, hostname: "127.0.0.1", port: 0 });
    const [first, second] = order.split(" ") as ("abort" | "shutdown")[];
    await Promise.all([server[first!](), server[second!](), server.finished]);
    server.abort();
    await server.shutdown();
  }
});

Deno.test("a Host header that is not this host's is refused over the wire, an absolute target too", async () => {
  await using host = serve();
  host.registry.add("echo");
  const { port } = host.server;
  const own = [`127.0.0.1:${port}`, "localhost", "[::1]:1"];
  for (const name of own) {
    assert.equal((await sendRaw(port, `GET /function/echo HTTP/1.1\r\nHost: ${name}\r\n\r\n`))!.status, 200, name);
  }
  assert.equal((await sendRaw(port, "GET /function/echo HTTP/1.0\r\n\r\n"))!.status, 200, "HTTP/1.0 needs no Host");
  const foreign = [
    "evil.example",
    `evil.example:${port}`,
    "127.0.0.1.evil.example",
    "a b",
    "user@127.0.0.1",
    "0.0.0.0",
  ];
  for (const name of foreign) {
    const answer = await sendRaw(port, `GET /function/echo HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
    assert.deepEqual([answer!.status, JSON.parse(answer!.body).code], [421, "ERR_HOST_HEADER"], name);
  }
  const absolute = await sendRaw(port, "GET http://evil.example/function/echo HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.equal(absolute!.status, 421);
  const tunnel = await sendRaw(port, "CONNECT evil.example:80 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assert.equal(tunnel!.status, 421);
  assert.equal(host.group.requests.length, own.length + 1);
});
