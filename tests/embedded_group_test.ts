/** Goal: the embedded worker group keeps the interface's promises and leaves nothing behind. */
import assert from "node:assert/strict";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { native } from "../runtime/native/mod.ts";
import { guest, imageOf } from "./support/guests.ts";
import { until } from "./support/until.ts";
import { workerGroupConformance } from "./support/worker_group_conformance.ts";

workerGroupConformance("EmbeddedGroup", () => Promise.resolve(new EmbeddedGroup({ threadsMax: 64 })));

Deno.test("EmbeddedGroup: a closed group leaves no thread, no memory and no group behind", async () => {
  const group = new EmbeddedGroup();
  await group.install(imageOf(1, guest("echo")));
  const calls = Array.from({ length: 50 }, (_, at) => {
    return group.call({ id: at + 1, functionId: 1, input: new Uint8Array([1]), timeoutMs: 5_000 });
  });
  await Promise.all(calls);
  assert.ok(native.live().memories > 0);
  await group.close();
  await until(() => {
    const live = native.live();
    return live.threads + live.memories + live.runningGuests === 0;
  }, "all is gone");
});

Deno.test("EmbeddedGroup: an isolate that ends without closing its group stops its guests", async () => {
  const worker = new Worker(new URL("./support/abandoning_worker.ts", import.meta.url), { type: "module" });
  await new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = (event) => reject(new Error(event.message));
  });
  assert.ok(native.live().runningGuests > 0, "its guest runs");
  worker.terminate();
  await until(() => native.live().runningGuests === 0, "its guest was stopped");
  await until(() => native.live().threads === 0, "its threads have ended");
});
