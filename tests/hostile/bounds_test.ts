/**
 * H01: every kind of memory access at the end, beyond it and far beyond. Goal: what is outside traps with its name, what is
 * inside does not, and the next call is unharmed. Method: a guest for each list of instructions, made from a table of them;
 * what has to happen is computed.
 */
import assert from "node:assert/strict";
import { type Attack, attackTest, words } from "../support/attack.ts";
import { assemble } from "../support/guests.ts";
import { rounds, seeded } from "../support/long.ts";
import { until } from "../support/until.ts";

const PAGE = 65_536;

interface Access {
  readonly name: string;
  readonly width: number;
  /** Of a store: what it stores. */
  readonly value?: string;
  /** Must be aligned to its width. */
  readonly isAtomic?: boolean;
}

const I32 = "(i32.const 1)";
const I64 = "(i64.const 1)";
const V128 = "(v128.const i64x2 1 1)";
const ACCESSES: readonly Access[] = [
  ...loads("i32", { load8_u: 1, load8_s: 1, load16_u: 2, load16_s: 2, load: 4 }),
  ...loads("i64", { load8_u: 1, load16_s: 2, load32_u: 4, load32_s: 4, load: 8 }),
  ...loads("f32", { load: 4 }),
  ...loads("f64", { load: 8 }),
  ...loads("v128", { load: 16, load8x8_u: 8, load16_splat: 2, load64_splat: 8, load32_zero: 4 }),
  ...stores("i32", I32, { store8: 1, store16: 2, store: 4 }),
  ...stores("i64", I64, { store8: 1, store16: 2, store32: 4, store: 8 }),
  ...stores("f32", "(f32.const 1)", { store: 4 }),
  ...stores("f64", "(f64.const 1)", { store: 8 }),
  ...stores("v128", V128, { store: 16 }),
  { name: "i32.atomic.load", width: 4, isAtomic: true },
  { name: "i64.atomic.load", width: 8, isAtomic: true },
  { name: "i32.atomic.store8", width: 1, value: I32, isAtomic: true },
  { name: "i64.atomic.store", width: 8, value: I64, isAtomic: true },
];
/** Up to 32 MiB the machine code has no check of its own; the guard behind the memory is as large. */
const OFFSETS = [0, 1, 65_535, 65_536, 0x1ff_ffff, 0x200_0000, 0x200_0001, 0x7fff_ffff, 0xffff_fff0, 0xffff_ffff];

function loads(kind: string, widths: Readonly<Record<string, number>>): Access[] {
  return Object.entries(widths).map(([name, width]) => ({ name: `${kind}.${name}`, width }));
}

function stores(kind: string, value: string, widths: Readonly<Record<string, number>>): Access[] {
  return loads(kind, widths).map((access) => ({ ...access, value }));
}

/** A module that does what the input's second word names, at the address in its first. */
function moduleOf(memory: string, cases: readonly string[], more = ""): Uint8Array {
  const labels = cases.map((_, at) => `$c${at}`);
  const opened = labels.toReversed().map((label) => `(block ${label} `).join("");
  const bodies = cases.map((text) => `) ${text} (return)`).join("\n");
  return assemble(`(module
    (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
    (memory (export "memory") ${memory}) ${more}
    (func (export "main") (local $at i32) (local $case i32) (local $from i32) (local $count i32)
      (drop (call $read_input (i32.const 0) (i32.const 16)))
      (local.set $at (i32.load (i32.const 0)))
      (local.set $case (i32.load (i32.const 4)))
      (local.set $from (i32.load (i32.const 8)))
      (local.set $count (i32.load (i32.const 12)))
      ${opened} (br_table ${labels.join(" ")} (local.get $case)) ${bodies}))`);
}

function instruction({ name, value }: Access, offset: number): string {
  const place = `${name} offset=${offset} (local.get $at)`;
  return value === undefined ? `(drop (${place}))` : `(${place} ${value})`;
}

/** Addresses whose access ends or begins at the memory's end, and far ones. */
function addressesOf(width: number, offset: number, bytes: number): number[] {
  const targets = [bytes - width, bytes - width + 1, bytes - 1, bytes, bytes + 1, 2 * bytes, 2 ** 31, 2 ** 32 - width];
  const addresses = targets.map((target) => target - offset).filter((at) => at >= 0 && at < 2 ** 32);
  return [...new Set([...addresses, 0, 2 ** 31, 2 ** 32 - 1])];
}

attackTest("H01: every width at every edge of one page, with every offset, traps or does not", async (attack) => {
  const random = seeded(1);
  let traps = 0;
  for (const access of ACCESSES) {
    const target = await attack.install(moduleOf("1 1", OFFSETS.map((offset) => instruction(access, offset))));
    for (const [number, offset] of OFFSETS.entries()) {
      for (const at of addressesOf(access.width, offset, PAGE)) {
        // The short form takes a part of them, the same each time.
        if (random() > rounds(0.25, 1)) continue;
        traps += await tryAccess(attack, target, access, { at, number, offset }) ? 0 : 1;
      }
    }
  }
  assert.ok(traps > 100);
  // The last one is dropped after its answer has gone out.
  await until(async () => (await attack.group.stats()).discarded >= traps, "the last one is dropped");
  const { discarded, idleFaaslets } = await attack.group.stats();
  assert.equal(discarded, traps, "none that trapped is used again");
  assert.ok(idleFaaslets <= ACCESSES.length + 1);
});

/** True when it was inside. */
async function tryAccess(
  attack: Attack,
  target: number,
  access: Access,
  { at, number, offset }: { at: number; number: number; offset: number },
): Promise<boolean> {
  const begin = at + offset;
  const isInside = begin + access.width <= PAGE;
  const isAligned = !access.isAtomic || begin % access.width === 0;
  const { status, error } = await attack.call(target, { input: words(at, number) });
  const what = `${access.name} offset=${offset} at ${at}`;
  assert.equal(status, isInside && isAligned ? "ok" : "trap", what);
  if (status === "ok") return true;
  assert.equal(error?.code, "ERR_GUEST_TRAP", what);
  assert.match(error!.message, isInside ? /unaligned/ : /out of bounds memory access|unaligned/, what);
  return false;
}

const BULK = [
  "(memory.fill (local.get $at) (i32.const 7) (local.get $count))",
  "(memory.copy (local.get $at) (local.get $from) (local.get $count))",
  "(memory.init $segment (local.get $at) (local.get $from) (local.get $count))",
];

attackTest("H01: bulk operations across the end trap, those that end at it do not", async (attack) => {
  const segment = '(data $segment "0123456789abcdef")';
  const target = await attack.install(moduleOf("1 1", BULK, segment));
  const edges = [0, 1, 15, 16, 17, PAGE - 1, PAGE, PAGE + 1, 2 ** 31, 2 ** 32 - 1];
  for (const number of BULK.keys()) {
    for (const at of edges) {
      for (const from of number === 0 ? [0] : edges) {
        for (const count of edges) {
          const source = number === 2 ? 16 : PAGE;
          const fits = at + count <= PAGE && (number === 0 || from + count <= source);
          const { status, error } = await attack.call(target, { input: words(at, number, from, count) });
          const what = `${BULK[number]} at ${at} from ${from} count ${count}`;
          assert.equal(status, fits ? "ok" : "trap", what);
          if (!fits) assert.match(error!.message, /out of bounds memory access/, what);
        }
      }
    }
  }
});

attackTest("H01: memory that had grown is out of bounds again in the next call", async (attack) => {
  const cases = [
    "(drop (memory.grow (i32.const 4))) (memory.fill (i32.const 65536) (i32.const 7) (i32.const 262144))",
    "(drop (i32.load8_u (local.get $at)))",
    "(drop (memory.grow (i32.const 1))) (br_if 0 (i32.load8_u (local.get $at))) (unreachable)",
  ];
  const target = await attack.install(moduleOf("1", cases));
  for (const at of [PAGE, PAGE + 4_096, 5 * PAGE - 1]) {
    const { resets } = await attack.settled(1, () => attack.call(target, { input: words(0, 0) }));
    assert.equal(resets, 1);
    const { status, start, error } = await attack.call(target, { input: words(at, 1) });
    assert.deepEqual([status, start], ["trap", "warm"]);
    assert.match(error!.message, /out of bounds memory access/);
  }
  // Grown anew, it is zero: reaching the `unreachable` says so.
  await attack.settled(1, () => attack.call(target, { input: words(0, 0) }));
  const again = await attack.call(target, { input: words(PAGE, 2) });
  assert.equal(again.start, "warm");
  assert.match(again.error!.message, /unreachable/);
});

attackTest(
  "H01: a memory of all four gibibytes ends where its addresses end; an empty one begins nowhere",
  async (attack) => {
    const cases = ["(i32.store8 (local.get $at) (i32.const 1))", "(i32.store (local.get $at) (i32.const 1))"];
    const limits = { memoryBytes: 2 ** 32 };
    const whole = await attack.install(moduleOf("65536", cases), { limits });
    for (
      const [at, number, expected] of [[2 ** 32 - 1, 0, "ok"], [2 ** 32 - 4, 1, "ok"], [
        2 ** 32 - 3,
        1,
        "trap",
      ]] as const
    ) {
      assert.equal((await attack.call(whole, { input: words(at, number) })).status, expected, `at ${at}`);
    }
    const empty = await attack.install(
      assemble(`(module (memory 0) (func (export "main") (i32.store8 (i32.const 0) (i32.const 1))))`),
    );
    assert.match((await attack.call(empty)).error!.message, /out of bounds memory access/);
  },
);

const TRAPS: readonly (readonly [text: string, message: RegExp])[] = [
  ["unreachable", /unreachable/],
  ["(drop (i32.div_s (i32.const 1) (i32.const 0)))", /integer divide by zero/],
  ["(drop (i64.rem_u (i64.const 1) (i64.const 0)))", /integer divide by zero/],
  ["(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))", /integer overflow/],
  ["(drop (i32.trunc_f32_s (f32.const nan)))", /invalid conversion to integer/],
  ["(drop (i64.trunc_f64_u (f64.const 1e300)))", /integer overflow/],
  ["(call_indirect (type $none) (i32.const 2))", /undefined element|out of bounds table access/],
  ["(call_indirect (type $none) (i32.const -1))", /undefined element|out of bounds table access/],
  ["(call_indirect (type $none) (i32.const 1))", /uninitialized element/],
  ["(call_indirect (type $other) (i64.const 0) (i32.const 0))", /indirect call type mismatch/],
  ["(drop (table.get 0 (i32.const 2)))", /out of bounds table access/],
  ["(drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))", /shared memory/],
];

attackTest("H01: every other trap names itself and ends nothing but its call", async (attack) => {
  const target = await attack.install(moduleOf(
    "1",
    TRAPS.map(([text]) => text),
    `(type $none (func)) (type $other (func (param i64))) (table 2 funcref) (elem (i32.const 0) $none)
     (func $none)`,
  ));
  for (let round = 0; round < rounds(3, 100); round++) {
    for (const [number, [text, message]] of TRAPS.entries()) {
      const { status, error } = await attack.call(target, { input: words(0, number) });
      assert.equal(status, "trap", text);
      assert.match(error!.message, message, text);
    }
  }
});
