import assert from "node:assert/strict";
import fc from "fast-check";
import { Admission, Ticket } from "./admission.ts";

function admission(over: { runningMax?: number; queuedMax?: number; lanesMax?: number } = {}): Admission {
  return new Admission({ runningMax: 2, queuedMax: 100, lanesMax: 10, ...over });
}

Deno.test("arrive() starts up to the function's concurrency, queues up to its queue, then refuses", () => {
  const door = admission({ runningMax: 10 });
  const lane = door.lane("a", { concurrency: 2, queue: 3 });
  const decisions = Array.from({ length: 6 }, () => door.arrive(new Ticket(lane)));
  assert.deepEqual(decisions, ["started", "started", "queued", "queued", "queued", "function-full"]);
});

Deno.test("arrive() refuses beyond the host's queue and leaves no trace", () => {
  const door = admission({ runningMax: 1, queuedMax: 1 });
  const lane = door.lane("a", { concurrency: 1, queue: 10 });
  const tickets = Array.from({ length: 3 }, () => new Ticket(lane));
  assert.deepEqual(tickets.map((ticket) => door.arrive(ticket)), ["started", "queued", "host-full"]);
  door.finish(tickets[0]!, 1);
  assert.equal(door.next(), tickets[1]);
  door.finish(tickets[1]!, 1);
  assert.equal(door.next(), undefined);
  assert.deepEqual([door.running, door.queued], [0, 0]);
});

Deno.test("next() lets another function's first call pass 10,000 waiting ones", () => {
  const door = admission({ runningMax: 1, queuedMax: 20_000 });
  const crowd = door.lane("crowd", { concurrency: 64, queue: 10_000 });
  const single = door.lane("single", { concurrency: 1, queue: 1 });
  const first = new Ticket(crowd);
  door.arrive(first);
  for (let call = 0; call < 10_000; call++) {
    assert.equal(door.arrive(new Ticket(crowd)), "queued");
  }
  const lonely = new Ticket(single);
  door.arrive(lonely);
  door.finish(first);
  const second = door.next()!;
  door.finish(second);
  assert.equal(door.next(), lonely);
});

Deno.test("leave() takes a call from the middle of the queue, once", () => {
  const door = admission({ runningMax: 1 });
  const lane = door.lane("a", { concurrency: 1, queue: 10 });
  const tickets = Array.from({ length: 4 }, () => new Ticket(lane));
  for (const ticket of tickets) door.arrive(ticket);
  assert.equal(door.leave(tickets[2]!), true);
  assert.equal(door.leave(tickets[2]!), false);
  assert.equal(door.leave(tickets[0]!), false);
  door.finish(tickets[0]!);
  assert.equal(door.next(), tickets[1]);
  door.finish(tickets[1]!);
  assert.equal(door.next(), tickets[3]);
});

Deno.test("lane() lets waiting calls start when the concurrency was raised", () => {
  const door = admission();
  const lane = door.lane("a", { concurrency: 1, queue: 10 });
  const [first, second] = [new Ticket(lane), new Ticket(lane)];
  door.arrive(first);
  door.arrive(second);
  assert.equal(door.next(), undefined);
  door.lane("a", { concurrency: 2, queue: 10 });
  assert.equal(door.next(), second);
});

Deno.test("retryAfterSeconds() is the time the queue takes, between 1 s and 10 min", () => {
  const door = admission({ runningMax: 4, queuedMax: 10_000 });
  const lane = door.lane("a", { concurrency: 2, queue: 10_000 });
  assert.equal(door.retryAfterSeconds(lane), 1);
  const first = new Ticket(lane);
  door.arrive(first);
  door.finish(first, 3_000);
  assert.equal(door.retryAfterSeconds(lane), 2);
  for (let call = 0; call < 12; call++) door.arrive(new Ticket(lane));
  assert.equal(door.retryAfterSeconds(lane), Math.ceil(11 * 3 / 2));
  for (let call = 0; call < 9_000; call++) door.arrive(new Ticket(lane));
  assert.equal(door.retryAfterSeconds(lane), 600);
});

Deno.test("lane() forgets idle functions beyond the maximum and never a busy one", () => {
  const door = admission({ lanesMax: 3, runningMax: 10 });
  const busy = door.lane("busy", { concurrency: 1, queue: 1 });
  const ticket = new Ticket(busy);
  door.arrive(ticket);
  const idle = door.lane("idle", { concurrency: 1, queue: 1 });
  for (let name = 0; name < 100; name++) {
    door.lane(`f${name}`, { concurrency: 1, queue: 1 });
  }
  assert.equal(door.lanes, 3);
  assert.equal(busy.isForgotten, false);
  assert.equal(idle.isForgotten, true);
  assert.equal(door.lane("busy", { concurrency: 1, queue: 1 }), busy);
});

/** One step of a history; which call it means is taken modulo those that are there. */
const EVENT = fc.record({
  kind: fc.constantFrom("arrive", "arrive", "arrive", "finish", "finish", "leave", "resize"),
  which: fc.nat(1_000),
  size: fc.integer({ min: 1, max: 4 }),
});

Deno.test("admission keeps its invariants over any history", () => {
  const runningMax = 5;
  const queuedMax = 20;
  fc.assert(
    fc.property(fc.array(EVENT, { maxLength: 300, size: "max" }), (events) => {
      const door = admission({ runningMax, queuedMax });
      const limits = new Map(["a", "b", "c", "d"].map((key) => [key, { concurrency: 2, queue: 6 }]));
      const keys = [...limits.keys()];
      const waiting: Ticket[] = [];
      const running: Ticket[] = [];
      let arrived = 0, refused = 0, ended = 0;
      const pump = () => {
        for (
          let ticket = door.next();
          ticket !== undefined;
          ticket = door.next()
        ) {
          const key = ticket.lane.key;
          assert.equal(
            waiting.find((other) => other.lane === ticket.lane),
            ticket,
            "calls of a function start in order",
          );
          waiting.splice(waiting.indexOf(ticket), 1);
          running.push(ticket);
          const mine = running.filter((other) => other.lane.key === key).length;
          assert.ok(mine <= limits.get(key)!.concurrency, "no function starts over its concurrency");
        }
      };
      for (const event of events) {
        const key = keys[event.which % keys.length]!;
        if (event.kind === "arrive") {
          const ticket = new Ticket(door.lane(key, limits.get(key)!));
          arrived++;
          const decision = door.arrive(ticket);
          if (decision === "started") running.push(ticket);
          else if (decision === "queued") waiting.push(ticket);
          else refused++;
        } else if (event.kind === "finish" && running.length > 0) {
          door.finish(running.splice(event.which % running.length, 1)[0]!, event.size);
          ended++;
        } else if (event.kind === "leave" && waiting.length > 0) {
          assert.equal(door.leave(waiting.splice(event.which % waiting.length, 1)[0]!), true);
          ended++;
        } else if (event.kind === "resize") {
          limits.set(key, { concurrency: event.size, queue: 6 });
          door.lane(key, limits.get(key)!);
        }
        pump();
        assert.equal(door.running, running.length);
        assert.equal(door.queued, waiting.length);
        assert.ok(running.length <= runningMax && waiting.length <= queuedMax);
        assert.equal(arrived, refused + ended + running.length + waiting.length);
        // Work conserving: nobody waits who could run.
        if (running.length < runningMax) {
          for (const { lane } of waiting) {
            assert.ok(lane.running >= lane.concurrency);
          }
        }
      }
      while (running.length > 0) {
        door.finish(running.pop()!, 1);
        pump();
      }
      assert.deepEqual([door.running, door.queued], [0, 0], "nothing is left behind");
    }),
    { seed: 20_200_715, numRuns: 300 },
  );
});
