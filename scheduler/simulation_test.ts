/**
 * Goal: admission under load, with a virtual clock, seed by seed. Method: functions with different loads share a host;
 * calls take random times, some are cancelled, some wait for others without a slot; after each event the invariants are checked, at the end fairness is.
 * `FAASLET_SIMULATION_SEEDS=10000` runs more seeds; a failure prints its seed.
 */
import assert from "node:assert/strict";
import { randomOf } from "./_fakes.ts";
import { Admission, Ticket } from "./admission.ts";

const SEEDS = Number(Deno.env.get("FAASLET_SIMULATION_SEEDS") ?? 1_000);

class SimulatedCall extends Ticket {
  arrivedAt = 0;
  endsAt = Infinity;
  leavesAt = Infinity;
  pausesAt = Infinity;
  resumesAt = Infinity;
  ends = 0;
  /** Starts of each other function while this call was the first of its own that could start. */
  passedBy = new Map<string, number>();
}

function simulate(seed: number): void {
  const random = randomOf(seed);
  const runningMax = 1 + Math.floor(random() * 6);
  const door = new Admission({ runningMax, queuedMax: 60, lanesMax: 100 });
  const functions = Array.from(
    { length: 2 + Math.floor(random() * 4) },
    (_, index) => ({
      key: `f${index}`,
      limits: { concurrency: 1 + Math.floor(random() * 4), queue: Math.floor(random() * 30) },
      weight: index === 0 ? 20 : 1 + random(),
    }),
  );
  const weights = functions.reduce((sum, each) => sum + each.weight, 0);
  const live = new Set<SimulatedCall>();
  const all: SimulatedCall[] = [];
  let refused = 0;
  let now = 0;

  function begin(call: SimulatedCall): void {
    for (const other of live) {
      // The function had its turn, whichever of its calls took it.
      if (other.lane === call.lane) other.passedBy.clear();
      if (other.state !== "waiting" || other.lane === call.lane || other.lane.first !== other) continue;
      if (other.lane.running >= other.lane.concurrency) continue;
      const count = (other.passedBy.get(call.lane.key) ?? 0) + 1;
      other.passedBy.set(call.lane.key, count);
      assert.ok(count <= 1, `a function was passed twice by ${call.lane.key}`);
    }
    if (call.resumesAt < Infinity) {
      // It goes on from where it waited.
      call.resumesAt = Infinity;
      call.endsAt = now + random();
      return;
    }
    if (random() < 0.3) call.pausesAt = now + random() * 5;
    call.endsAt = now + random() * 10;
  }

  function check(): void {
    const count = { running: 0, waiting: 0, resuming: 0, paused: 0, new: 0, ended: 0 };
    for (const call of live) count[call.state]++;
    assert.deepEqual([door.running, door.queued], [count.running, count.waiting + count.resuming]);
    assert.ok(count.running <= runningMax && count.waiting <= 60);
    for (const call of live) {
      const { lane } = call;
      // Its function's own calls that went on took its turn: it stands at the tail again.
      if (lane.running >= lane.concurrency) call.passedBy.clear();
      assert.ok(lane.running >= 0 && lane.running <= lane.concurrency && lane.waiting >= 0);
      let isResuming = true;
      for (let ticket = lane.first; ticket !== undefined; ticket = ticket.after) {
        assert.ok(isResuming || ticket.state === "waiting", "who ran before goes before who never ran");
        isResuming = ticket.state === "resuming";
      }
    }
  }

  function next(): void {
    for (let ticket = door.next(); ticket !== undefined; ticket = door.next()) begin(ticket as SimulatedCall);
  }

  for (let step = 0; step < 120 || live.size > 0; step++) {
    now += random();
    if (step < 120) {
      let pick = random() * weights;
      const chosen = functions.find((each) => (pick -= each.weight) < 0) ??
        functions[0]!;
      const call = new SimulatedCall(door.lane(chosen.key, chosen.limits));
      all.push(call);
      call.arrivedAt = now;
      const decision = door.arrive(call);
      if (decision === "started" || decision === "queued") live.add(call);
      else refused++, call.ends++;
      if (decision === "started") begin(call);
      if (random() < 0.2) call.leavesAt = now + random() * 5;
    }
    for (const call of live) {
      if (call.state === "running" && call.pausesAt <= now && call.endsAt > now) {
        call.pausesAt = Infinity;
        call.resumesAt = now + random() * 5;
        // Who waits may be cancelled as well.
        call.endsAt = random() < 0.1 ? call.resumesAt + random() : Infinity;
        door.pause(call);
        next();
        continue;
      }
      if (call.state === "paused" && call.resumesAt <= now && call.endsAt > now) {
        if (door.resume(call)) begin(call);
        else next();
        continue;
      }
      if (call.endsAt <= now) door.finish(call, call.endsAt - call.arrivedAt);
      else if (call.leavesAt > now || !door.leave(call)) continue;
      call.ends++;
      live.delete(call);
      next();
    }
    check();
  }
  assert.ok(all.every((call) => call.ends === 1), "every call ends exactly once");
  assert.equal(all.length, 120);
  assert.ok(refused <= all.length);
}

Deno.test(`admission holds in ${SEEDS} simulated histories`, () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      simulate(seed);
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  }
});
