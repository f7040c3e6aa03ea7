/**
 * Goal: every call ends exactly once, whatever clients, guests and the worker group do. Method: a virtual clock and a
 * group that answers late, fails, throws, and takes its time over a cancel; clients that cancel; new versions; stalls; a
 * drain in the middle. The group itself checks what it is asked for. `FAASLET_SIMULATION_SEEDS=10000` runs more seeds.
 */
import assert from "node:assert/strict";
import { FaasletError } from "../errors.ts";
import type { CallOutcome, CallRequest, LiveFunction } from "../runtime/mod.ts";
import { FakeClock, FakeGroup, liveFunction, outcomeOf, randomOf, settle } from "./_fakes.ts";
import type { CallResult } from "./mod.ts";
import { Dispatcher } from "./dispatcher.ts";

const SEEDS = Number(Deno.env.get("FAASLET_SIMULATION_SEEDS") ?? 500);
const STEPS = 80;
const TIMEOUT_MS_MAX = 22;
/** How long the event loop may stand still: time passes and no timer fires. */
const STALL_MS_MAX = 10;
const RUNNING_MAX = 4;
const QUEUED_MAX = 25;
const CONCURRENCY = [1, 2, 5];

/** Ends calls at random times in random ways, and checks that no limit is passed. */
class MoodyGroup extends FakeGroup {
  readonly #clock: FakeClock;
  readonly #random: () => number;
  readonly #ends = new Map<number, () => void>();
  /** What must not be; not thrown, since the dispatcher makes an outcome of what a group throws. */
  readonly faults: string[] = [];

  constructor(clock: FakeClock, random: () => number) {
    super();
    this.#clock = clock;
    this.#random = random;
  }

  override call(request: CallRequest): Promise<CallOutcome> {
    const own = [...this.running.values()].filter((call) => kindOf(call.request) === kindOf(request)).length;
    if (!(request.timeoutMs > 0)) this.faults.push("a call starts after its deadline");
    if (this.running.size >= RUNNING_MAX) this.faults.push("the host runs more than its maximum");
    if (own >= CONCURRENCY[kindOf(request)]!) this.faults.push("a function runs more than its concurrency");
    if (this.#random() < 0.05) throw new TypeError("broken");
    const pending = super.call(request);
    // Some answer after their deadline: the group has the last word on a running call.
    const delayMs = this.#random() * request.timeoutMs * 1.2;
    this.#ends.set(request.id, this.#clock.after(delayMs, () => this.#endSomehow(request.id)));
    return pending;
  }

  override cancel(callId: number): void {
    this.#ends.get(callId)?.();
    this.#ends.set(callId, this.#clock.after(this.#random() * 3, () => this.#endSomehow(callId)));
  }

  /** Ends a call ahead of any timer that is due. */
  async endFirst(): Promise<void> {
    const [id] = this.running.keys();
    if (id === undefined) return;
    this.#ends.get(id)!();
    this.#endSomehow(id);
    await settle();
  }

  #endSomehow(id: number): void {
    const { end, fail } = this.running.get(id)!;
    this.running.delete(id);
    this.#ends.delete(id);
    const mood = this.#random();
    if (mood < 0.1) fail(new FaasletError("ERR_CAPACITY", "no room"));
    else if (mood < 0.2) fail(new Error("lost"));
    else if (mood < 0.4) end(outcomeOf(id, { status: "trap", error: { code: "ERR_GUEST_TRAP", message: "" } }));
    else end(outcomeOf(id));
  }
}

/** Which function a request is for, by the version's number in the group. */
function kindOf({ functionId }: CallRequest): number {
  return Math.floor(functionId / 1_000);
}

function versionOf(kind: number, version: number, random: () => number): LiveFunction {
  const settings = { concurrency: CONCURRENCY[kind]!, queue: 12, timeoutMs: 2 + random() * (TIMEOUT_MS_MAX - 2) };
  return { ...liveFunction(`f${kind}`, settings, version), functionId: kind * 1_000 + version };
}

async function simulate(seed: number): Promise<void> {
  const random = randomOf(seed);
  const clock = new FakeClock();
  const group = new MoodyGroup(clock, random);
  const live = CONCURRENCY.map((_, kind) => versionOf(kind, 1, random));
  const dispatcher = new Dispatcher({
    group,
    clock,
    random: (bytes) => void crypto.getRandomValues(bytes),
    current: (_, name) => live[Number(name.slice(1))],
    limits: { runningMax: RUNNING_MAX, queuedMax: QUEUED_MAX },
  });
  const ends = new Map<string, CallResult[]>();
  const drainsAt = random() < 0.5 ? Math.floor(random() * STEPS) : STEPS;
  let drained: Promise<void> | undefined;

  for (let step = 0; step < STEPS; step++) {
    if (step === drainsAt) drained = dispatcher.drain();
    const kind = Math.floor(random() * live.length);
    for (let burst = Math.floor(random() * 4); burst > 0; burst--) {
      const callId = dispatcher.newCallId();
      const results: CallResult[] = [];
      ends.set(callId, results);
      void dispatcher.call({ live: live[kind]!, input: new Uint8Array(0), callId }).then((end) => results.push(end));
    }
    if (random() < 0.1) live[kind] = versionOf(kind, live[kind]!.record.version + 1, random);
    if (random() < 0.3) dispatcher.cancel([...ends.keys()][Math.floor(random() * ends.size)] ?? "");
    if (random() < 0.2) {
      clock.nowMs += random() * STALL_MS_MAX;
      await group.endFirst();
    }
    clock.advance(random() * 4);
    await settle();
    const { running, queued } = dispatcher.stats();
    assert.ok(running <= RUNNING_MAX && queued <= QUEUED_MAX);
    assert.equal(running, group.running.size);
    assert.deepEqual(group.faults, []);
  }
  drained ??= dispatcher.drain();
  if (random() < 0.5) dispatcher.cancelAll();
  for (let left = 0; left < 200 && dispatcher.stats().running > 0; left++) {
    clock.advance(1);
    await settle();
  }
  await drained;
  checkEnds(dispatcher, ends, clock);
}

function checkEnds(dispatcher: Dispatcher, ends: ReadonlyMap<string, CallResult[]>, clock: FakeClock): void {
  const { functions, running, queued } = dispatcher.stats();
  assert.deepEqual([running, queued, clock.timers.size], [0, 0, 0], "nothing is left behind");
  let counted = 0;
  for (const counts of functions.values()) for (const count of Object.values(counts)) counted += count;
  assert.equal(counted, ends.size, "every end is counted once");
  for (const [callId, results] of ends) {
    assert.equal(results.length, 1, "every call ends exactly once");
    const { status, didRun, queueUs, callId: named } = results[0]!;
    assert.equal(named, callId);
    assert.ok(didRun || status !== "ok");
    assert.ok(queueUs <= (TIMEOUT_MS_MAX + STALL_MS_MAX) * 1_000, "no call waits longer than its deadline");
    assert.equal(dispatcher.records.get(callId) === undefined, status === "refused", "all but refusals are recorded");
  }
}

Deno.test(`every call ends once in ${SEEDS} simulated histories of a dispatcher`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await simulate(seed);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
