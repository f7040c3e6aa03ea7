/**
 * Goal: `mmap`, `munmap`, `__sbrk`, `brk` do what C programs expect, beside the guest's own allocator. Method: scripts for
 * the probe, and a C program built with the packaged clang.
 */
import assert from "node:assert/strict";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { buildC } from "./support/c.ts";
import { assemble, imageOf } from "./support/guests.ts";
import { rounds, seeded } from "./support/long.ts";
import { DATA, PAGES, SCRATCH, type Step, withProbe } from "./support/probe.ts";

const PAGE = 65_536;
const READ_WRITE = 3;
const PRIVATE = 2;
const FIXED = 0x10;
const ANONYMOUS = 0x20;
const ERRNO = SCRATCH.to - 16;
const EACCES = 2;
const EBADF = 8;
const EINVAL = 28;
const ENODEV = 43;
const ENOMEM = 48;
const ENOTSUP = 58;

function anonymous(length: number): Step {
  return ["mmap", 0, length, READ_WRITE, PRIVATE | ANONYMOUS, -1, 0];
}

Deno.test("mmap() gives zero pages behind the memory, munmap() takes them, and they come again as zero", async () => {
  await withProbe({}, async ({ run }) => {
    const { results } = await run([
      anonymous(1),
      anonymous(3 * PAGE),
      ["fill", { step: 1 }, 0xee, 3 * PAGE],
      ["munmap", { step: 1 }, 2 * PAGE],
      anonymous(2 * PAGE),
      ["sum", { step: 4 }, 2 * PAGE],
      ["peek8", { step: 1, plus: 2 * PAGE }],
      ["munmap", { step: 1, plus: PAGE }, 1],
      ["size"],
      anonymous(PAGE - 1),
      ["size"],
    ]);
    const first = PAGES * PAGE;
    assert.deepEqual(results, [
      first,
      first + PAGE,
      0,
      0,
      first + PAGE,
      0,
      0xee,
      0,
      PAGES + 4,
      first + 2 * PAGE,
      PAGES + 4,
    ]);
  });
});

Deno.test("mmap() takes the function's memory limit and the next call begins anew", async () => {
  await withProbe({ limits: { memoryBytes: (PAGES + 4) * PAGE } }, async ({ run }) => {
    for (let call = 0; call < 3; call++) {
      const { results } = await run([
        anonymous(4 * PAGE),
        anonymous(1),
        ["__faaslet_errno"],
        ["peek", ERRNO],
        ["munmap", { step: 0 }, 4 * PAGE],
        anonymous(5 * PAGE),
        anonymous(2 ** 32 - 1),
        anonymous(4 * PAGE),
        ["sum", { step: 7 }, 4 * PAGE],
        ["fill", { step: 7 }, 1, 4 * PAGE],
      ]);
      const first = PAGES * PAGE;
      assert.deepEqual(results, [first, -1, ENOMEM, ENOMEM, 0, -1, -1, first, 0, 0]);
    }
  });
});

Deno.test("mmap() of a file is a copy of its content, and zero behind it", async () => {
  const bytes = Uint8Array.from({ length: PAGE + 100 }, (_, at) => at % 255 + 1);
  await withProbe({ image: { files: [{ path: "/data", bytes }, { path: "/inner" }] } }, async ({ run }) => {
    const path = new TextEncoder().encode("data");
    const all = 2n ** 29n - 1n;
    const { results } = await run(
      [
        ["path_open", 3, 0, DATA, path.length, 0, all, 0, 0, 0],
        ["mmap", 0, PAGE + 200, READ_WRITE, PRIVATE, 4, 0],
        ["peek8", { step: 1 }],
        ["peek8", { step: 1, plus: PAGE + 99 }],
        ["sum", { step: 1, plus: PAGE + 100 }, PAGE - 100],
        ["poke", { step: 1 }, 0x7f7f7f7f],
        ["mmap", 0, PAGE, 1, 1, 4, PAGE],
        ["peek8", { step: 6, plus: 99 }],
        ["mmap", { step: 1 }, PAGE, READ_WRITE, PRIVATE | FIXED, 4, 0],
        ["peek8", { step: 1 }],
        ["mmap", 0, PAGE, READ_WRITE, PRIVATE, 4, 10 * PAGE],
        ["sum", { step: 10 }, PAGE],
      ],
      path,
    );
    const first = PAGES * PAGE;
    assert.deepEqual(results, [
      0,
      first,
      1,
      (PAGE + 99) % 255 + 1,
      0,
      0,
      first + 2 * PAGE,
      (PAGE + 99) % 255 + 1,
      first,
      1,
      first + 3 * PAGE,
      0,
    ]);
    const wrong = await run(
      [
        ["mmap", 0, PAGE, READ_WRITE, PRIVATE, 77, 0],
        ["__faaslet_errno"],
        ["mmap", 0, PAGE, READ_WRITE, PRIVATE, 3, 0],
        ["__faaslet_errno"],
        ["path_open", 3, 0, DATA, path.length, 0, 1n << 6n, 0, 0, 0],
        ["mmap", 0, PAGE, READ_WRITE, PRIVATE, 4, 0],
        ["__faaslet_errno"],
        ["path_open", 3, 0, DATA, path.length, 0, all, 0, 0, 0],
        ["mmap", 0, PAGE, READ_WRITE, 1, 5, 0],
        ["__faaslet_errno"],
        ["mmap", 0, PAGE, READ_WRITE, PRIVATE, 5, 1],
        ["__faaslet_errno"],
        ["mmap", 0, PAGE, READ_WRITE, PRIVATE, 5, -PAGE],
        ["__faaslet_errno"],
        ["size"],
      ],
      path,
    );
    const errors = [-1, EBADF, -1, ENODEV, 0, -1, EACCES, 0, -1, ENOTSUP, -1, EINVAL, -1, EINVAL, PAGES];
    assert.deepEqual(wrong.results, errors);
  });
});

Deno.test("__sbrk() moves the break, behind whatever grew the memory meanwhile; brk() sets it", async () => {
  await withProbe({ limits: { memoryBytes: (PAGES + 6) * PAGE } }, async ({ run }) => {
    const first = PAGES * PAGE;
    const steps: [Step, number][] = [
      [["__sbrk", 0], first],
      [["__sbrk", 100], first],
      [["__sbrk", 0], first + 100],
      [["fill", first, 0x55, 100], 0],
      [["__sbrk", -60], first + 100],
      [["__sbrk", 60], first + 40],
      [["sum", first + 40, 60], 0],
      [["peek8", first + 39], 0x55],
      [["brk", first + 2 * PAGE], 0],
      [["size"], PAGES + 2],
      [["__sbrk", 0], first + 2 * PAGE],
      [["grow", 1], PAGES + 2],
      [["__sbrk", 8], first + 3 * PAGE],
      [["__sbrk", 0], first + 3 * PAGE + 8],
      [["brk", first + 2 * PAGE], -1],
      [["__faaslet_errno"], EINVAL],
      [["brk", 0], -1],
      [["__sbrk", -9], -1],
      [["__sbrk", -8], first + 3 * PAGE + 8],
      [anonymous(1), first + 4 * PAGE],
      [["brk", first + 5 * PAGE], -1],
      [["__faaslet_errno"], ENOMEM],
      [["__sbrk", 2 ** 31 - 1], -1],
      [["__sbrk", -(2 ** 31)], -1],
      [["__sbrk", 0], first + 3 * PAGE],
    ];
    const ran = await run(steps.map(([step]) => step));
    assert.deepEqual(ran.results, steps.map(([, result]) => result));
    assert.deepEqual((await run([["__sbrk", 0]])).results, [first], "the next call begins anew");
  });
});

Deno.test("H58: mmap, munmap and brk with hostile arguments are refused and change nothing", async () => {
  await withProbe({ limits: { memoryBytes: (PAGES + 8) * PAGE } }, async ({ run }) => {
    const cases: [what: string, step: Step, errno: number][] = [
      ["fixed over data", ["mmap", 0, PAGE, READ_WRITE, PRIVATE | ANONYMOUS | FIXED, -1, 0], EINVAL],
      ["fixed over the stack", ["mmap", 0x40000, PAGE, READ_WRITE, PRIVATE | ANONYMOUS | FIXED, -1, 0], EINVAL],
      ["fixed over the end", ["mmap", (PAGES + 1) * PAGE, PAGE, 3, PRIVATE | ANONYMOUS | FIXED, -1, 0], EINVAL],
      ["fixed far out", ["mmap", 0xffff0000, PAGE * 2, 3, PRIVATE | ANONYMOUS | FIXED, -1, 0], EINVAL],
      ["fixed, unaligned", ["mmap", PAGES * PAGE + 1, PAGE, 3, PRIVATE | ANONYMOUS | FIXED, -1, 0], EINVAL],
      ["executable", ["mmap", 0, PAGE, 7, PRIVATE | ANONYMOUS, -1, 0], EACCES],
      ["neither shared nor private", ["mmap", 0, PAGE, 3, ANONYMOUS, -1, 0], EINVAL],
      ["both", ["mmap", 0, PAGE, 3, 3 | ANONYMOUS, -1, 0], EINVAL],
      ["unknown flags", ["mmap", 0, PAGE, 3, PRIVATE | ANONYMOUS | 0x40000, -1, 0], EINVAL],
      ["unknown protection", ["mmap", 0, PAGE, 0x103, PRIVATE | ANONYMOUS, -1, 0], EINVAL],
      ["no length", ["mmap", 0, 0, 3, PRIVATE | ANONYMOUS, -1, 0], EINVAL],
      ["a bad descriptor", ["mmap", 0, PAGE, 3, PRIVATE, -1, 0], EBADF],
      ["more than the limit", ["mmap", 0, 9 * PAGE, 3, PRIVATE | ANONYMOUS, -1, 0], ENOMEM],
      ["unmap data", ["munmap", 0, PAGE], EINVAL],
      ["unmap the stack", ["munmap", 0x40000, PAGE], EINVAL],
      ["unmap half data, half mapping", ["munmap", (PAGES - 1) * PAGE, 2 * PAGE], EINVAL],
      ["unmap past the mapping", ["munmap", PAGES * PAGE, 2 * PAGE], EINVAL],
      ["unmap, unaligned", ["munmap", PAGES * PAGE + 4096, PAGE], EINVAL],
      ["unmap nothing", ["munmap", PAGES * PAGE, 0], EINVAL],
      ["unmap all there is", ["munmap", 0, 2 ** 32 - 1], EINVAL],
      ["unmap past the end of addresses", ["munmap", 0xffff0000, 2 ** 32 - 1], EINVAL],
      ["break below data", ["brk", 0], EINVAL],
      ["break into a mapping", ["__sbrk", -1], EINVAL],
    ];
    const before: Step[] = [["fill", 0, 0x5a, 256], anonymous(1), ["fill", { step: 1 }, 0x77, PAGE], ["sum", 0, 1_000]];
    const steps = cases.flatMap(([, step]): Step[] => [step, ["__faaslet_errno"]]);
    const after: Step[] = [["sum", 0, 1_000], ["sum", { step: 1 }, PAGE], ["size"]];
    const { results } = await run([...before, ["sum", { step: 1 }, PAGE], ...steps, ...after]);
    for (const [at, [what, , errno]] of cases.entries()) {
      assert.deepEqual(results.slice(5 + at * 2, 7 + at * 2), [-1, errno], what);
    }
    assert.deepEqual(results.slice(-3), [results[3], results[4], PAGES + 1]);
    const twice = await run([anonymous(1), ["munmap", { step: 0 }, 1], ["munmap", { step: 0 }, 1], [
      "peek",
      { step: 0 },
    ]]);
    assert.deepEqual(twice.results.slice(1), [0, -1, 0], "a second munmap is refused; the address reads as zero");
  });
});

Deno.test("H58: random mappings never overlap, never hold old bytes, never pass the limit", async () => {
  await withProbe({ limits: { memoryBytes: (PAGES + 32) * PAGE } }, async ({ run }) => {
    const seed = 58;
    const random = seeded(seed);
    for (let round = 0; round < rounds(20, 1_000); round++) {
      const steps: Step[] = [];
      const checks: { at: number; result: number | "address" | "any"; pages: number }[] = [];
      for (let turn = 0; turn < 40; turn++) {
        const pages = 1 + Math.floor(random() * 8);
        const mapping = steps.length;
        steps.push(anonymous(pages * PAGE));
        checks.push({ at: mapping, result: "address", pages });
        // A failed mapping is -1: the sum is then of the last page below 4 GiB, which would trap; so look before.
        const back = Math.floor(random() * pages);
        steps.push(["munmap", { step: mapping, plus: back * PAGE }, (pages - back) * PAGE]);
        checks.push({ at: mapping + 1, result: "any", pages: back });
      }
      const { results, outcome } = await run(steps);
      assert.equal(outcome.status, "ok", `seed ${seed}, round ${round}: ${outcome.error?.message}`);
      const live = new Set<number>();
      for (const { at, result, pages } of checks) {
        if (result !== "address") continue;
        const address = results[at]!;
        if (address === -1) {
          assert.equal(results[at + 1], -1);
          continue;
        }
        assert.ok(address >= PAGES * PAGE && address + pages * PAGE <= (PAGES + 32) * PAGE, `round ${round}`);
        for (let page = 0; page < pages; page++) {
          assert.ok(
            !live.has(address / PAGE + page),
            `seed ${seed}, round ${round}: page ${address / PAGE + page} twice`,
          );
        }
        const kept = checks.find((check) => check.at === at + 1)!.pages;
        for (let page = 0; page < kept; page++) live.add(address / PAGE + page);
      }
    }
  });
});

Deno.test("mmap() asks a guest that exports __faaslet_alloc, and traps when that lies", async () => {
  const text = (answers: string) =>
    assemble(`(module
      (import "env" "mmap" (func $mmap (param i32 i32 i32 i32 i32 i64) (result i32)))
      (import "env" "__faasm_write_output" (func $write (param i32 i32)))
      (memory (export "memory") 8)
      (global $next (mut i32) (i32.const 0x20000))
      (func (export "__faaslet_alloc") (param $alignment i32) (param $size i32) (result i32)
        ${answers})
      (func $map (result i32)
        (call $mmap (i32.const 0) (i32.const 70000) (i32.const 3) (i32.const 0x22) (i32.const -1) (i64.const 0)))
      (func (export "main")
        (memory.fill (i32.const 0x20000) (i32.const 0xff) (i32.const 0x40000))
        (i32.store (i32.const 0) (call $map))
        (i32.store (i32.const 4) (call $map))
        (i32.store (i32.const 8) (i32.load (i32.load (i32.const 4))))
        (i32.store (i32.const 12) (memory.size))
        (call $write (i32.const 0) (i32.const 16))))`);
  const group = new EmbeddedGroup({ threadsMax: 2 });
  try {
    const call = async (id: number, answers: string) => {
      await group.install(imageOf(id, text(answers)));
      return await group.call({ id, functionId: id, input: new Uint8Array(0), timeoutMs: 10_000 });
    };
    const honest = await call(
      1,
      `(global.get $next) (global.set $next (i32.add (global.get $next) (local.get $size)))`,
    );
    assert.deepEqual([...new Int32Array(honest.output.slice().buffer)], [0x20000, 0x40000, 0, 8]);
    for (const [id, answers] of ["(i32.const 0x20000)", "(i32.const 0x70000)", "(i32.const 0x20001)"].entries()) {
      const liar = await call(id + 2, answers);
      assert.equal(liar.error?.code, "ERR_GUEST_MISUSE", answers);
    }
    const trapping = await call(8, "(unreachable)");
    assert.equal(trapping.error?.code, "ERR_GUEST_TRAP");
  } finally {
    await group.close();
  }
});

Deno.test("mmap() and sbrk() live beside malloc() in a C program, before the snapshot and after it", async () => {
  const wasm = await buildC("allocators.c");
  const group = new EmbeddedGroup({ threadsMax: 2 });
  try {
    const report = await group.install(imageOf(1, wasm, { limits: { memoryBytes: 256 * 1024 * 1024 } }));
    const printed = new Set<string>();
    for (let call = 1; call <= 3; call++) {
      const outcome = await group.call({ id: call, functionId: 1, input: new Uint8Array(0), timeoutMs: 20_000 });
      const stdout = new TextDecoder().decode(outcome.output);
      assert.equal(outcome.status, "ok", stdout + outcome.error?.message);
      assert.ok(outcome.memoryBytes >= report.memoryBytes);
      assert.match(stdout, /^seed \d+\n$/);
      printed.add(stdout);
    }
    assert.equal(printed.size, 1, "each call begins where the initialiser ended");
  } finally {
    await group.close();
  }
});
