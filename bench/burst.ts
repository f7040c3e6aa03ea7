/**
 * From nothing to a thousand calls at once: the first ones start a Faaslet each, and the last answer tells how well what
 * there is was used.
 *
 * @module
 */
import { HOST_LIMITS } from "../limits.ts";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { assemble } from "../tests/support/guests.ts";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { functionOf } from "./_guests.ts";
import { median, type Summary, summary } from "./_statistics.ts";

export const burst: Benchmark = {
  name: "burst",
  summary: "0 to 1,000 concurrent calls of a 20 ms function, none warm",
  run,
};

const CALLS = 1_000;
const WORK_MS = 20;

/** One burst. */
interface Burst {
  /** From the first submission to the last answer. */
  readonly lastAnswerMs: number;
  /** What the work alone takes on what there is. */
  readonly idealMs: number;
  /** Making the Faaslet ready. */
  readonly startUs: Summary;
  /** Waiting for a thread. */
  readonly queueUs: Summary;
  /** Inside the guest. */
  readonly execUs: Summary;
  /** Faaslets that were made. */
  readonly restored: number;
}

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const bursts: Record<"sleeping" | "computing", Burst[]> = { sleeping: [], computing: [] };
  note("calibrating the function that computes");
  const loops = await calibrate();
  for (let round = 0; round < (isQuick ? 1 : 5); round++) {
    note(`round ${round + 1}`);
    bursts.sleeping.push(await sleeping());
    // Its ideal comes from the processor time that its own calls took: what else runs on the machine is in both.
    bursts.computing.push(await computing(loops));
  }
  const figures = Object.entries(bursts).flatMap(([kind, of]) => figuresOf(kind, of));
  return { figures, tables: [], skipped: [], raw: bursts };
}

function figuresOf(kind: string, bursts: readonly Burst[]): Figure[] {
  const middle = (pick: (burst: Burst) => number) => median(bursts.map(pick));
  return [
    {
      what: `${kind}: time to the last answer`,
      value: middle((b) => b.lastAnswerMs),
      unit: "ms",
      against: {
        what: "ideal",
        value: middle((b) => b.idealMs),
        ratio: middle((b) => b.lastAnswerMs / b.idealMs),
      },
    },
    { what: `${kind}: making a Faaslet ready, p99`, value: middle((b) => b.startUs.p99), unit: "us" },
    { what: `${kind}: making a Faaslet ready, p50`, value: middle((b) => b.startUs.p50), unit: "us" },
    { what: `${kind}: wait for a thread, p99`, value: middle((b) => b.queueUs.p99) / 1_000, unit: "ms" },
    { what: `${kind}: Faaslets made`, value: middle((b) => b.restored), unit: "" },
  ];
}

/** As many as there may be threads sleep at once. */
async function sleeping(): Promise<Burst> {
  const { outcomes, lastAnswerMs, restored } = await burstOf(SLEEPER);
  const idealMs = Math.ceil(CALLS / HOST_LIMITS.runningMax) * WORK_MS;
  return { lastAnswerMs, idealMs, restored, ...outcomes };
}

async function computing(loops: number): Promise<Burst> {
  const { outcomes, lastAnswerMs, restored, cpuMs } = await burstOf(computer(loops));
  return { lastAnswerMs, idealMs: cpuMs / navigator.hardwareConcurrency, restored, ...outcomes };
}

async function burstOf(wasm: Uint8Array) {
  const group = new EmbeddedGroup();
  try {
    await group.install(functionOf(1, wasm, CALLS));
    const input = new Uint8Array(0);
    const began = performance.now();
    const ended = await Promise.all(
      Array.from(
        { length: CALLS },
        (_, at) => group.call({ id: at + 1, functionId: 1, input, timeoutMs: 60_000 }),
      ),
    );
    const lastAnswerMs = performance.now() - began;
    const wrong = ended.find(({ status }) => status !== "ok");
    if (wrong !== undefined) throw new Error(`a call ended ${wrong.status}: ${wrong.error?.message}`);
    return {
      lastAnswerMs,
      cpuMs: ended.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / 1_000,
      restored: (await group.stats()).restored,
      outcomes: {
        startUs: summary(ended.map(({ startUs }) => startUs)),
        queueUs: summary(ended.map(({ queueUs }) => queueUs)),
        execUs: summary(ended.map(({ execUs }) => execUs)),
      },
    };
  } finally {
    await group.close();
  }
}

/** So many turns of the loop take 20 ms of a processor. */
async function calibrate(): Promise<number> {
  const loops = 10_000_000;
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    await group.install(functionOf(1, computer(loops), 1));
    const times: number[] = [];
    for (let id = 1; id <= 5; id++) {
      const { cpuUs } = await group.call({ id, functionId: 1, input: new Uint8Array(0), timeoutMs: 60_000 });
      times.push(cpuUs / 1_000);
    }
    return Math.round(loops * WORK_MS / median(times));
  } finally {
    await group.close();
  }
}

/** Sleeps in one `poll_oneoff` with a relative clock subscription. */
const SLEEPER = assemble(`(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "main") (result i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const ${WORK_MS * 1_000_000}))
    (call $poll (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 192))))`);

/** Each turn needs the one before. */
function computer(loops: number): Uint8Array {
  return assemble(`(module
    (memory (export "memory") 1)
    (func (export "main") (result i32)
      (local $left i32) (local $value i32)
      (local.set $left (i32.const ${loops}))
      (local.set $value (i32.const 1))
      (loop $next
        (local.set $value (i32.add (i32.mul (local.get $value) (i32.const 1664525)) (i32.const 1013904223)))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (i32.store (i32.const 0) (local.get $value))
      (i32.const 0)))`);
}
