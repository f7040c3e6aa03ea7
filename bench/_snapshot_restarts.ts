/** What a first call after a restart costs a function with an initialiser: from its stored Proto-Faaslet, and by running it. */
import { assemble } from "../tests/support/guests.ts";
import type { Figure } from "./_benchmark.ts";
import { withRegistry } from "./_registry_host.ts";
import { median } from "./_statistics.ts";

const PAGE = 65_536;
const MIB = 1024 * 1024;

interface Case {
  readonly what: string;
  readonly bytes: number;
  /** What the initialiser computes beside filling its memory. */
  readonly initMs: number;
  readonly goalMs?: number;
}

const CASES: readonly Case[] = [
  { what: "256 KB of snapshot", bytes: MIB / 4, initMs: 0, goalMs: 5 },
  { what: "256 KB of snapshot, 200 ms of initialiser", bytes: MIB / 4, initMs: 200, goalMs: 5 },
  { what: "4 MB of snapshot, 200 ms of initialiser", bytes: 4 * MIB, initMs: 200 },
  { what: "64 MB of snapshot, 200 ms of initialiser", bytes: 64 * MIB, initMs: 200 },
];

/** A figure for each case, and the times that it was made from. */
export async function snapshotRestarts(rounds: number, note: (text: string) => void) {
  const raw: { what: string; storedBytes: number; storedMs: number[]; initialisedMs: number[] }[] = [];
  const figures: Figure[] = [];
  for (const { what, bytes, initMs, goalMs } of CASES) {
    note(`restarts with ${what}`);
    const wasm = initialising(bytes, initMs);
    const stored = await firstCalls(wasm, rounds, true);
    const initialised = await firstCalls(wasm, rounds, false);
    raw.push({ what, storedBytes: stored.storedBytes, storedMs: stored.ms, initialisedMs: initialised.ms });
    figures.push({
      what: `first call after a restart, ${what}`,
      value: median(stored.ms),
      unit: "ms",
      against: { what: "running its initialiser", value: median(initialised.ms) },
      ...(goalMs !== undefined && { goal: { of: "value", atMost: goalMs } as const }),
    });
  }
  return { figures, raw };
}

/** Times of the first call, each on a host that started anew. */
async function firstCalls(wasm: Uint8Array, rounds: number, isStored: boolean) {
  const directory = await Deno.makeTempDir();
  const options = isStored ? {} : { snapshotLimits: { bytesMax: 0 } };
  try {
    await withRegistry(directory, async ({ registry }) => {
      await registry.deploy({
        tenant: "default",
        name: "f",
        wasm,
        settings: { entry: "main", init: "init" },
        files: [],
      });
    }, options);
    const ms: number[] = [];
    let storedBytes = 0;
    for (let round = 0; round < rounds; round++) {
      await withRegistry(directory, async ({ registry, group }) => {
        const from = performance.now();
        const live = await registry.ready("default", "f");
        const { functionId } = live!;
        const outcome = await group.call({ id: 1, functionId, input: new Uint8Array(0), timeoutMs: 10_000 });
        ms.push(performance.now() - from);
        const { snapshots, snapshotBytes } = registry.stats();
        if (outcome.status !== "ok" || snapshots.loaded !== (isStored ? 1 : 0)) {
          throw new Error(`the call ended as ${outcome.status}, ${snapshots.loaded} snapshots were loaded`);
        }
        storedBytes = snapshotBytes;
      }, options);
    }
    return { ms, storedBytes };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Fills memory so that it compresses to some half, then computes until the time is over. */
function initialising(bytes: number, initMs: number): Uint8Array {
  return assemble(`(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (memory (export "memory") ${Math.ceil(bytes / PAGE)})
    (func $now (result i64)
      (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0)))
      (i64.load (i32.const 0)))
    (func (export "init") (local $at i32) (local $value i32) (local $end i64)
      (local.set $end (i64.add (call $now) (i64.const ${initMs * 1_000_000})))
      (local.set $value (i32.const 1))
      (loop $fill
        (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 1664525)) (i32.const 1013904223)))
        (i32.store (local.get $at) (local.get $value))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $fill (i32.lt_u (local.get $at) (i32.const ${bytes}))))
      (loop $compute (br_if $compute (i64.lt_u (call $now) (local.get $end)))))
    (func (export "main")))`);
}
