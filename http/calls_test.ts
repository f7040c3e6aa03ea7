import assert from "node:assert/strict";
import { CALL_LIMITS } from "../limits.ts";
import type { CallOutcome } from "../runtime/mod.ts";
import { until } from "../tests/support/until.ts";
import { settle, setUp } from "./_fakes.ts";

const UTF8 = new TextEncoder();

/** An app with a function whose calls end when told, by the order in which they came. */
function setUpHeld(settings: Record<string, unknown> = {}) {
  const parts = setUp();
  const ends: ((outcome: Partial<CallOutcome>) => void)[] = [];
  parts.registry.add("slow", settings);
  parts.group.respond = () => new Promise((resolve) => ends.push(resolve));
  parts.group.onCancel = (id) => ends[parts.group.requests.findIndex((one) => one.id === id)]!({ status: "cancelled" });
  const submit = (init: RequestInit = {}) =>
    parts.send("/async-function/slow", { method: "POST", body: "in", ...init });
  return { ...parts, ends, submit };
}

Deno.test("an asynchronous call is accepted, waited for, and gives what the function gave", async () => {
  const { submit, send, ends, group, calls } = setUpHeld({ contentType: "text/x" });
  const accepted = await submit();
  const { callId, location } = await accepted.json();
  assert.deepEqual([accepted.status, accepted.headers.get("location")], [202, `/v1/calls/${callId}`]);
  assert.equal(accepted.headers.get("x-call-id"), callId);
  assert.equal((await (await send(location)).json()).status, "running");
  assert.equal((await send(`${location}/result`)).status, 409);
  assert.equal((await send(`${location}/logs`)).status, 409);
  assert.equal(new TextDecoder().decode(group.requests[0]!.input), "in");
  assert.equal(group.requests[0]!.environment!["REQUEST_METHOD"], "POST");
  const waiting = send(`${location}?wait=30s`);
  ends[0]!({
    output: UTF8.encode("out"),
    stdout: UTF8.encode("a\nb"),
    stdoutBytes: 3,
    stderr: UTF8.encode("e"),
    stderrBytes: 1,
  });
  const ended = await (await waiting).json();
  assert.deepEqual([ended.status, ended.kind, ended.outputBytes, ended.inputBytes], ["ok", "async", 3, 2]);
  const result = await send(`${location}/result`);
  assert.deepEqual([result.status, result.headers.get("content-type"), await result.text()], [200, "text/x", "out"]);
  assert.deepEqual(await (await send(`${location}/logs`)).json(), {
    stdout: "a\nb",
    stdoutBytes: 3,
    stderr: "e",
    stderrBytes: 1,
  });
  assert.equal(await (await send(`${location}/logs?stream=stderr`)).text(), "e");
  await calls.settled();
});

Deno.test("wait gives up after its time, or the longest that is allowed", async () => {
  const { submit, send, clock } = setUpHeld();
  const { location } = await (await submit()).json();
  const waiting = send(`${location}?wait=2h`);
  await settle();
  clock.fire();
  assert.equal((await (await waiting).json()).status, "running");
  assert.equal((await send(`${location}?wait=x`)).status, 400);
  assert.equal((await send(`/v1/calls/none?wait=1s`)).status, 404);
});

Deno.test("the same idempotency key is the same call", async () => {
  const { submit, group } = setUpHeld();
  const headers = { "idempotency-key": "k1" };
  const [first, again] = [await submit({ headers }), await submit({ headers })];
  assert.equal((await again.json()).callId, (await first.json()).callId);
  assert.deepEqual([first, again].map((one) => one.headers.get("idempotency-replayed")), [null, "true"]);
  assert.equal(group.requests.length, 1);
  assert.equal((await submit({ headers: { "idempotency-key": "k2" } })).status, 202);
  assert.equal((await submit({ headers: { "idempotency-key": "k".repeat(257) } })).status, 400);
});

Deno.test("an asynchronous call is refused with 404, 413, 429 and 507, and then nothing is left of it", async () => {
  const { submit, send, store, calls, registry } = setUpHeld({ concurrency: 1, queue: 1, inputBytes: 4 });
  assert.equal((await send("/async-function/nothing", { method: "POST" })).status, 404);
  assert.equal((await submit({ body: "12345" })).status, 413);
  assert.deepEqual([(await submit()).status, (await submit()).status, (await submit()).status], [202, 202, 429]);
  assert.equal(store.calls.size, 2);
  assert.equal(calls.open, 2);
  store.fails = Object.assign(new Error("disk full"), {});
  registry.add("slow", { concurrency: 9, queue: 9 });
  assert.equal((await submit()).status, 500);
  assert.equal(calls.open, 2);
});

Deno.test("a call that failed says so as a synchronous answer would", async () => {
  const { submit, send, ends } = setUpHeld();
  const { location } = await (await submit()).json();
  const error = { code: "ERR_GUEST_TRAP" as const, message: "unreachable\n  at inner\n  at outer" };
  ends[0]!({ status: "trap", error, stderr: UTF8.encode("why") });
  const { error: shown } = await (await send(`${location}?wait=9s`)).json();
  assert.deepEqual(shown, error);
  const result = await send(`${location}/result`);
  const problem = await result.json();
  assert.deepEqual([result.status, problem.code, problem.details, problem.stderr], [
    502,
    "ERR_GUEST_TRAP",
    ["at inner", "at outer"],
    "why",
  ]);
});

Deno.test("DELETE cancels a call that runs or waits, synchronous ones too, and says when it has ended", async () => {
  const { submit, send, group, registry } = setUpHeld({ concurrency: 1, queue: 5 });
  const running = await (await submit()).json();
  const waiting = await (await submit()).json();
  const cancel = (id: string) => send(`/async-function/${id}`, { method: "DELETE" });
  assert.equal((await cancel(waiting.callId)).status, 202);
  assert.equal((await (await send(`${waiting.location}?wait=1s`)).json()).status, "cancelled");
  assert.equal((await cancel(running.callId)).status, 202);
  assert.equal((await (await send(`${running.location}?wait=1s`)).json()).status, "cancelled");
  assert.equal((await cancel(running.callId)).status, 409);
  assert.equal((await cancel("none")).status, 404);
  registry.add("other");
  const answer = send("/function/other", { method: "POST", body: "x" });
  await settle();
  const { calls: [open] } = await (await send("/v1/calls?status=running")).json();
  assert.deepEqual([open.function, open.kind], ["other", "sync"]);
  assert.equal((await cancel(open.callId)).status, 202);
  assert.equal((await answer).status, 499);
  assert.equal(group.cancelled.length, 2);
});

Deno.test("calls are listed newest first, by function, status and time, a page at a time", async () => {
  const { send, registry, group, clock } = setUp();
  registry.add("a");
  registry.add("b");
  group.respond = ({ input }) => (input[0] === 33 ? { status: "guest-error", returnValue: 3 } : { output: input });
  const ids: string[] = [];
  for (const [name, body] of [["a", "1"], ["a", "!"], ["b", "2"], ["a", "3"]]) {
    clock.nowMs += 1_000;
    const answer = await send(`/function/${name}`, { method: "POST", body: body! });
    ids.push(answer.headers.get("x-call-id")!);
  }
  const list = async (query: string) => {
    const { calls, cursor } = await (await send(`/v1/calls${query}`)).json();
    return { ids: calls.map((one: { callId: string }) => ids.indexOf(one.callId)), cursor };
  };
  assert.deepEqual((await list("")).ids, [3, 2, 1, 0]);
  assert.deepEqual((await list("?function=a&status=ok")).ids, [3, 0]);
  assert.deepEqual((await list("?status=failed")).ids, [1]);
  assert.deepEqual((await list("?status=guest-error&function=b")).ids, []);
  assert.deepEqual((await list("?since=2s")).ids, [3, 2, 1]);
  assert.deepEqual((await list(`?since=${new Date(clock.epochMs() - 500).toISOString()}`)).ids, [3]);
  const page = await list("?limit=3");
  assert.deepEqual(page.ids, [3, 2, 1]);
  assert.deepEqual((await list(`?limit=3&cursor=${page.cursor}`)).ids, [0]);
  for (const query of ["?status=x", "?limit=x", `?limit=${CALL_LIMITS.pageMax + 1}`, "?since=x", "?function=A"]) {
    assert.equal((await send(`/v1/calls${query}`)).status, 400, query);
  }
  assert.equal((await send(`/v1/calls/${ids[0]}/result`)).status, 404, "a synchronous call's answer is not kept");
});

Deno.test("logs of a function: those that were, the last of them, and those to come", async () => {
  const { send, registry, group, app, clock } = setUp();
  registry.add("talk");
  group.respond = ({ input }) => ({
    stdout: input,
    stdoutBytes: input.length,
    stderr: UTF8.encode("E\n"),
    stderrBytes: 2,
  });
  const talk = (body: string) => send("/function/talk", { method: "POST", body });
  const texts = async (query: string) => {
    const text = await (await send(`/v1/functions/talk/logs${query}`)).text();
    return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)).map((line) => line.text);
  };
  await talk("one\ntwo\n");
  clock.nowMs += 1;
  await talk("three");
  assert.deepEqual(await texts(""), ["one", "two", "E", "three", "E"]);
  assert.deepEqual(await texts("?tail=2"), ["three", "E"]);
  assert.equal((await send("/v1/functions/nothing/logs")).status, 404);
  const following = await send("/v1/functions/talk/logs?follow=1&tail=0");
  const reader = following.body!.pipeThrough(new TextDecoderStream()).getReader();
  group.respond = () => ({ status: "trap", error: { code: "ERR_GUEST_TRAP", message: "unreachable" } });
  await talk("x");
  const { value } = await reader.read();
  assert.deepEqual([JSON.parse(value!).stream, JSON.parse(value!).text], [
    "faaslet",
    "trap ERR_GUEST_TRAP: unreachable",
  ]);
  app.endStreams();
  assert.equal((await reader.read()).done, true);
});

Deno.test("a restart: what ended stays, what was open ends as host lost, or runs again when it is idempotent", async () => {
  const before = setUpHeld({ idempotent: false });
  const done = await (await before.submit()).json();
  before.ends[0]!({ output: UTF8.encode("kept") });
  await before.calls.settled();
  const lost = await (await before.submit()).json();
  before.registry.add("slow", { idempotent: true });
  const again = await (await before.submit()).json();
  const after = setUp();
  for (const name of ["calls", "keys", "bodiesOf", "results"] as const) {
    for (const [key, value] of before.store[name]) after.store[name].set(key, value as never);
  }
  const record = after.registry.add("slow", { idempotent: true });
  after.registry.asleep.set("default/slow", { functionId: 1, record });
  after.group.respond = ({ input }) => ({ output: UTF8.encode(`again ${new TextDecoder().decode(input)}`) });
  await after.calls.start();
  await after.calls.settled();
  const status = async (one: { location: string }) => (await (await after.send(one.location)).json()).status;
  assert.deepEqual([await status(done), await status(lost), await status(again)], ["ok", "host-lost", "ok"]);
  assert.equal(await (await after.send(`${done.location}/result`)).text(), "kept");
  assert.equal(await (await after.send(`${again.location}/result`)).text(), "again in");
  assert.equal((await after.send(`${lost.location}/result`)).status, 503);
  assert.equal(after.group.requests.length, 1);
  await after.calls.close();
  // One that takes its host down each time is not run for ever.
  const call = [...before.store.calls.values()].find(({ callId }) => callId === again.callId)!;
  const third = setUp();
  third.store.calls.set(call.callId, { ...call, runs: CALL_LIMITS.runsMax });
  third.store.bodiesOf.set(call.callId, before.store.bodiesOf.get(call.callId)!);
  await third.calls.start();
  assert.equal((await (await third.send(again.location)).json()).status, "host-lost");
  await third.calls.close();
});

Deno.test("ended calls go when they are too many or too old, failed ones last", async () => {
  const { calls, store, clock, submit, ends } = setUpHeld({ concurrency: 100, queue: 100 });
  await calls.start();
  for (let at = 0; at < 4; at++) await submit();
  ends[0]!({ output: new Uint8Array(3) });
  ends[1]!({ status: "guest-error", returnValue: 1 });
  await until(() => [...store.calls.values()].filter(({ record }) => record).length === 2, "two calls have ended");
  clock.nowMs += CALL_LIMITS.keptMs + 1;
  clock.fire();
  await until(() => store.calls.size === 3, "one is forgotten");
  assert.deepEqual([...store.calls.values()].map(({ record }) => record?.status), [
    "guest-error",
    undefined,
    undefined,
  ]);
  clock.nowMs += CALL_LIMITS.failedKeptMs;
  clock.fire();
  await until(() => store.calls.size === 2, "those that are open stay");
  ends[2]!({});
  ends[3]!({});
  await calls.close();
});
