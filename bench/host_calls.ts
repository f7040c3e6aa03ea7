/**
 * What a host call costs that never leaves the add-on: over a call of an import that does nothing, and beside the same call with
 * plain Wasmtime and its own WASI. The guest makes so many calls in a row that entering it does not count.
 *
 * @module
 */
import { FUNCTION_LIMITS } from "../limits.ts";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { assemble } from "../tests/support/guests.ts";
import { Baseline, type CallsRound } from "./_baseline.ts";
import type { Benchmark, BenchmarkContext, Figure, Report } from "./_benchmark.ts";
import { functionOf } from "./_guests.ts";
import { median, medianRatio } from "./_statistics.ts";

export const hostCalls: Benchmark = {
  name: "host-calls",
  summary:
    "read_input, a write to the log, files, clocks, random numbers and poll, beside plain Wasmtime with its WASI",
  run,
};

const READ = 2;
const FILE = new Uint8Array(4_096).fill(1);
/** The steps, in the order of the guest's table; how many of each make one round. */
const STEPS = [
  { name: "an import that does nothing", body: "(call $nothing)", calls: 1_000_000 },
  { name: "read_input of 16 bytes", body: "(drop (call $read (i32.const 256) (i32.const 16)))", calls: 1_000_000 },
  {
    name: "fd_write of 16 bytes",
    body: "(drop (call $fd_write (i32.const 2) (i32.const 128) (i32.const 1) (i32.const 160)))",
    // All of it fits the log: what is over its limit is only counted.
    calls: 200_000,
  },
  {
    name: "file open, read of 4 KiB, close",
    body: `(drop (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 0)
        (i64.const ${READ}) (i64.const 0) (i32.const 0) (i32.const 160)))
      (drop (call $fd_read (i32.load (i32.const 160)) (i32.const 136) (i32.const 1) (i32.const 164)))
      (if (i32.ne (i32.load (i32.const 164)) (i32.const 4096)) (then (unreachable)))
      (i32.store (i32.const 164) (i32.const 0))
      (drop (call $close (i32.load (i32.const 160))))`,
    calls: 20_000,
  },
  {
    name: "clock_time_get",
    body: "(drop (call $clock (i32.const 1) (i64.const 0) (i32.const 168)))",
    calls: 1_000_000,
  },
  {
    name: "poll_oneoff of a clock that is due",
    body: "(drop (call $poll (i32.const 512) (i32.const 640) (i32.const 1) (i32.const 160)))",
    calls: 100_000,
  },
  { name: "random_get of 32 bytes", body: "(drop (call $random (i32.const 704) (i32.const 32)))", calls: 200_000 },
] as const;

type StepName = (typeof STEPS)[number]["name"];
type Times = Partial<Record<StepName, number[]>>;

/** The baseline's `__faasm_read_input` is no interface of Wasmtime's: a stand-in, with which nothing is compared. */
const OURS_ALONE: StepName = "read_input of 16 bytes";
const OVER_NOTHING_NS_MAX = 100;
const FILE_US_MAX = 5;
const PLAIN = "Wasmtime and wasmtime-wasi";

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const wasm = assemble(text());
  const group = new EmbeddedGroup({ threadsMax: 1 });
  const ours: Times = {};
  const theirs: Times = {};
  try {
    await using baseline = await Baseline.calls(wasm, "main", { file: FILE });
    const files = [{ path: "/file", bytes: FILE }];
    const limits = { logBytes: FUNCTION_LIMITS.logBytesMax };
    await group.install(functionOf(1, wasm, 1, { image: { files }, limits }));
    const rounds = isQuick ? 5 : 25;
    // Rounds of all steps one after another: what disturbs the machine for a while disturbs each of them, on both sides.
    for (let round = 0; round < rounds; round++) {
      for (const [step, { name, calls }] of STEPS.entries()) {
        const sides = [
          async () => void (ours[name] ??= []).push(await ourRound(group, step, calls)),
          async () => void (theirs[name] ??= []).push(await plainRound(baseline, step, calls)),
        ];
        for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side();
      }
      note(`round ${round + 1} of ${rounds}`);
    }
  } finally {
    await group.close();
  }
  return { figures: figuresOf(ours, theirs), tables: [tableOf(ours, theirs)], skipped: [], raw: { ours, theirs } };
}

let lastId = 0;

/** Nanoseconds a call. */
async function ourRound(group: EmbeddedGroup, step: number, calls: number): Promise<number> {
  const input = new Uint8Array(32);
  new Uint32Array(input.buffer).set([step, calls]);
  const outcome = await group.call({ id: ++lastId, functionId: 1, input, timeoutMs: 60_000 });
  if (outcome.status !== "ok") throw new Error(`a call ended ${outcome.status}: ${outcome.error?.message}`);
  return outcome.execUs * 1_000 / calls;
}

async function plainRound(baseline: Baseline<CallsRound>, step: number, calls: number): Promise<number> {
  return (await baseline.round(step, calls)).ns / calls;
}

function figuresOf(ours: Times, theirs: Times): Figure[] {
  const nothing = median(ours["an import that does nothing"]!);
  const over = (name: StepName): Figure => ({
    what: `${name}, over an import that does nothing`,
    value: median(ours[name]!) - nothing,
    unit: "ns",
    goal: { of: "value", atMost: OVER_NOTHING_NS_MAX },
  });
  const beside = (name: StepName, isCheaper: boolean): Figure => ({
    what: name,
    value: median(ours[name]!),
    unit: "ns",
    against: { what: PLAIN, value: median(theirs[name]!), ratio: medianRatio(ours[name]!, theirs[name]!) },
    ...(isCheaper && { goal: { of: "ratio", atMost: 1 } }),
  });
  const file: StepName = "file open, read of 4 KiB, close";
  return [
    over(OURS_ALONE),
    over("fd_write of 16 bytes"),
    { what: file, value: median(ours[file]!) / 1_000, unit: "us", goal: { of: "value", atMost: FILE_US_MAX } },
    beside("clock_time_get", true),
    beside("poll_oneoff of a clock that is due", true),
    beside("fd_write of 16 bytes", false),
    beside(file, false),
    beside("random_get of 32 bytes", false),
  ];
}

function tableOf(ours: Times, theirs: Times) {
  const rows = STEPS.map(({ name }) => {
    if (name === OURS_ALONE) return [name, median(ours[name]!), "", ""];
    return [name, median(ours[name]!), median(theirs[name]!), medianRatio(ours[name]!, theirs[name]!)];
  });
  return { title: "Host calls", head: ["nanoseconds a call", "faaslet", PLAIN, "ratio"], rows };
}

function text(): string {
  const loops = STEPS.map(({ body }, at) =>
    `(if (i32.eq (i32.load (i32.const 0)) (i32.const ${at})) (then (loop $again
      ${body}
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))`
  );
  return `(module
    (import "env" "__faasm_memory_layout_protection" (func $nothing))
    (import "env" "__faasm_read_input" (func $read (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "file")
    (func (export "main") (local $left i32)
      (drop (call $read (i32.const 0) (i32.const 32)))
      (i32.store (i32.const 128) (i32.const 256)) (i32.store (i32.const 132) (i32.const 16))
      (i32.store (i32.const 136) (i32.const 8192)) (i32.store (i32.const 140) (i32.const 4096))
      (i32.store (i32.const 528) (i32.const 1))
      (local.set $left (i32.load (i32.const 4)))
      ${loops.join("\n")}))`;
}
