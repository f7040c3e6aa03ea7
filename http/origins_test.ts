import assert from "node:assert/strict";
import { isLoopback } from "./loopback.ts";
import { Origins } from "./origins.ts";

Deno.test("check() accepts loopback authorities and takes them apart", () => {
  const origins = new Origins();
  const accepted = [
    ["http://127.0.0.1:8080/x", "127.0.0.1", "8080"],
    ["http://127.255.0.9/x", "127.255.0.9", "80"],
    ["http://localhost:8080/x", "localhost", "8080"],
    ["http://LOCALHOST/x", "localhost", "80"],
    ["http://hello.localhost/x", "hello.localhost", "80"],
    ["http://[::1]:1/x", "[::1]", "1"],
  ] as const;
  for (const [url, name, port] of accepted) {
    const origin = origins.check(url);
    assert.deepEqual(origin, { prefix: url.slice(0, -2), name, port }, url);
    assert.equal(origins.check(url), origin, "the same again costs a comparison");
  }
});

Deno.test("check() refuses every other authority, whatever was accepted before", () => {
  const origins = new Origins();
  origins.check("http://127.0.0.1:80/x");
  const refused = [
    "http://evil.example/x",
    "http://127.0.0.1:80.evil.example/x",
    "http://127.0.0.1:80@evil.example/x",
    "http://evil@127.0.0.1/x",
    "http://127.0.0.1.evil.example/x",
    "http://127.0.0.256/x",
    "http://127.1/x",
    "http://2130706433/x",
    "http://0.0.0.0/x",
    "http://10.0.0.1/x",
    "http://[::]/x",
    "http://[::ffff:127.0.0.1]/x",
    "http://localhost./x",
    "http://evillocalhost/x",
    "http://127.0.0.1:800000/x",
    "http://a b/x",
    "http:///x",
    "http://",
  ];
  for (const url of refused) assert.throws(() => origins.check(url), { code: "ERR_HOST_HEADER" }, url);
});

Deno.test("check() accepts the names that it was given, in any case", () => {
  const origins = new Origins(["Faaslet.Example"]);
  assert.equal(origins.check("http://faaslet.EXAMPLE:80/x").name, "faaslet.example");
  assert.throws(() => origins.check("http://other.example/x"), { code: "ERR_HOST_HEADER" });
});

Deno.test("isLoopback() knows addresses and names of this host only", () => {
  for (const own of ["127.0.0.1", "127.9.8.7", "::1", "[::1]", "localhost", "a.localhost"]) {
    assert.ok(isLoopback(own), own);
  }
  for (const other of ["0.0.0.0", "::", "127.0.0.1.x", "128.0.0.1", "localhost.x", ""]) {
    assert.ok(!isLoopback(other), other);
  }
});
