/**
 * F51, the part of panics: a panic in trusted code ends one call with `ERR_BUG` and nothing else. Goal: the process lives, others
 * do not notice, nothing is printed, nothing of the host's insides reaches a client. Method: a host function that panics on
 * purpose, in a process of its own and behind a real host.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { guest } from "../support/guests.ts";
import { rounds } from "../support/long.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

const PANIC_TEXT = /panicked|RUST_BACKTRACE|stack backtrace|thread '/;

Deno.test("F51: a panic in a host function ends its call, and prints nothing", async () => {
  const count = rounds(200, 20_000);
  const script = fileURLToPath(new URL("../support/panicking.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", script, String(count)],
  });
  const { code, stdout, stderr } = await child.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.equal(code, 0);
  const { entries, inInitialiser, counts, discarded } = JSON.parse(new TextDecoder().decode(stdout));
  assert.equal(inInitialiser, "ERR_BUG");
  for (const entry of entries) assert.notEqual(entry, "undefined");
  const others = Object.entries<number>(counts).filter(([end]) => end !== "ok true");
  assert.equal(others.length, 1, Deno.inspect(counts));
  const [panicked, panics] = others[0]!;
  assert.match(panicked, /^trap ERR_BUG asked for by __faasm_host_interface_test\(7\) \(.*input_output\.rs:\d+:\d+\)/);
  assert.deepEqual([panics, counts["ok true"]], [count / 2, count / 2]);
  assert.equal(discarded, count / 2, "no Faaslet that panicked is used again");
});

Deno.test("F51: a client learns that it was a fault of ours, and no more", async () => {
  using scratch = new Scratch();
  await using host = await RealHost.start(`${scratch.path}/data`);
  for (const name of ["panic", "echo"]) {
    const body = guest(name) as Uint8Array<ArrayBuffer>;
    const headers = { "content-type": "application/wasm" };
    const settings = await fetch(`${host.url}/v1/functions/${name}`, { method: "PUT", headers, body });
    assert.equal(settings.status, 201, await settings.text());
  }
  for (let call = 0; call < 20; call++) {
    const answer = await fetch(`${host.url}/function/panic`, { method: "POST" });
    const { code, detail, details } = await answer.json();
    assert.deepEqual([answer.status, code, details], [500, "ERR_BUG", undefined]);
    assert.doesNotMatch(detail, /asked for|input_output|\.rs/);
    const bystander = await fetch(`${host.url}/function/echo`, { method: "POST", body: `${call}` });
    assert.equal(await bystander.text(), `${call}`);
  }
  assert.doesNotMatch(host.stderr, PANIC_TEXT);
  const { code } = await host.stop();
  assert.equal(code, 0, "it ends as it should");
  assert.doesNotMatch(host.stderr, PANIC_TEXT);
});
