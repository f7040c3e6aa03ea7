import assert from "node:assert/strict";
import fc from "fast-check";
import { FUNCTION_LIMITS } from "../limits.ts";
import { cgiEnvironment, type CgiRequest } from "./cgi.ts";

function environmentOf(over: Partial<CgiRequest> = {}): Record<string, string> {
  return cgiEnvironment({
    method: "POST",
    headers: new Headers(),
    origin: { prefix: "http://127.0.0.1:8080", name: "127.0.0.1", port: "8080" },
    remoteAddress: "127.0.0.9",
    scriptName: "/function/echo",
    pathInfo: "",
    query: "",
    inputBytes: 0,
    ...over,
  }).variables;
}

Deno.test("cgiEnvironment() gives the variables of RFC 3875", () => {
  const headers = new Headers({ "content-type": "text/csv", "host": "127.0.0.1:8080", "x-two-parts": "a, b" });
  assert.deepEqual(environmentOf({ headers, pathInfo: "/a/b", query: "x=%20&y", inputBytes: 12 }), {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: "POST",
    SCRIPT_NAME: "/function/echo",
    PATH_INFO: "/a/b",
    QUERY_STRING: "x=%20&y",
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_SOFTWARE: "faaslet",
    SERVER_NAME: "127.0.0.1",
    SERVER_PORT: "8080",
    REMOTE_ADDR: "127.0.0.9",
    CONTENT_TYPE: "text/csv",
    CONTENT_LENGTH: "12",
    HTTP_HOST: "127.0.0.1:8080",
    HTTP_X_TWO_PARTS: "a, b",
  });
});

Deno.test("cgiEnvironment() has no CONTENT_ variables without a body", () => {
  const environment = environmentOf();
  assert.equal("CONTENT_LENGTH" in environment || "CONTENT_TYPE" in environment, false);
});

Deno.test("cgiEnvironment() leaves out secrets, the connection's headers, httpoxy's and ambiguous names", () => {
  const headers = new Headers({
    "authorization": "Bearer secret",
    "proxy-authorization": "Basic secret",
    "proxy": "http://evil.example",
    "connection": "close",
    "transfer-encoding": "chunked",
    "x_forwarded_for": "10.0.0.1",
    "x.y": "1",
    "accept": "*/*",
  });
  // Twice, since names are remembered.
  for (let round = 0; round < 2; round++) {
    const names = Object.keys(environmentOf({ headers })).filter((name) => name.startsWith("HTTP_"));
    assert.deepEqual(names, ["HTTP_ACCEPT"]);
  }
});

Deno.test("cgiEnvironment() decodes PATH_INFO once and refuses what has no text", () => {
  assert.equal(environmentOf({ pathInfo: "/caf%C3%A9%2Fx/%252e" })["PATH_INFO"], "/café/x/%2e");
  for (const pathInfo of ["/%", "/%zz", "/%ff", "/a%00b"]) {
    assert.throws(() => environmentOf({ pathInfo }), { code: "ERR_REQUEST_INVALID" }, pathInfo);
  }
});

Deno.test("cgiEnvironment() is never larger than its limit once it is UTF-8", () => {
  const max = FUNCTION_LIMITS.environmentBytesMax;
  const headers = fc.array(
    fc.tuple(fc.stringMatching(/^[a-z][a-z-]{0,20}$/), fc.nat(max), fc.constantFrom("a", "\xff")),
    {
      maxLength: 4,
    },
  );
  fc.assert(
    fc.property(headers, fc.nat(max), (chosen, queryLength) => {
      const given = new Headers(chosen.map(([name, length, character]) => [name, character.repeat(length)]));
      let environment: Record<string, string>;
      try {
        environment = environmentOf({ headers: given, query: "q".repeat(queryLength) });
      } catch (error) {
        assert.equal((error as { code?: string }).code, "ERR_REQUEST_TOO_LARGE");
        return;
      }
      // As the guest gets it: NAME=value and a NUL.
      const text = Object.entries(environment).map(([name, value]) => `${name}=${value}\0`).join("");
      assert.ok(new TextEncoder().encode(text).length <= max);
    }),
    { seed: 20_200_715, numRuns: 200 },
  );
});
