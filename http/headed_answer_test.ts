import assert from "node:assert/strict";
import fc from "fast-check";
import { HTTP_LIMITS } from "../limits.ts";
import { setUp } from "./_fakes.ts";
import { parseHeadedAnswer } from "./headed_answer.ts";

const UTF8 = new TextEncoder();
const parse = (text: string) => parseHeadedAnswer({ output: UTF8.encode(text) }, true);

Deno.test("parseHeadedAnswer() reads status, headers and body, with either line end", () => {
  for (const end of ["\n", "\r\n"]) {
    const answer = parse(["Status: 404 Not Here", "Content-Type: text/x", "X-A:  b c ", "", "body\n\nrest"].join(end));
    assert.equal(answer.status, 404);
    assert.deepEqual(answer.headers, [["content-type", "text/x"], ["x-a", "b c"]]);
    assert.equal(new TextDecoder().decode(answer.body), `body\n\nrest`);
  }
  assert.deepEqual(parse("\nx").headers, []);
  assert.equal(parse("\nx").status, 200);
  assert.equal(parse("Location: /there\n\n").status, 302);
  assert.equal(parse("Location: /made\nStatus: 201\n\n").status, 201);
  assert.deepEqual(parseHeadedAnswer({ output: new Uint8Array([88, 58, 0xe4, 10, 10]) }, true).headers, [["x", "ä"]]);
});

Deno.test("parseHeadedAnswer() refuses what is no head, and headers that are not the function's", () => {
  const wrong = [
    "",
    "no head",
    "X: 1\n",
    "no colon\n\n",
    ": empty\n\n",
    "bad name: 1\n\n",
    "X: a\rb\n\n",
    "X: a\0b\n\n",
    "X: a\x0bb\n\n",
    "Status: 99\n\n",
    "Status: 101\n\n",
    "Status: 600\n\n",
    "Status: 200\nStatus: 200\n\n",
    "Status: 200OK\n\n",
    "Content-Length: 3\n\n",
    "Transfer-Encoding: chunked\n\n",
    "Connection: close\n\n",
    " folded: x\n\n",
  ];
  for (const text of wrong) assert.throws(() => parse(text), { code: "ERR_GUEST_MISUSE" }, JSON.stringify(text));
});

Deno.test("parseHeadedAnswer() puts what host calls set before what the output says", () => {
  const head = UTF8.encode("status: 201\nx-a: 1\n");
  const set = parseHeadedAnswer({ output: UTF8.encode("X: no head\n\n"), head }, false);
  assert.deepEqual([set.status, set.headers, set.body.length], [201, [["x-a", "1"]], 12]);
  const both = parseHeadedAnswer({ output: UTF8.encode("X-B: 2\n\nbody"), head }, true);
  assert.deepEqual([both.status, both.headers, both.body.length], [201, [["x-a", "1"], ["x-b", "2"]], 4]);
  assert.throws(() => parseHeadedAnswer({ output: UTF8.encode("Status: 200\n\n"), head }, true), /once/);
});

Deno.test("parseHeadedAnswer() holds its limits: n is taken, n + 1 is not", () => {
  const lines = (count: number) => "X: 1\n".repeat(count) + "\n";
  assert.equal(parse(lines(HTTP_LIMITS.answerHeadersMax)).headers.length, HTTP_LIMITS.answerHeadersMax);
  assert.throws(() => parse(lines(HTTP_LIMITS.answerHeadersMax + 1)), { code: "ERR_GUEST_MISUSE" });
  const sized = (bytes: number) => `X: ${"a".repeat(bytes - 5)}\n\n`;
  assert.equal(parse(sized(HTTP_LIMITS.answerHeadBytesMax)).headers.length, 1);
  assert.throws(() => parse(sized(HTTP_LIMITS.answerHeadBytesMax + 1)), { code: "ERR_GUEST_MISUSE" });
});

Deno.test("parseHeadedAnswer() never gives a header that has a line end in it, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      for (const [name, value] of parseHeadedAnswer({ output: bytes }, true).headers) {
        assert.doesNotMatch(name + value, /[\r\n\0]/);
      }
    } catch (thrown) {
      assert.equal((thrown as { code?: string }).code, "ERR_GUEST_MISUSE");
    }
  }));
});

Deno.test("a function with http = cgi answers with its own status and headers, and ours beside them", async () => {
  const { send, registry, group } = setUp();
  registry.add("web", { http: "cgi" });
  const head = "Status: 418\nContent-Type: text/tea\nSet-Cookie: a=1\nSet-Cookie: b=2\nX-Call-Id: forged\n\n";
  group.respond = () => ({ output: UTF8.encode(head + "short and stout") });
  const answer = await send("/function/web");
  assert.deepEqual([answer.status, await answer.text()], [418, "short and stout"]);
  assert.equal(answer.headers.get("content-type"), "text/tea");
  assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.match(answer.headers.get("x-call-id")!, /^[0-9a-f-]{36}$/);
  group.respond = () => ({ output: UTF8.encode("no head at all") });
  const wrong = await send("/function/web");
  assert.deepEqual([wrong.status, (await wrong.json()).code], [502, "ERR_GUEST_MISUSE"]);
  assert.notEqual(wrong.headers.get("x-call-id"), null);
  for (const status of [204, 304]) {
    group.respond = () => ({ output: UTF8.encode(`Status: ${status}\n\nignored`) });
    const empty = await send("/function/web");
    assert.deepEqual([empty.status, await empty.text()], [status, ""], "these have no body");
  }
});

Deno.test("CORS: pages of the origins that the setting lists may read answers, others may not", async () => {
  const { send, registry, group } = setUp();
  registry.add("open", { cors: ["*"] });
  registry.add("some", { cors: ["https://a.example"] });
  registry.add("none");
  const from = (origin: string, name: string, init: RequestInit = {}) =>
    send(`/function/${name}`, { ...init, headers: { origin, ...init.headers } });
  const allowed = (answer: Response) => answer.headers.get("access-control-allow-origin");
  assert.equal(allowed(await from("https://x.example", "open")), "*");
  const some = await from("https://a.example", "some");
  assert.deepEqual([allowed(some), some.headers.get("vary")], ["https://a.example", "origin"]);
  assert.equal(allowed(await from("https://b.example", "some")), null);
  assert.equal(allowed(await from("https://a.example", "none")), null);
  const calls = group.requests.length;
  const headers = { "access-control-request-method": "PUT", "access-control-request-headers": "x-a, x-b" };
  const preflight = await from("https://a.example", "some", { method: "OPTIONS", headers });
  assert.deepEqual([preflight.status, allowed(preflight)], [204, "https://a.example"]);
  assert.equal(preflight.headers.get("access-control-allow-methods"), "PUT");
  assert.equal(preflight.headers.get("access-control-allow-headers"), "x-a, x-b");
  assert.equal(group.requests.length, calls, "a preflight calls nothing");
  await from("https://a.example", "some", { method: "OPTIONS" });
  assert.equal(group.requests.length, calls + 1, "another OPTIONS request is a call");
});
