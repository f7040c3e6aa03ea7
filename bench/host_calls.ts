/**
 * What a host call costs that never leaves the add-on, over a call of an import that does nothing. The guest makes so many calls
 * in a row that entering it does not count.
 *
 * @module
 */
import { FUNCTION_LIMITS } from "../limits.ts";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { assemble } from "../tests/support/guests.ts";
import type { Benchmark, BenchmarkContext, Report } from "./_benchmark.ts";
import { functionOf } from "./_guests.ts";
import { median } from "./_statistics.ts";

export const hostCalls: Benchmark = {
  name: "host-calls",
  summary: "read_input, a write to the log, files, clocks and poll, over an import that does nothing",
  run,
};

const READ = 2;
/** The steps, in the order of the guest's table; how many of each make one round. */
const STEPS = [
  { name: "an import that does nothing", body: "(call $nothing)", calls: 1_000_000 },
  { name: "read_input of 16 bytes", body: "(drop (call $read (i32.const 256) (i32.const 16)))", calls: 1_000_000 },
  {
    name: "fd_write of 16 bytes to the log",
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
    calls: 100_000,
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
] as const;

const OVER_NOTHING_NS_MAX = 100;
const FILE_US_MAX = 5;

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const group = new EmbeddedGroup({ threadsMax: 1 });
  const raw: Record<string, number[]> = {};
  try {
    const files = [{ path: "/file", bytes: new Uint8Array(4_096).fill(1) }];
    await group.install(
      functionOf(1, assemble(text()), 1, { image: { files }, limits: { logBytes: FUNCTION_LIMITS.logBytesMax } }),
    );
    let id = 0;
    const rounds = isQuick ? 5 : 25;
    // Rounds of all steps one after another: what disturbs the machine for a while disturbs each of them.
    for (let round = 0; round < rounds; round++) {
      for (const [at, { name, calls }] of STEPS.entries()) {
        const input = new Uint8Array(32);
        new DataView(input.buffer).setUint32(0, at, true);
        new DataView(input.buffer).setUint32(4, calls, true);
        const outcome = await group.call({ id: ++id, functionId: 1, input, timeoutMs: 60_000 });
        if (outcome.status !== "ok") throw new Error(`a call ended ${outcome.status}: ${outcome.error?.message}`);
        (raw[name] ??= []).push(outcome.execUs * 1_000 / calls);
      }
      note(`round ${round + 1} of ${rounds}`);
    }
  } finally {
    await group.close();
  }
  const [nothing = 0, readInput = 0, write = 0, file = 0, clock = 0, poll = 0] = STEPS.map(({ name }) =>
    median(raw[name]!)
  );
  const over = (what: string, ns: number) => ({
    what: `${what}, over an import that does nothing`,
    value: ns - nothing,
    unit: "ns",
    goal: { of: "value", atMost: OVER_NOTHING_NS_MAX } as const,
  });
  return {
    figures: [
      over(STEPS[1].name, readInput),
      over(STEPS[2].name, write),
      { what: STEPS[3].name, value: file / 1_000, unit: "us", goal: { of: "value", atMost: FILE_US_MAX } },
      { what: STEPS[4].name, value: clock, unit: "ns" },
      { what: STEPS[5].name, value: poll, unit: "ns" },
    ],
    tables: [{
      title: "Host calls",
      head: ["nanoseconds a call", "median"],
      rows: STEPS.map(({ name }) => [name, median(raw[name]!)]),
    }],
    skipped: ["the same with plain Wasmtime and its WASI: the baseline program does not make these calls"],
    raw,
  };
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
