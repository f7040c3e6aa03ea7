/**
 * H02: every host function with every class of pointer and length. Goal: an error number or a named trap, and not one byte
 * changed that the call did not name. Method: generated from the table of host functions; the memory around what a call may
 * write is summed before and after.
 */
import assert from "node:assert/strict";
import { rounds, seeded } from "./support/long.ts";
import {
  HOST_SIGNATURES,
  PAGES,
  type ProbeFunction,
  scriptOf,
  type Signature,
  type Step,
  withProbe,
} from "./support/probe.ts";

const END = PAGES * 65_536;
const CLASSES = [0, 1, 8, END - 8, END - 1, END, END + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 8, 2 ** 32 - 1];
/** They end the call, or wait: what they do has tests of its own. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  proc_exit: "ends the call with its argument",
  __faasm_host_interface_test: "ends the call with ERR_BUG, always",
  poll_oneoff: "waits as long as its subscriptions say",
};
const TRAPS = [
  "ERR_GUEST_POINTER",
  "ERR_GUEST_MISUSE",
  "ERR_OUTPUT_LIMIT",
  "ERR_CHAIN_BUDGET",
  "ERR_NAME_INVALID",
  "ERR_STATE_LIMIT",
  "ERR_STORAGE",
];
/** A page that no call is told of: nothing in it may change. */
const CANARY = 0x90000;
const CANARY_BYTES = 0x8000;
/** Of a script without data: what __faasm_read_input copies at most. */
const INPUT_BYTES = scriptOf([]).length;

async function tryOne(probe: ProbeFunction, { name, results }: Signature, args: (number | bigint)[]): Promise<void> {
  if (coversProbe(name, args)) return;
  const sum: Step = ["sum", CANARY, CANARY_BYTES];
  const fill: Step = ["fill", CANARY, 0xa7, CANARY_BYTES];
  const ran = await probe.run([fill, sum, [name, ...args], sum], undefined, { timeoutMs: 5_000 });
  const { outcome } = ran;
  const what = `${name}(${args.join(", ")}): ${outcome.status} ${outcome.error?.message ?? ""}`;
  if (outcome.status === "trap") {
    assert.ok(TRAPS.includes(outcome.error!.code), `${outcome.error!.code} ${what}`);
    return;
  }
  assert.equal(outcome.status, "ok", what);
  assert.equal(ran.results[1], ran.results[3], `the canary changed: ${what}`);
  assert.ok(results.length === 0 || ran.results[2] !== undefined, what);
}

/** True when two arguments may be a range inside memory that the probe itself lies in: it would be overwritten by right. */
function coversProbe(name: string, args: readonly (number | bigint)[]): boolean {
  const most = name === "__faasm_read_input" ? INPUT_BYTES : Infinity;
  const small = args.map(Number);
  return small.some((start, at) =>
    small.slice(at + 1).some((length) => start >= 0 && length > 0x8000 && start + Math.min(length, most) <= END)
  );
}

function pick<T>(random: () => number, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}

for (const signature of HOST_SIGNATURES) {
  const why = LEFT_OUT[signature.name];
  if (why !== undefined) continue;
  Deno.test(`H02: ${signature.module}.${signature.name} with every class of pointer and length`, async () => {
    await withProbe({ limits: { memoryBytes: END + 4 * 65_536 } }, async (probe) => {
      // Nobody is there to answer what goes beyond the add-on.
      const error = { code: "ERR_STORAGE", message: "nobody answers" } as const;
      probe.group.listen(({ callId, ticket }) => probe.group.answer({ callId, ticket, value: 0, error }));
      const { params } = signature;
      // Each parameter through all classes while the others hold one value, small or at the end.
      for (const others of [0, END - 1]) {
        for (const [at] of params.entries()) {
          for (const value of CLASSES) {
            await tryOne(probe, signature, params.map((_, index) => (index === at ? value : others)));
          }
        }
      }
      const seed = 2;
      const random = seeded(seed);
      for (let round = 0; round < rounds(20, 100_000); round++) {
        await tryOne(
          probe,
          signature,
          params.map((type) => {
            const value = random() < 0.7 ? pick(random, CLASSES) : Math.floor(random() * 2 ** 32);
            return type === "i64" && random() < 0.3 ? -BigInt(value) : value;
          }),
        );
      }
    });
  });
}
