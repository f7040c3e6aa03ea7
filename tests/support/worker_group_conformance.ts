/**
 * What every worker group must do, whatever it runs in. `workerGroupConformance` registers the suite for one of them.
 *
 * Goal: the interface's promises (`runtime/worker_group.ts`), seen from its user. Method: real modules; every message is
 * sent through a structured clone on the way, so that nothing but plain messages can pass.
 */
import assert from "node:assert/strict";
import type { CallOutcome, CallRequest, FunctionImage, HostCall, WorkerGroup } from "../../runtime/mod.ts";
import type { LocalTier } from "../../state/mod.ts";
import { guest, imageOf, type ImageOptions } from "./guests.ts";
import { until } from "./until.ts";

const TEXT = new TextDecoder();

export function workerGroupConformance(name: string, open: () => Promise<WorkerGroup>): void {
  function check(what: string, body: (group: Driver) => Promise<void>): void {
    Deno.test(`${name}: ${what}`, async () => {
      const driver = new Driver(await open());
      try {
        await body(driver);
      } finally {
        await driver.group.close();
      }
    });
  }

  check("a call gets its input and answers with bytes of any value", async (driver) => {
    await driver.install("echo");
    for (const length of [0, 1, 65_535, 65_536, 3_000_000]) {
      const input = Uint8Array.from({ length }, (_, at) => (at * 7) & 0xff);
      const outcome = await driver.call({ input });
      assert.equal(outcome.status, "ok");
      assert.deepEqual(outcome.output, input);
    }
  });

  check("a return value other than 0 is a guest error that keeps its output", async (driver) => {
    await driver.install("echo");
    const outcome = await driver.call({ input: new TextEncoder().encode("!A") });
    assert.equal(outcome.status, "guest-error");
    assert.equal(outcome.returnValue, 65);
    assert.equal(TEXT.decode(outcome.output), "!A");
    assert.equal(outcome.error, undefined);
  });

  check("a command's standard output is its answer, its exit code the return value", async (driver) => {
    await driver.install("print");
    const outcome = await driver.call({});
    assert.equal(outcome.status, "guest-error");
    assert.equal(outcome.returnValue, 3);
    assert.equal(TEXT.decode(outcome.output), "answer");
    assert.equal(TEXT.decode(outcome.stderr), "trace");
  });

  check("each call starts where the Proto-Faaslet is, however warm", async (driver) => {
    const report = await driver.install("counter", { init: "init" });
    assert.equal(report.memoryBytes, 2 * 65_536);
    const starts = new Set<string>();
    for (const start of ["warm", "warm", "proto", "cold", "warm", "warm"] as const) {
      const outcome = await driver.call({ start });
      assert.deepEqual([...outcome.output], [1, 1, 1, 1], `after a start that is ${outcome.start}`);
      starts.add(outcome.start);
      await driver.settled();
    }
    assert.deepEqual([...starts].sort(), ["cold", "proto", "warm"]);
  });

  check("tables are restored, and a module that drops segments starts anew for each call", async (driver) => {
    const report = await driver.install("tables", { init: "init" });
    assert.equal(report.restoredEachCall, true);
    for (let call = 0; call < 4; call++) {
      const outcome = await driver.call({});
      assert.equal(outcome.status, "ok", outcome.error?.message);
      assert.deepEqual([...outcome.output], [5]);
      assert.notEqual(outcome.start, "warm");
      await driver.settled();
    }
  });

  check("a Proto-Faaslet that was taken out and put in serves as the one that an initialiser made", async (driver) => {
    for (const name of ["counter", "tables"]) {
      const image = imageOf(1, guest(name), { init: "init" });
      const made = await driver.group.install(image);
      const { bytes } = await driver.group.snapshot(1, 1 << 20);
      await driver.group.remove(1);
      const before = await driver.group.stats();
      const report = await driver.group.install({ ...image, snapshot: bytes! });
      assert.deepEqual([report.isFromSnapshot, report.snapshotRefused, report.initUs], [true, undefined, 0]);
      assert.deepEqual([report.memoryBytes, report.snapshotBytes], [made.memoryBytes, made.snapshotBytes]);
      assert.equal((await driver.group.stats()).idleFaaslets, before.idleFaaslets + 1, "the first one is ready");
      for (const start of ["warm", "warm", "proto"] as const) {
        const outcome = await driver.call({ start });
        assert.deepEqual([...outcome.output], name === "tables" ? [5] : [1, 1, 1, 1], outcome.error?.message);
        await driver.settled();
      }
      await driver.group.remove(1);
    }
  });

  check("a Proto-Faaslet that cannot be used is refused, and the initialiser runs", async (driver) => {
    const image = imageOf(1, guest("counter"), { init: "init" });
    const report = await driver.group.install({ ...image, snapshot: new Uint8Array(100_000) });
    assert.match(report.snapshotRefused ?? "", /not a snapshot of this function/);
    assert.equal(report.isFromSnapshot, false);
    assert.deepEqual([...(await driver.call({})).output], [1, 1, 1, 1]);
    assert.deepEqual(await driver.group.snapshot(1, 100), { hindrance: "it is larger than 100 bytes" });
    await assert.rejects(driver.group.snapshot(7, 1 << 20), { code: "ERR_NOT_FOUND" });
    await driver.group.install(imageOf(2, guest("echo")));
    assert.deepEqual(await driver.group.snapshot(2, 1 << 20), {}, "no initialiser ran");
  });

  check("arguments and environment are the function's, then the call's, and nothing else", async (driver) => {
    await driver.install("environment", { image: { arguments: ["a"], environment: { A: "1", B: "two=2" } } });
    const outcome = await driver.call({ arguments: ["b c"], environment: { C: "ü" } });
    assert.equal(TEXT.decode(outcome.output), "test\0a\0b c\0A=1\0B=two=2\0C=ü\0");
    const next = await driver.call({});
    assert.equal(TEXT.decode(next.output), "test\0a\0A=1\0B=two=2\0", "nothing of the last call is left");
  });

  check("a trap names itself and its frames, and leaves no output", async (driver) => {
    await driver.install("trap");
    const outcome = await driver.call({});
    assert.equal(outcome.status, "trap");
    assert.equal(outcome.error?.code, "ERR_GUEST_TRAP");
    assert.match(outcome.error?.message ?? "", /unreachable[^]*inner[^]*outer/);
    assert.equal(outcome.output.length, 0);
    assert.equal((await driver.group.stats()).idleFaaslets, 0, "it is never used again");
  });

  check("a call ends at its deadline, computing or waiting", async (driver) => {
    await driver.install("spin");
    await driver.install("sleep");
    for (const functionId of [1, 2]) {
      const outcome = await driver.call({ functionId, timeoutMs: 30, input: new Uint8Array([255, 255, 0, 0]) });
      assert.equal(outcome.status, "timeout");
      assert.equal(outcome.error?.code, "ERR_CALL_TIMEOUT");
    }
  });

  check("cancel ends a running call, a waiting call and no other", async (driver) => {
    await driver.install("spin");
    await driver.install("sleep");
    const minute = new Uint8Array([96, 234, 0, 0]);
    const calls = [driver.call({ id: 900 }), driver.call({ id: 901, functionId: 2, input: minute })];
    const other = driver.call({ id: 902, functionId: 2, input: new Uint8Array(4) });
    driver.group.cancel(900);
    driver.group.cancel(901);
    driver.group.cancel(12_345);
    for (const call of calls) {
      const outcome = await call;
      assert.equal(outcome.status, "cancelled");
      assert.equal(outcome.error?.code, "ERR_CALL_CANCELLED");
    }
    assert.equal((await other).status, "ok");
  });

  check("more calls than processors make progress together", async (driver) => {
    await driver.install("sleep");
    await driver.install("echo");
    const minute = new Uint8Array([96, 234, 0, 0]);
    const blocked = Array.from({ length: 20 }, (_, at) => driver.call({ id: 500 + at, input: minute }));
    const outcome = await driver.call({ functionId: 2, input: new Uint8Array([1]) });
    assert.equal(outcome.status, "ok");
    for (let at = 0; at < 20; at++) driver.group.cancel(500 + at);
    for (const call of blocked) assert.equal((await call).status, "cancelled");
  });

  check("an initialiser that fails, installs nothing and says why", async (driver) => {
    await assert.rejects(driver.install("init_fails", { init: "trap" }), {
      code: "ERR_INIT",
      message: /unreachable[^]*starting/,
    });
    const limits = { initTimeoutMs: 30 };
    await assert.rejects(driver.install("init_fails", { init: "loop", limits }), {
      code: "ERR_INIT",
      message: /30 ms/,
    });
    await assert.rejects(driver.install("start_loops", { limits }), { code: "ERR_INIT", message: /30 ms/ });
    assert.equal((await driver.group.stats()).functions, 0);
  });

  check("what is not there is refused by name", async (driver) => {
    await assert.rejects(driver.call({ functionId: 77 }), { code: "ERR_NOT_FOUND" });
    await assert.rejects(driver.group.remove(77), { code: "ERR_NOT_FOUND" });
    await assert.rejects(driver.group.trim(77, 0), { code: "ERR_NOT_FOUND" });
    const image = imageOf(5, guest("noop"));
    const broken = { ...image, artefact: new TextEncoder().encode("not an artefact") };
    await assert.rejects(driver.group.install(broken), { code: "ERR_ARTEFACT" });
  });

  check("a removed function finishes what runs and takes nothing new", async (driver) => {
    await driver.install("sleep");
    const running = driver.call({ id: 40, input: new Uint8Array([50, 0, 0, 0]) });
    await driver.group.remove(1);
    await assert.rejects(driver.call({}), { code: "ERR_NOT_FOUND" });
    assert.equal((await running).status, "ok");
    await until(async () => (await driver.group.stats()).runningCalls === 0, "the call has ended");
    assert.equal((await driver.group.stats()).idleFaaslets, 0);
  });

  check("idle Faaslets are kept up to the limit and trimmed on demand", async (driver) => {
    await driver.install("sleep", { limits: { idle: 3 } });
    const input = new Uint8Array([20, 0, 0, 0]);
    await Promise.all(Array.from({ length: 6 }, (_, at) => driver.call({ id: 700 + at, input })));
    await until(async () => (await driver.group.stats()).idleFaaslets === 3, "three are idle");
    await driver.group.trim(1, 1);
    assert.equal((await driver.group.stats()).idleFaaslets, 1);
  });

  check("Faaslets are warmed ahead of their calls, up to the limit", async (driver) => {
    await driver.install("noop", { limits: { idle: 5 } });
    assert.equal(await driver.group.warm(1, 3), 3);
    assert.equal((await driver.call({})).start, "warm");
    assert.equal(await driver.group.warm(1, 100), 5);
    assert.equal((await driver.group.stats()).idleFaaslets, 5);
    await assert.rejects(driver.group.warm(77, 1), { code: "ERR_NOT_FOUND" });
  });

  check("logs keep their first bytes and count all", async (driver) => {
    await driver.install("flood", { limits: { logBytes: 1_000 } });
    const outcome = await driver.call({});
    assert.equal(outcome.stdout.length, 1_000);
    assert.equal(outcome.stdoutBytes, 2 ** 30);
    assert.equal(outcome.stderr.length, 1_000);
    assert.equal(outcome.stderrBytes, 2 ** 30);
  });

  check("host calls go out with what the guest asked, and their answers come back", async (driver) => {
    await driver.install("chain");
    const asked: HostCall[] = [];
    driver.group.listen((call) => {
      asked.push(call);
      const { callId, ticket, operation, bytes } = call;
      if (operation === "await") driver.group.answer({ callId, ticket, value: 0, bytes: asked[0]!.bytes });
      else assert.equal(bytes.length, 4);
    });
    const outcome = await driver.call({
      id: 77,
      input: new Uint8Array([2, 1, 0, 0, 0]),
      chains: { calls: 5, bytes: 99 },
    });
    assert.equal(outcome.status, "ok", outcome.error?.message);
    const [first, second] = asked;
    assert.deepEqual([first!.operation, first!.text, first!.callId, first!.ticket], ["chain", "leaf", 77, 1]);
    assert.deepEqual([second!.operation, second!.ticket], ["await", 1]);
  });

  check("a call chains no more than it was granted", async (driver) => {
    await driver.install("chain");
    driver.group.listen(() => {});
    const input = new Uint8Array([2, 3, 0, 0, 0]);
    for (const chains of [undefined, { calls: 2, bytes: 100 }, { calls: 3, bytes: 11 }]) {
      const outcome = await driver.call({ input, ...(chains && { chains }) });
      assert.equal(outcome.error?.code, "ERR_CHAIN_BUDGET");
    }
  });

  check("a host call's answer that is an error ends the call with it; a late answer does nothing", async (driver) => {
    await driver.install("chain");
    driver.group.listen(({ callId, ticket }) => {
      driver.group.answer({ callId, ticket, value: 0, error: { code: "ERR_CAPACITY", message: "no room" } });
    });
    const chains = { calls: 1, bytes: 9 };
    const outcome = await driver.call({ id: 78, input: new Uint8Array([2, 1, 0, 0, 0]), chains });
    assert.deepEqual([outcome.status, outcome.error?.code], ["trap", "ERR_CAPACITY"]);
    driver.group.answer({ callId: 78, ticket: 1, value: 0 });
    driver.group.answer({ callId: 12_345, ticket: 1, value: 0 });
  });

  check("a call that waits for an answer ends at its deadline and when it is cancelled", async (driver) => {
    await driver.install("chain");
    driver.group.listen(({ callId, operation }) => {
      if (operation === "await" && callId === 80) driver.group.cancel(80);
    });
    const request = { input: new Uint8Array([2, 1, 0, 0, 0]), chains: { calls: 1, bytes: 9 } };
    assert.equal((await driver.call({ id: 79, timeoutMs: 30, ...request })).status, "timeout");
    assert.equal((await driver.call({ id: 80, ...request })).status, "cancelled");
  });

  check("regions are filled, looked at and dropped by messages", async ({ group: { state } }) => {
    const chunks = [3, 4].map((seed) => new Uint8Array(65_536).fill(seed));
    const hashes = new Uint8Array(48).map((_, at) => 1 + Math.floor(at / 16));
    const head = { version: "0".repeat(19) + "7", bytes: 131_080, hashes };
    assert.equal(await state.regionStat("k"), undefined);
    assert.equal(await state.regionMissing("k", 0, 9), undefined);
    for (const [index, bytes] of chunks.entries()) await state.regionFill("k", index, bytes, false);
    assert.equal(await state.regionStat("k"), undefined, "what came is not known before the commit");
    await state.regionCommit("k", head, false);
    const info = await state.regionStat("k");
    const { used, ...known } = info!;
    assert.deepEqual(known, {
      key: "k",
      bytes: 131_080,
      bytesHere: 131_072,
      isMapped: false,
      mayBeChanged: false,
      version: head.version,
    });
    assert.deepEqual(await state.regions(), [{ ...known, used }]);
    assert.deepEqual(await state.regionMissing("k", 0, 9), [{ first: 2, end: 3 }]);
    assert.deepEqual(await state.regionHashes("k"), new Uint8Array([...hashes.subarray(0, 32), ...new Uint8Array(16)]));
    assert.deepEqual(await state.regionRead("k", 65_535, 2), new Uint8Array([3, 4]));
    assert.equal((await state.regionTotals()).bytes, 131_072);
    assert.equal(await state.regionDrop("k"), true);
    assert.deepEqual([await state.regions(), (await state.regionTotals()).bytes], [[], 0]);
  });

  check("a push of a region says what changed, and is settled or not", async (driver) => {
    const { state } = driver.group;
    await driver.install("share");
    await state.regionFill("shared", 0, new Uint8Array(128), false);
    const head = { version: "0".repeat(19) + "1", bytes: 128, hashes: new Uint8Array(16).fill(1) };
    await state.regionCommit("shared", head, false);
    assert.deepEqual(await state.regionBeginPush("shared", {}), { bytes: 128, base: head, chunks: [] });
    await state.regionAbortPush("shared");
    const input = (choice: number) => new Uint8Array([choice, 9, 0, 0, 0]);
    const both = await Promise.all([driver.call({ input: input(1) }), driver.call({ input: input(2) })]);
    assert.deepEqual(both.map(({ status }) => status), ["ok", "ok"]);
    await driver.settled();
    const changes = await state.regionBeginPush("shared", {});
    assert.deepEqual(changes, { bytes: 128, base: head, chunks: [0] });
    assert.deepEqual((await state.regionTake("shared", 0))!.subarray(0, 5), new Uint8Array([9, 0, 0, 0, 9]));
    assert.deepEqual(await state.regionTwin("shared", 0), new Uint8Array(128));
    assert.equal(await state.regionDrop("shared"), false, "it is being pushed");
    const next = { ...head, version: "0".repeat(19) + "2", hashes: new Uint8Array(16).fill(2) };
    await state.regionSettle("shared", next);
    assert.equal((await state.regionStat("shared"))!.version, next.version);
    assert.deepEqual(await state.regionHashes("shared"), next.hashes);
    await state.regionForget("shared");
    assert.equal(await state.regionStat("shared"), undefined);
    assert.equal(await state.regionBeginPush("shared", {}), undefined);
  });

  check("close ends what runs, answers every call, and refuses the rest", async (driver) => {
    await driver.install("spin");
    const running = [driver.call({ id: 1 }), driver.call({ id: 2 }), driver.call({ id: 3 })];
    await Promise.all([driver.group.close(), driver.group.close()]);
    for (const call of running) assert.equal((await call).status, "cancelled");
    await assert.rejects(driver.call({}), { code: "ERR_DRAINING" });
  });
}

/** A group behind structured clones, with short words for tests. */
class Driver {
  readonly group: WorkerGroup;
  #nextCall = 10_000;
  #nextFunction = 1;

  constructor(group: WorkerGroup) {
    this.group = cloning(group);
  }

  async install(name: string, options: ImageOptions = {}) {
    const report = await this.group.install(imageOf(this.#nextFunction, guest(name), options));
    this.#nextFunction++;
    return report;
  }

  call(request: Partial<CallRequest>): Promise<CallOutcome> {
    return this.group.call({
      id: this.#nextCall++,
      functionId: 1,
      input: new Uint8Array(0),
      timeoutMs: 20_000,
      ...request,
    });
  }

  /** Until the Faaslet of the last call is idle or gone: the answer goes out before the reset. */
  async settled(): Promise<void> {
    const stats = await this.group.stats();
    const used = stats.resets + stats.discarded;
    const ended = this.#nextCall - 10_000;
    if (used < ended) {
      await until(async () => {
        const now = await this.group.stats();
        return now.resets + now.discarded >= ended;
      }, "the Faaslet is reset or dropped");
    }
  }
}

function cloning(group: WorkerGroup): WorkerGroup {
  return {
    install: async (image: FunctionImage) => structuredClone(await group.install(structuredClone(image))),
    call: async (request) => structuredClone(await group.call(structuredClone(request))),
    snapshot: async (id, bytesMax) => structuredClone(await group.snapshot(id, bytesMax)),
    remove: (id) => group.remove(id),
    cancel: (id) => group.cancel(id),
    listen: (listener) => group.listen((call) => listener(structuredClone(call))),
    answer: (answer) => group.answer(structuredClone(answer)),
    trim: (id, idle) => group.trim(id, idle),
    warm: (id, idle) => group.warm(id, idle),
    stats: async () => structuredClone(await group.stats()),
    state: cloningState(group.state),
    close: () => group.close(),
  };
}

function cloningState(state: LocalTier): LocalTier {
  return new Proxy(state, {
    get(target, name: keyof LocalTier) {
      return async (...message: unknown[]) => {
        const method = target[name] as (...message: unknown[]) => Promise<unknown>;
        return structuredClone(await method.apply(target, structuredClone(message)));
      };
    },
  });
}
