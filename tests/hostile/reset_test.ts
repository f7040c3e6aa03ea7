/**
 * H09, H10: what a call leaves behind. Goal: each call finds memory, globals, tables, descriptors and files byte for byte as the
 * Proto-Faaslet has them, whatever the ones before did and however they ended. Method: random guests that say all they can
 * find out about themselves before they scribble on it; what a fresh Faaslet says is what every other one has to say.
 */
import assert from "node:assert/strict";
import type { CallOutcome, StartKind } from "../../runtime/mod.ts";
import { type Attack, attackTest, words } from "../support/attack.ts";
import { rounds, seeded } from "../support/long.ts";
import { OLD_BYTES, type RandomGuest, randomGuest, randomScript, TIMES_AT } from "../support/random_guest.ts";

const SEED = 20_200_715;
const LIMITS = { logBytes: 4 * 1_024 * 1_024, idle: 1, memoryBytes: 16 * 65_536 };
const PAGE = 65_536;
/** Short: a script that never ends costs as much. */
const TIMEOUT_MS = 25;

/** What a guest said of itself when a call began. */
interface Said {
  readonly memory: Uint8Array;
  readonly rest: Uint8Array;
}

function saidBy(guest: RandomGuest, { stdout, output }: CallOutcome): Said {
  return { memory: stdout.subarray(0, guest.pages * PAGE), rest: output };
}

/**
 * A cold start makes its files anew, so that their times are others. A call whose time ran out may not have said all of its
 * memory: what it said has to be right.
 */
function assertSame(said: Said, expected: Said, { start, status }: CallOutcome, what: string): void {
  const length = status === "timeout" ? said.memory.length : expected.memory.length;
  if (Buffer.compare(said.memory, expected.memory.subarray(0, length)) !== 0) {
    const at = said.memory.findIndex((byte, place) => byte !== expected.memory[place]);
    assert.fail(`${what}: memory differs at ${at}: ${said.memory[at]} for ${expected.memory[at]}`);
  }
  // Nothing partial leaves a call that failed: then its memory is all that is known.
  if (said.rest.length === 0) return;
  const end = start === "cold" ? TIMES_AT : expected.rest.length;
  const at = said.rest.findIndex((byte, place) => place < end && byte !== expected.rest[place]);
  assert.equal(at, -1, `${what}: what it says of itself differs at ${at}`);
}

/** Runs scripts on one guest, and looks at what each call began with. */
async function scribble(attack: Attack, guest: RandomGuest, random: () => number, calls: number, what: string) {
  const target = await attack.install(guest.wasm, { init: "init", limits: LIMITS });
  let fresh: CallOutcome | undefined;
  await attack.settled(1, async () => fresh = await attack.call(target, { start: "proto" }));
  assert.ok(fresh);
  assert.equal(fresh.status, "ok", `${what}: ${fresh.error?.message}`);
  const expected = saidBy(guest, fresh);
  assert.equal(expected.memory.length, guest.pages * PAGE, what);
  const counts = { warm: 0, ended: 0, failed: 0 };
  for (let call = 0; call < calls; call++) {
    const start =
      (["warm", "warm", "warm", "warm", "warm", "warm", "proto", "cold"] as const)[Math.floor(random() * 8)]!;
    const input = randomScript(guest, random);
    let outcome: CallOutcome | undefined;
    const { discarded } = await attack.settled(1, async () => {
      outcome = await attack.call(target, { start, input, timeoutMs: TIMEOUT_MS });
    });
    const { status, start: started, error } = outcome!;
    const where = `${what}, call ${call} (${started}, ${status} ${error?.code ?? ""})`;
    assertSame(saidBy(guest, outcome!), expected, outcome!, where);
    assert.notEqual(outcome!.returnValue, OLD_BYTES, `${where}: fresh memory holds old bytes`);
    const hasEnded = status === "ok" || status === "guest-error";
    counts[hasEnded ? "ended" : "failed"]++;
    if (started === "warm") counts.warm++;
    // Whatever did not end by itself is never used again.
    if (!hasEnded) assert.equal(discarded, 1, where);
    if (guest.isRestored) assert.notEqual(started, "warm", where);
  }
  await attack.group.remove(target);
  return counts;
}

attackTest(
  "H09: whatever a call did to its Faaslet, the next one begins where the Proto-Faaslet is",
  async (attack) => {
    const total = { warm: 0, ended: 0, failed: 0 };
    for (let number = 0; number < rounds(12, 400); number++) {
      const seed = SEED + number;
      const random = seeded(seed);
      const guest = randomGuest(random);
      const counts = await scribble(attack, guest, random, 25, `guest ${seed}`);
      total.warm += counts.warm;
      total.ended += counts.ended;
      total.failed += counts.failed;
    }
    // What the test is about did happen.
    const many = rounds(20, 1_000);
    assert.ok(total.warm > many && total.ended > many && total.failed > many, Deno.inspect(total));
  },
);

attackTest(
  "H09: so does each of many calls at once, whichever Faaslet and whichever memory it gets",
  async (attack) => {
    const random = seeded(SEED);
    const guests = Array.from({ length: 8 }, () => randomGuest(random));
    const targets: { target: number; guest: RandomGuest; expected: Said }[] = [];
    for (const guest of guests) {
      const target = await attack.install(guest.wasm, { init: "init", limits: { ...LIMITS, idle: 3 } });
      targets.push({ target, guest, expected: saidBy(guest, await attack.call(target)) });
    }
    for (let round = 0; round < rounds(3, 400); round++) {
      await Promise.all(Array.from({ length: 24 }, async () => {
        const { target, guest, expected } = targets[Math.floor(random() * targets.length)]!;
        const outcome = await attack.call(target, { input: randomScript(guest, random), timeoutMs: 500 });
        assertSame(saidBy(guest, outcome), expected, outcome, `round ${round} (${outcome.start}, ${outcome.status})`);
        assert.notEqual(outcome.returnValue, OLD_BYTES);
      }));
    }
  },
  8,
);

/** What the guest does when it is ended; 10 traps by itself. */
const OCCUPATIONS = [
  "grow",
  "memory.copy",
  "memory.fill",
  "fd_pwrite",
  "random_get",
  "poll_oneoff",
  "path_open",
  "mmap",
  "write_output",
  "await_call",
  "a trap",
];
const NOTHING = 255;

attackTest("H10: a call that is ended in the middle of anything takes its Faaslet with it", async (attack) => {
  const random = seeded(SEED);
  const target = await attack.install("busy", { init: "init", limits: { memoryBytes: 128 * PAGE } });
  const look = (start: StartKind, what: string) =>
    attack.settled(1, async () => {
      const outcome = await attack.call(target, { input: words(NOTHING) });
      assert.deepEqual([outcome.status, outcome.returnValue, outcome.start], ["ok", 0, start], what);
    });
  await look("proto", "at first");
  for (let round = 0; round < rounds(1, 100); round++) {
    for (const [number, occupation] of OCCUPATIONS.entries()) {
      for (const way of ["timeout", "cancelled"] as const) {
        const what = `${occupation}, ${way}`;
        // What is ended was used before.
        await look("warm", `before ${what}`);
        const { discarded, resets } = await attack.settled(
          1,
          () => end(attack, target, number, way, 8 + random() * 10),
        );
        assert.deepEqual([discarded, resets], [1, 0], what);
        await look("proto", `after ${what}`);
      }
    }
  }
});

/** Ends a call that does something for ever, after so long. */
async function end(attack: Attack, target: number, number: number, way: "timeout" | "cancelled", afterMs: number) {
  const id = attack.nextCall();
  const timeoutMs = way === "timeout" ? afterMs : 60_000;
  // It may chain; nobody in this group would ever answer.
  const chains = { calls: 1_000, bytes: 1_000_000 };
  const ending = attack.call(target, { id, input: words(number), timeoutMs, chains });
  const timer = way === "cancelled" ? setTimeout(() => attack.group.cancel(id), afterMs) : undefined;
  const { status, start, output } = await ending;
  clearTimeout(timer);
  // The one that traps may be ended before it has come to it.
  const expected = number === OCCUPATIONS.length - 1 && status === "trap" ? "trap" : way;
  assert.deepEqual([status, start, output.length], [expected, "warm", 0], OCCUPATIONS[number]);
}
