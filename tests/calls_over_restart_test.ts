/**
 * Goal: what is promised of calls when a host dies. Method: a host in a process of its own, killed while calls run, wait and
 * have just ended, and started again on the same directory.
 */
import assert from "node:assert/strict";
import { CALL_LIMITS } from "../limits.ts";
import { guest } from "./support/guests.ts";
import { RealHost } from "./support/real_host.ts";
import { Scratch } from "./support/scratch.ts";
import { until } from "./support/until.ts";

interface View {
  readonly callId: string;
  readonly status: string;
  readonly error?: { readonly message: string };
}

async function deploy(host: RealHost, name: string, module: string, settings: Record<string, unknown>): Promise<void> {
  const form = new FormData();
  form.append("module", new File([new Uint8Array(guest(module))], "module.wasm"));
  form.append("settings", JSON.stringify(settings));
  const answer = await fetch(`${host.url}/v1/functions/${name}`, { method: "PUT", body: form });
  assert.equal(answer.status, 201, await answer.text());
}

async function submit(host: RealHost, name: string, body: BodyInit): Promise<string> {
  const answer = await fetch(`${host.url}/async-function/${name}`, { method: "POST", body });
  const { callId } = await answer.json();
  assert.equal(answer.status, 202);
  return callId;
}

async function view(host: RealHost, callId: string, query = ""): Promise<View> {
  return await (await fetch(`${host.url}/v1/calls/${callId}${query}`)).json();
}

async function recordsOnDisk(host: RealHost): Promise<number> {
  const metrics = await (await fetch(`${host.url}/metrics`)).text();
  return Number(/^faaslet_call_records_written_total (\d+)$/m.exec(metrics)![1]);
}

Deno.test("kill -9: ended calls keep their results, open ones are lost or run again, and functions need no compiler", async () => {
  using scratch = new Scratch();
  const minute = new Uint8Array([96, 234, 0, 0]);
  let ids: Record<"done" | "lost" | "again", string>;
  let failedId: string;
  {
    await using host = await RealHost.start(scratch.path);
    await deploy(host, "echo", "echo", {});
    await deploy(host, "sleep", "sleep", { concurrency: 1 });
    await deploy(host, "again", "sleep", { idempotent: true });
    const done = await submit(host, "echo", "kept");
    assert.equal((await view(host, done, "?wait=20s")).status, "ok");
    const failed = await fetch(`${host.url}/function/echo`, { method: "POST", body: "!A" });
    assert.equal(failed.status, 502);
    await failed.body?.cancel();
    failedId = failed.headers.get("x-call-id")!;
    ids = { done, lost: await submit(host, "sleep", minute), again: await submit(host, "again", minute) };
    await until(async () => (await view(host, ids.again)).status === "running", "it runs");
    // Records of synchronous calls are on disk after a flush; a crash before it may lose them, as the limits say.
    await until(async () => await recordsOnDisk(host) > 0, "the record is on disk", 10 * CALL_LIMITS.flushMs);
    host.kill("SIGKILL");
    await host.ended();
  }
  await using host = await RealHost.start(scratch.path);
  assert.equal((await view(host, ids.done)).status, "ok");
  assert.equal(await (await fetch(`${host.url}/v1/calls/${ids.done}/result`)).text(), "kept");
  const lost = await view(host, ids.lost);
  assert.deepEqual([lost.status, /not marked idempotent/.test(lost.error!.message)], ["host-lost", true]);
  assert.equal((await view(host, ids.again)).status, "running");
  const { calls } = await (await fetch(`${host.url}/v1/calls?status=failed`)).json();
  assert.deepEqual(calls.map((call: View) => call.callId).sort(), [failedId, ids.lost].sort());
  const metrics = await (await fetch(`${host.url}/metrics`)).text();
  assert.match(metrics, /^faaslet_compilations_total 0$/m);
  const cancel = await fetch(`${host.url}/async-function/${ids.again}`, { method: "DELETE" });
  assert.equal(cancel.status, 202);
  assert.equal((await view(host, ids.again, "?wait=20s")).status, "cancelled");
  await host.stop();
});

Deno.test("serve --records 0 remembers no call that was waited for, and leaves what an earlier host wrote", async () => {
  using scratch = new Scratch();
  const call = async (host: RealHost) => {
    const answer = await fetch(`${host.url}/function/echo`, { method: "POST", body: "x" });
    assert.deepEqual([answer.status, await answer.text()], [200, "x"]);
    return answer.headers.get("x-call-id")!;
  };
  const known = async (host: RealHost) => {
    const { calls } = await (await fetch(`${host.url}/v1/calls`)).json();
    return calls.map(({ callId }: View) => callId);
  };
  const kept: string[] = [];
  {
    await using host = await RealHost.start(scratch.path);
    await deploy(host, "echo", "echo", {});
    kept.push(await call(host));
    await host.stop();
  }
  {
    await using host = await RealHost.start(scratch.path, ["--records", "0"]);
    await call(host);
    const submitted = await submit(host, "echo", "y");
    assert.equal((await view(host, submitted, "?wait=20s")).status, "ok");
    assert.deepEqual(await known(host), [submitted]);
    kept.push(submitted);
    await host.stop();
  }
  await using host = await RealHost.start(scratch.path);
  assert.deepEqual((await known(host)).sort(), kept.sort());
});
