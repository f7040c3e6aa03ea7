/**
 * Calls that a call makes: one at a time, each awaited before the next, and many at once from one caller. The time is the
 * caller's own, divided by its calls: admission, records and budget are in it. A guest's clock is too coarse for one call,
 * so that "one at a time" is the median over callers that make a hundred calls each.
 *
 * @module
 */
import { SYSTEM_CLOCK } from "../http/mod.ts";
import { EmbeddedGroup, type FunctionRecord, type LiveFunction, parseSettings } from "../runtime/mod.ts";
import { Dispatcher } from "../scheduler/mod.ts";
import { assemble } from "../tests/support/guests.ts";
import type { Benchmark, BenchmarkContext, Report } from "./_benchmark.ts";
import { functionOf, guest } from "./_guests.ts";
import { alternate, median } from "./_statistics.ts";

export const chain: Benchmark = {
  name: "chain",
  summary: "calls that a call makes and awaits, on the same host",
  run,
};

const ONE_US_MAX = 40;
const PER_SECOND_MIN = 40_000;
const CALLS = 10_000;
const CALLS_ONE_BY_ONE = 100;

const IMPORTS = `
  (import "env" "__faasm_chain_name" (func $chain (param i32 i32 i32) (result i32)))
  (import "env" "__faasm_await_call" (func $await (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "noop\\00")`;
const ONE_BY_ONE = `(module ${IMPORTS}
  (func (export "main") (local $left i32)
    (local.set $left (i32.const ${CALLS_ONE_BY_ONE}))
    (loop $next
      (drop (call $await (call $chain (i32.const 16) (i32.const 0) (i32.const 0))))
      (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))`;
const ALL_AT_ONCE = `(module ${IMPORTS}
  (func (export "main") (local $handle i32)
    (loop $next
      (local.set $handle (call $chain (i32.const 16) (i32.const 0) (i32.const 0)))
      (br_if $next (i32.lt_u (local.get $handle) (i32.const ${CALLS}))))
    (loop $next
      (drop (call $await (local.get $handle)))
      (br_if $next (local.tee $handle (i32.sub (local.get $handle) (i32.const 1)))))))`;

async function run({ isQuick, note }: BenchmarkContext): Promise<Report> {
  const host = await openHost();
  try {
    await host.secondsOf("one-by-one");
    note(`chained calls, one by one and ${CALLS} at once`);
    const seconds = await alternate(isQuick ? 3 : 9, {
      one: () => host.medianOf("one-by-one", isQuick ? 50 : 200),
      all: () => host.secondsOf("all-at-once"),
    });
    return {
      figures: [
        {
          what: "chain and await a no-op, one at a time, p50",
          value: median(seconds.one) / CALLS_ONE_BY_ONE * 1e6,
          unit: "us",
          goal: { of: "value", atMost: ONE_US_MAX },
        },
        {
          what: "10,000 chained no-ops of one caller",
          value: CALLS / median(seconds.all),
          unit: "calls/s",
          goal: { of: "value", atLeast: PER_SECOND_MIN },
        },
      ],
      tables: [],
      skipped: [],
      raw: { callsEach: { one: CALLS_ONE_BY_ONE, all: CALLS }, seconds },
    };
  } finally {
    await host.group.close();
  }
}

async function openHost() {
  const group = new EmbeddedGroup();
  const functions = new Map<string, LiveFunction>();
  const dispatcher = new Dispatcher({
    group,
    clock: SYSTEM_CLOCK,
    random: (bytes) => void crypto.getRandomValues(bytes),
    current: (_tenant, name) => functions.get(name),
  });
  const modules = { noop: guest("noop"), "one-by-one": assemble(ONE_BY_ONE), "all-at-once": assemble(ALL_AT_ONCE) };
  for (const [name, wasm] of Object.entries(modules)) {
    const functionId = functions.size + 1;
    await group.install(functionOf(functionId, wasm, 64));
    const record = { tenant: "default", name, version: 1, settings: parseSettings({}) } as unknown as FunctionRecord;
    functions.set(name, { functionId, record });
  }
  async function secondsOf(name: "one-by-one" | "all-at-once"): Promise<number> {
    const { status, execUs, error } = await dispatcher.call({ live: functions.get(name)!, input: new Uint8Array(0) });
    if (status !== "ok") throw new Error(`the caller ended ${status}: ${error?.message}`);
    return execUs / 1e6;
  }
  return {
    group,
    secondsOf,
    async medianOf(name: "one-by-one", times: number): Promise<number> {
      const all: number[] = [];
      for (let time = 0; time < times; time++) all.push(await secondsOf(name));
      return median(all);
    },
  };
}
