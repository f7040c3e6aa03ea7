/**
 * Goal: a function that writes its output by a host call says status and headers of its answer, to whoever waits and to
 * whoever asks later; what cannot stand in a head is refused at once, and nothing is left for the next call. Method: the
 * probe in a group, and a module on a real host.
 */
import assert from "node:assert/strict";
import { HTTP_LIMITS } from "../limits.ts";
import { faaslet } from "./support/cli.ts";
import { assemble } from "./support/guests.ts";
import { DATA, type Step, withProbe } from "./support/probe.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";

const UTF8 = new TextEncoder();
const TEXT = new TextDecoder();
/** WASI's numbers. */
const [E2BIG, EINVAL, EPERM] = [1, 28, 63];

/** Steps that set headers, with an error number after each; and their strings. */
function setHeaders(headers: readonly (readonly [name: string, value: string])[]): { steps: Step[]; data: Uint8Array } {
  const steps: Step[] = [];
  let text = "";
  for (const [name, value] of headers) {
    const at = DATA + UTF8.encode(text).length;
    steps.push(["__faaslet_set_header", at, at + UTF8.encode(name).length + 1], ["__faaslet_errno"]);
    text += `${name}\0${value}\0`;
  }
  return { steps, data: UTF8.encode(text) };
}

Deno.test("status and headers are the call's own, in the order in which they were first set", async () => {
  await withProbe({}, async (probe) => {
    const { steps, data } = setHeaders([["X-One", "1"], ["set-cookie", "a"], ["x-one", "2"], ["Set-Cookie", "b"]]);
    const { outcome } = await probe.run([["__faaslet_set_status", 404], ["__faaslet_set_status", 201], ...steps], data);
    assert.equal(outcome.status, "ok", outcome.error?.message);
    assert.equal(TEXT.decode(outcome.head), "status: 201\nx-one: 2\nset-cookie: a\nset-cookie: b\n");
    const next = await probe.run([]);
    assert.equal(next.outcome.head, undefined, "nothing is left for the next call");
    const failed = await probe.run([["__faaslet_set_status", 201], ["__faasm_host_interface_test", 1]]);
    assert.deepEqual([failed.outcome.status, failed.outcome.head], ["trap", undefined]);
  });
});

Deno.test("what cannot stand in a head is refused at once and by name", async () => {
  await withProbe({}, async (probe) => {
    const many = Array.from({ length: HTTP_LIMITS.answerHeadersMax + 1 }, (_, at) => [`x-${at}`, "1"] as const);
    const cases = [
      [[["", "x"]], EINVAL],
      [[["x y", "1"]], EINVAL],
      [[["x", "1\r\ny: 2"]], EINVAL],
      [[["status", "200"]], EINVAL],
      [[["Content-Length", "5"]], EPERM],
      [[["connection", "close"]], EPERM],
      [many, E2BIG],
      [[["x", "v".repeat(HTTP_LIMITS.answerHeadBytesMax)]], E2BIG],
    ] as const;
    for (const [headers, errno] of cases) {
      const { steps, data } = setHeaders(headers);
      const { results, outcome } = await probe.run(steps, data);
      assert.deepEqual(results.slice(-2), [-1, errno], `${JSON.stringify(headers.at(-1)).slice(0, 80)}`);
      const kept = TEXT.decode(outcome.head).split("\n").length - 1;
      assert.equal(kept, headers.length - 1, "what was set before stays");
    }
    const { results, outcome } = await probe.run([199, 600, -1].map((status) => ["__faaslet_set_status", status]));
    assert.deepEqual([results, outcome.head], [[-1, -1, -1], undefined]);
  });
});

Deno.test("an answer has the status and headers that its function set, now and when it is asked for later", async () => {
  using scratch = new Scratch();
  const wasm = scratch.write(
    "made.wasm",
    assemble(`(module
      (import "env" "__faaslet_set_status" (func $status (param i32) (result i32)))
      (import "env" "__faaslet_set_header" (func $header (param i32 i32) (result i32)))
      (import "env" "__faasm_write_output" (func $output (param i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "content-type\\00text/x\\00x-call-id\\00forged\\00set-cookie\\00a=1\\00b=2\\00body")
      (func (export "handle") (result i32)
        (drop (call $status (i32.const 201)))
        (drop (call $header (i32.const 0) (i32.const 13)))
        (drop (call $header (i32.const 20) (i32.const 30)))
        (drop (call $header (i32.const 37) (i32.const 48)))
        (drop (call $header (i32.const 37) (i32.const 52)))
        (call $output (i32.const 56) (i32.const 4))
        (i32.const 0)))`),
  );
  await using host = await RealHost.start(`${scratch.path}/data`);
  const deployed = await faaslet(["deploy", wasm, "--gateway", host.url]);
  assert.equal(deployed.code, 0, deployed.stderr);
  const now = await fetch(`${host.url}/function/made`, { method: "POST" });
  const accepted = await fetch(`${host.url}/async-function/made`, { method: "POST" });
  const { callId } = await accepted.json();
  const later = await fetch(`${host.url}/v1/calls/${callId}/result?wait=30s`);
  for (const answer of [now, later]) {
    assert.equal(await answer.text(), "body");
    assert.deepEqual([answer.status, answer.headers.get("content-type")], [201, "text/x"]);
    assert.deepEqual(answer.headers.getSetCookie(), ["a=1", "b=2"]);
    assert.notEqual(answer.headers.get("x-call-id"), "forged");
  }
});
