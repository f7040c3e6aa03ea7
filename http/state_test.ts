import assert from "node:assert/strict";
import { STATE_LIMITS } from "../limits.ts";
import { KvGlobalTier, openKv } from "../state/mod.ts";
import { serve, setUp } from "./_fakes.ts";
import type { LocalRegion, LocalState } from "./state_list.ts";

const CHUNK = STATE_LIMITS.chunkBytes;

type Send = ReturnType<typeof setUp>["send"];

/** The resource over a store in memory. */
function check(what: string, body: (send: Send, tier: KvGlobalTier) => Promise<void>, localState?: LocalState): void {
  Deno.test(`/v1/state ${what}`, async () => {
    const kv = await openKv(":memory:");
    const tier = new KvGlobalTier({ kv });
    try {
      await body(setUp({}, {}, { state: tier, ...(localState !== undefined && { localState }) }).send, tier);
    } finally {
      await tier.close();
      kv.close();
    }
  });
}

function bytesOf(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8) * 17 + seed) & 0xff);
}

async function problemOf(response: Response): Promise<{ status: number; code: string }> {
  return { status: response.status, code: (await response.json()).code };
}

check("writes a value, reads it, and removes it", async (send) => {
  const missing = await send("/v1/state/model/weights");
  assert.deepEqual(await problemOf(missing), { status: 404, code: "ERR_NOT_FOUND" });
  for (const length of [0, 5, CHUNK + 1, 10 * CHUNK]) {
    const put = await send("/v1/state/model/weights", { method: "PUT", body: bytesOf(length) });
    const written = await put.json();
    assert.deepEqual([put.status, written.bytes], [200, length]);
    assert.equal(put.headers.get("etag"), `"${written.version}"`);
    const got = await send("/v1/state/model/weights");
    assert.deepEqual(
      ["content-length", "etag", "content-type", "accept-ranges"].map((name) => got.headers.get(name)),
      [String(length), `"${written.version}"`, "application/octet-stream", "bytes"],
    );
    assert.deepEqual(await got.bytes(), bytesOf(length));
    const head = await send("/v1/state/model/weights", { method: "HEAD" });
    assert.deepEqual([head.status, head.headers.get("content-length"), head.body], [200, String(length), null]);
  }
  assert.equal((await send("/v1/state/model/weights", { method: "DELETE" })).status, 204);
  assert.equal((await send("/v1/state/model/weights", { method: "DELETE" })).status, 404);
});

check("answers ranges, and says when the value does not reach one", async (send) => {
  const value = bytesOf(20 * CHUNK);
  const { version } = await (await send("/v1/state/k", { method: "PUT", body: value })).json();
  const range = (text: string, more = {}) => send("/v1/state/k", { headers: { range: text, ...more } });
  for (
    const [text, start, end] of [["bytes=5-9", 5, 10], [`bytes=${CHUNK - 1}-${CHUNK}`, CHUNK - 1, CHUNK + 1]] as const
  ) {
    const part = await range(text);
    assert.deepEqual([part.status, part.headers.get("content-range")], [
      206,
      `bytes ${start}-${end - 1}/${value.length}`,
    ]);
    assert.deepEqual(await part.bytes(), value.slice(start, end));
  }
  assert.deepEqual(await (await range("bytes=-7")).bytes(), value.slice(-7));
  assert.deepEqual(await problemOf(await range(`bytes=${value.length}-`)), { status: 416, code: "ERR_RANGE" });
  assert.equal((await range("bytes=0-0", { "if-range": `"${version}"` })).status, 206);
  const other = await range("bytes=0-0", { "if-range": '"another"' });
  assert.deepEqual([other.status, (await other.bytes()).length], [200, value.length]);
});

check("does nothing when a condition does not hold", async (send) => {
  const put = (body: string, headers: Record<string, string>) => send("/v1/state/k", { method: "PUT", body, headers });
  assert.equal((await put("one", { "if-match": "*" })).status, 412);
  const first = (await put("one", { "if-none-match": "*" })).headers.get("etag")!;
  assert.deepEqual(await problemOf(await put("two", { "if-none-match": "*" })), {
    status: 412,
    code: "ERR_PRECONDITION",
  });
  const second = (await put("two", { "if-match": first })).headers.get("etag")!;
  for (const tag of [first, `W/${second}`, '"nothing"', `${first}, "x"`]) {
    assert.equal((await put("three", { "if-match": tag })).status, 412, tag);
    assert.equal((await send("/v1/state/k", { headers: { "if-match": tag } })).status, 412, tag);
    assert.equal((await send("/v1/state/k", { method: "DELETE", headers: { "if-match": tag } })).status, 412, tag);
  }
  assert.equal(await (await send("/v1/state/k", { headers: { "if-match": second } })).text(), "two");
  const known = await send("/v1/state/k", { headers: { "if-none-match": `"x", W/${second}` } });
  assert.deepEqual([known.status, known.headers.get("etag")], [304, second]);
  assert.equal((await put("three", { "if-match": `${first}, ${second}` })).status, 200);
  assert.equal((await put("four", { "if-match": "*" })).status, 200);
  const both = await put("five", { "if-match": "*", "if-none-match": "*" });
  assert.deepEqual(await problemOf(both), { status: 400, code: "ERR_REQUEST_INVALID" });
});

check("writes a part, where Content-Range says", async (send) => {
  const patch = (range: string | undefined, body: string, headers = {}) =>
    send("/v1/state/k", {
      method: "PATCH",
      body,
      headers: { ...(range !== undefined && { "content-range": range }), ...headers },
    });
  assert.equal((await patch("bytes 2-4/*", "abc")).status, 200);
  const tag = (await patch("bytes 0-1/*", "xy")).headers.get("etag")!;
  assert.equal(await (await send("/v1/state/k")).text(), "xyabc");
  assert.equal((await patch("bytes 0-0/*", "z", { "if-match": tag })).status, 200);
  assert.equal((await patch("bytes 0-0/*", "q", { "if-match": tag })).status, 412);
  for (const range of [undefined, "bytes 0-3/*", "bytes 0-/*"]) {
    assert.deepEqual(await problemOf(await patch(range, "abc")), { status: 400, code: "ERR_REQUEST_INVALID" });
  }
  const large = await patch(`bytes ${STATE_LIMITS.valueBytesMax}-${STATE_LIMITS.valueBytesMax + 2}/*`, "abc");
  assert.deepEqual(await problemOf(large), { status: 413, code: "ERR_STATE_LIMIT" });
  const whole = await send("/v1/state/k", { method: "PUT", body: "abc", headers: { "content-range": "bytes 0-2/*" } });
  assert.equal(whole.status, 400);
});

check("lists by prefix and page, with what all values take", async (send) => {
  for (const key of ["a/1", "a/2", "b", "a b%?"]) {
    await send(`/v1/state/${key.split("/").map(encodeURIComponent).join("/")}`, { method: "PUT", body: key });
  }
  const list = async (query = "") => await (await send(`/v1/state${query}`)).json();
  const all = await list();
  assert.deepEqual(all.values.map(({ key }: { key: string }) => key), ["a b%?", "a/1", "a/2", "b"]);
  assert.deepEqual(all.usage, { bytes: 12, keys: 4 });
  assert.equal(all.next, undefined);
  assert.match(all.values[0].writtenAt, /^\d{4}-/);
  const first = await list("?prefix=a&limit=2");
  assert.deepEqual([first.values.length, first.next], [2, "a/1"]);
  const rest = await list(`?prefix=a&limit=2&after=${encodeURIComponent(first.next)}`);
  assert.deepEqual(rest.values.map(({ key }: { key: string }) => key), ["a/2"]);
  for (const limit of ["-1", "x", "1001"]) {
    assert.equal((await send(`/v1/state?limit=${limit}`)).status, 400, limit);
  }
});

check("H18: takes a key by its grammar, and nothing else for one", async (send) => {
  const put = (path: string) => send(`/v1/state/${path}`, { method: "PUT", body: "x" });
  for (const path of ["%00", "a%0ab", "%ff", "%2e%2e", "a/%2E%2E%2Fb", "", "x".repeat(513), "%7f"]) {
    const response = await put(path);
    assert.ok([400, 404, 405].includes(response.status), `${path}: ${response.status}`);
  }
  for (
    const path of ["__proto__", "constructor", "x".repeat(512), "%E6%97%A5%E6%9C%AC", "a//b", "a/", "...", "a%2Fb"]
  ) {
    assert.equal((await put(path)).status, 200, path);
  }
  assert.equal(await (await send("/v1/state/a/b")).text(), "x", "an escaped slash is a slash");
});

const regions: LocalRegion[] = [];
const asked: string[] = [];
check("shows what is in this host's memory, and moves it", async (send) => {
  const { version } = await (await send("/v1/state/k", { method: "PUT", body: "hello" })).json();
  assert.equal((await (await send("/v1/state")).json()).values[0].here, undefined);
  regions.push({ key: "k", bytes: 5, bytesHere: 3, mayBeChanged: true, version });
  const here = { bytes: 3, mayBeChanged: true, isCurrent: true, version };
  assert.deepEqual((await (await send("/v1/state")).json()).values[0].here, here);
  const pushed = await send("/v1/state/k?action=push", { method: "POST" });
  assert.deepEqual(await pushed.json(), { key: "k", version, bytes: 5, here });
  assert.equal((await send("/v1/state/other?action=pull", { method: "POST" })).status, 404);
  assert.equal((await send("/v1/state/k?action=jump", { method: "POST" })).status, 400);
  assert.deepEqual(asked, ["push k", "pull other"]);
  assert.equal((await send("/v1/state/nowhere?action=push", { method: "POST" })).status, 404);
  // What functions made here and nobody pushed is in its place of the order, on whichever page that is.
  await send("/v1/state/m", { method: "PUT", body: "there" });
  for (const key of ["a", "l", "z"]) {
    regions.push({ key, bytes: 7, bytesHere: 7, mayBeChanged: true, version: undefined });
  }
  regions.push({ key: "unknown", bytes: 0, bytesHere: 0, mayBeChanged: false, version: undefined });
  const seen: string[] = [];
  for (let after: string | undefined = ""; after !== undefined;) {
    const page: { values: { key: string; version?: string }[]; next?: string } =
      await (await send(`/v1/state?limit=2&after=${after}`)).json();
    assert.ok(page.values.length <= 2);
    seen.push(...page.values.map(({ key, version }) => (version === undefined ? `${key}*` : key)));
    after = page.next;
  }
  assert.deepEqual(seen, ["a*", "k", "l*", "m", "z*"]);
  assert.deepEqual((await (await send("/v1/state?prefix=l")).json()).values, [
    { key: "l", bytes: 7, here: { bytes: 7, mayBeChanged: true, isCurrent: false } },
  ]);
}, {
  regions: () => Promise.resolve(regions),
  push: (key) => Promise.resolve(asked.push(`push ${key}`) > 0),
  pull: (key) => Promise.resolve(asked.push(`pull ${key}`) < 0),
});

check("says so when nothing is in this host's memory", async (send) => {
  assert.deepEqual(await problemOf(await send("/v1/state/k?action=push", { method: "POST" })), {
    status: 404,
    code: "ERR_NOT_FOUND",
  });
});

Deno.test("/v1/state streams both ways: no value is in memory as a whole", async () => {
  const kv = await openKv(":memory:");
  const tier = new KvGlobalTier({ kv });
  await using host = serve({ totalBytesMax: 2 * 1_024 * 1_024 }, { totalBytesMax: 4 * 1_024 * 1_024 }, { state: tier });
  const url = `${host.server.url}/v1/state/large`;
  const piece = bytesOf(1_000_000);
  async function* pieces() {
    for (let count = 0; count < 30; count++) yield piece;
  }
  const put = await fetch(url, { method: "PUT", body: ReadableStream.from(pieces()) });
  assert.deepEqual([put.status, (await put.json()).bytes], [200, 30_000_000]);
  const got = await fetch(url);
  assert.equal(got.headers.get("content-length"), "30000000");
  assert.deepEqual((await got.bytes()).subarray(29_000_000), piece);
  const half = await fetch(url);
  const reader = half.body!.getReader();
  await reader.read();
  await reader.cancel();
  await tier.close();
  kv.close();
});

Deno.test("/v1/state ends a body that comes too slowly, and writes nothing of it", async () => {
  const kv = await openKv(":memory:");
  const tier = new KvGlobalTier({ kv });
  const { send, clock, app } = setUp({ graceMs: 1_000, bytesPerSecondMin: 1_000 }, {}, { state: tier });
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array(10)),
    pull: () => {
      ask();
      return new Promise(() => {});
    },
  });
  const answer = send("/v1/state/k", { method: "PUT", body });
  await asked;
  for (clock.nowMs = 1_000; clock.nowMs < 5_000; clock.nowMs += 1_000) clock.fire();
  assert.deepEqual(await problemOf(await answer), { status: 408, code: "ERR_REQUEST_TIMEOUT" });
  assert.equal(await tier.head({ tenant: "default", key: "k" }), undefined);
  app.close();
  await tier.close();
  kv.close();
});

Deno.test("/v1/state ends an answer that nobody takes", async () => {
  const kv = await openKv(":memory:");
  const tier = new KvGlobalTier({ kv });
  await tier.set({ tenant: "default", key: "k" }, bytesOf(40 * CHUNK));
  const { send, clock, app } = setUp({}, { graceMs: 1_000 }, { state: tier });
  const response = await send("/v1/state/k");
  const reader = response.body!.getReader();
  await reader.read();
  clock.nowMs = 900;
  clock.fire();
  assert.equal((await reader.read()).done, false, "a pause is none of our business");
  clock.nowMs = 5_000;
  clock.fire();
  assert.equal((await reader.read()).done, true);
  app.close();
  await tier.close();
  kv.close();
});
