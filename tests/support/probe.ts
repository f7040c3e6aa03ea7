/**
 * A guest that does what a test's script says: host functions with any arguments, looks into its own memory. One module
 * for all of them, made from the table of host functions, so that a new function can be tested without a new guest.
 */
import { HOST_FUNCTIONS, type ValueType } from "../../hostif/mod.ts";
import { type CallOutcome, type CallRequest, EmbeddedGroup } from "../../runtime/mod.ts";
import { assemble, imageOf, type ImageOptions } from "./guests.ts";
import { WASI_FUNCTIONS } from "./wasi_functions.ts";

/** The result of an earlier step of the script, plus something. */
export interface Earlier {
  readonly step: number;
  readonly plus?: number;
}

export type Argument = number | bigint | Earlier;
/** A function's name and its arguments. */
export type Step = readonly [name: string, ...args: Argument[]];

export interface Signature {
  readonly module: string;
  readonly name: string;
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** Free for a script's own use: nothing of the probe's is in it. */
export const SCRATCH = { from: 0, to: 0x10000 } as const;
/** Where the bytes that come with a script lie. */
export const DATA = 0x80000;
/** Pages that the probe begins with. */
export const PAGES = 16;

const RESULTS = 0x10000;
const STEPS = 0x20000;
const ARGUMENTS_MAX = 9;
const STEP_BYTES = 8 + ARGUMENTS_MAX * 16;
/** Steps of one script. */
export const STEPS_MAX = Math.floor((DATA - STEPS - 8) / STEP_BYTES);

/** All functions of the host interface, WASI's included. */
export const HOST_SIGNATURES: readonly Signature[] = [
  ...HOST_FUNCTIONS.map(({ module, name, params, results }) => ({
    module,
    name,
    params: params.map(({ type }) => type),
    results,
  })),
  ...WASI_FUNCTIONS,
];

/** What the probe can do by itself: sums are of bytes, so that a test can tell whether any of them changed. */
const OWN: readonly (Signature & { body: string })[] = [
  own("peek", ["i32"], ["i32"], "(i32.load (local.get 0))"),
  own("peek64", ["i32"], ["i64"], "(i64.load (local.get 0))"),
  own("peek8", ["i32"], ["i32"], "(i32.load8_u (local.get 0))"),
  own("poke", ["i32", "i32"], [], "(i32.store (local.get 0) (local.get 1))"),
  own("poke8", ["i32", "i32"], [], "(i32.store8 (local.get 0) (local.get 1))"),
  own("poke64", ["i32", "i64"], [], "(i64.store (local.get 0) (local.get 1))"),
  own("fill", ["i32", "i32", "i32"], [], "(memory.fill (local.get 0) (local.get 1) (local.get 2))"),
  own("copy", ["i32", "i32", "i32"], [], "(memory.copy (local.get 0) (local.get 1) (local.get 2))"),
  own("size", [], ["i32"], "(memory.size)"),
  own("grow", ["i32"], ["i32"], "(memory.grow (local.get 0))"),
  own(
    "sum",
    ["i32", "i32"],
    ["i32"],
    `(local $sum i32)
     (block $end (loop $next
       (br_if $end (i32.eqz (local.get 1)))
       (local.set $sum (i32.add (i32.rotl (local.get $sum) (i32.const 5)) (i32.load8_u (local.get 0))))
       (local.set 0 (i32.add (local.get 0) (i32.const 1)))
       (local.set 1 (i32.sub (local.get 1) (i32.const 1)))
       (br $next)))
     (local.get $sum)`,
  ),
];

function own(name: string, params: ValueType[], results: ValueType[], body: string): Signature & { body: string } {
  return { module: "", name, params, results, body };
}

let binary: Uint8Array | undefined;

/** The probe's module. It answers with the results of its steps. */
export function probe(): Uint8Array {
  return binary ??= assemble(probeText(), "probe");
}

/** The input that makes the probe run a script. */
export function scriptOf(steps: readonly Step[], data: Uint8Array = new Uint8Array(0)): Uint8Array<ArrayBuffer> {
  if (steps.length > STEPS_MAX) throw new RangeError(`a script has at most ${STEPS_MAX} steps`);
  const input = new Uint8Array(DATA - STEPS + data.length);
  const view = new DataView(input.buffer);
  view.setUint32(0, steps.length, true);
  for (const [at, [name, ...args]] of steps.entries()) {
    const start = 8 + at * STEP_BYTES;
    const number = ALL.findIndex((one) => one.name === name);
    if (number < 0) throw new RangeError(`the probe has no function ${name}`);
    view.setUint32(start, number, true);
    for (const [index, arg] of args.entries()) {
      const isEarlier = typeof arg === "object";
      view.setBigInt64(start + 8 + index * 16, BigInt(isEarlier ? arg.step : -1), true);
      view.setBigInt64(start + 16 + index * 16, BigInt.asIntN(64, BigInt(isEarlier ? arg.plus ?? 0 : arg)), true);
    }
  }
  input.set(data, DATA - STEPS);
  return input;
}

/** The results of a script's steps, from the probe's output; of a function without one it is 0. */
export function resultsOf(output: Uint8Array): bigint[] {
  const view = new DataView(output.buffer, output.byteOffset, output.length);
  return Array.from({ length: output.length / 8 }, (_, at) => view.getBigInt64(at * 8, true));
}

/** How a script went; no results when the call did not end by itself. */
export interface Ran {
  readonly results: readonly number[];
  readonly wide: readonly bigint[];
  readonly outcome: CallOutcome;
}

export interface ProbeFunction {
  run(steps: readonly Step[], data?: Uint8Array, request?: Partial<CallRequest>): Promise<Ran>;
  readonly group: EmbeddedGroup;
}

/** Opens a group with the probe as a function, and closes it after `body`. */
export async function withProbe(options: ImageOptions, body: (probe: ProbeFunction) => Promise<void>): Promise<void> {
  const group = new EmbeddedGroup({ threadsMax: 8 });
  let id = 0;
  try {
    await group.install(imageOf(1, probe(), options));
    await body({
      group,
      async run(steps, data, request = {}) {
        const input = scriptOf(steps, data);
        const outcome = await group.call({ id: ++id, functionId: 1, input, timeoutMs: 60_000, ...request });
        const wide = resultsOf(outcome.output);
        return { outcome, wide, results: wide.map(Number) };
      },
    });
  } finally {
    await group.close();
  }
}

const ALL: readonly (Signature & { body?: string })[] = [...HOST_SIGNATURES, ...OWN];

function probeText(): string {
  const imports = HOST_SIGNATURES.map(({ module, name, params, results }, at) =>
    `(import "${module}" "${name}" (func $f${at} (param ${params.join(" ")}) (result ${results.join(" ")})))`
  );
  const bodies = OWN.map(({ params, results, body }, at) =>
    `(func $f${HOST_SIGNATURES.length + at} (param ${params.join(" ")}) (result ${results.join(" ")}) ${body})`
  );
  const cases = ALL.map(({ params, results }, at) => {
    const args = params.map((type, index) => {
      const value = `(call $argument (local.get $at) (i32.const ${index}))`;
      return type === "i32" ? `(i32.wrap_i64 ${value})` : value;
    });
    const call = `(call $f${at} ${args.join(" ")})`;
    const result = results[0] === "i32"
      ? `(i64.extend_i32_s ${call})`
      : results[0] === "i64"
      ? call
      : `${call} (i64.const 0)`;
    return `) (return ${result})`;
  });
  const labels = ALL.map((_, at) => `$c${at}`);
  const readInput = HOST_SIGNATURES.findIndex(({ name }) => name === "__faasm_read_input");
  const writeOutput = HOST_SIGNATURES.findIndex(({ name }) => name === "__faasm_write_output");
  return `(module
    ${imports.join("\n")}
    (memory (export "memory") ${PAGES})
    (table (export "__indirect_function_table") 8 funcref)
    (global (export "errno") i32 (i32.const ${SCRATCH.to - 16}))
    ${bodies.join("\n")}
    (func $argument (param $step i32) (param $index i32) (result i64)
      (local $place i32) (local $earlier i64)
      (local.set $place (i32.add (local.get $step) (i32.shl (local.get $index) (i32.const 4))))
      (local.set $earlier (i64.load offset=8 (local.get $place)))
      (i64.add (i64.load offset=16 (local.get $place))
        (if (result i64) (i64.lt_s (local.get $earlier) (i64.const 0))
          (then (i64.const 0))
          (else (i64.load (i32.add (i32.const ${RESULTS})
            (i32.shl (i32.wrap_i64 (local.get $earlier)) (i32.const 3))))))))
    (func $step (param $at i32) (result i64)
      ${labels.toReversed().map((label) => `(block ${label}`).join("\n")}
      (br_table ${labels.join(" ")} (i32.load (local.get $at)))
      ${cases.join("\n")}
      (unreachable))
    (func (export "main") (local $count i32) (local $number i32)
      (drop (call $f${readInput} (i32.const ${STEPS}) (i32.const ${PAGES * 65_536 - STEPS})))
      (local.set $count (i32.load (i32.const ${STEPS})))
      (block $end (loop $next
        (br_if $end (i32.ge_u (local.get $number) (local.get $count)))
        (i64.store (i32.add (i32.const ${RESULTS}) (i32.shl (local.get $number) (i32.const 3)))
          (call $step (i32.add (i32.const ${STEPS + 8}) (i32.mul (local.get $number) (i32.const ${STEP_BYTES})))))
        (local.set $number (i32.add (local.get $number) (i32.const 1)))
        (br $next)))
      (call $f${writeOutput} (i32.const ${RESULTS}) (i32.shl (local.get $count) (i32.const 3)))))`;
}
