/**
 * Goal: what a guest learns of the system is fixed and harmless, clocks are coarse, and random numbers are fresh although a
 * snapshot is not. Method: scripts for the probe, and guests that look at their clock and their generator.
 */
import assert from "node:assert/strict";
import { EmbeddedGroup } from "../runtime/mod.ts";
import { assemble, guest, imageOf } from "./support/guests.ts";
import { rounds } from "./support/long.ts";
import { DATA, PAGES, type Step, withProbe } from "./support/probe.ts";

const TEXT = new TextDecoder();

Deno.test("uname(), getpwuid() and sysconf() give the same fixed answers everywhere", async () => {
  await withProbe({}, async ({ run }) => {
    const texts = (at: number, text: string): [Step, number][] => {
      return [...`${text}\0`].map((letter, index) => [["peek8", at + index], letter.charCodeAt(0)]);
    };
    const passwd = PAGES * 65_536 + 8_192;
    const steps: [Step, number][] = [
      [["uname", 0x100], 0],
      ...texts(0x100, "Linux"),
      ...texts(0x100 + 65, "faaslet"),
      ...texts(0x100 + 65 * 4, "wasm32"),
      ...texts(0x100 + 65 * 5, ""),
      [["uname", PAGES * 65_536 - 389], -1],
      [["__faaslet_errno"], 21],
      [["getpwuid", 0], 0],
      [["getpwuid", 1000], passwd],
      [["getpwuid", 1000], passwd],
      [["peek", passwd + 8], 1000],
      [["peek", passwd], passwd + 28],
      ...texts(passwd + 28, "faaslet"),
      [["peek", passwd + 20], passwd + 28 + 11],
      ...texts(passwd + 28 + 11, "/"),
      [["sysconf", 84], 1],
      [["sysconf", 30], 65_536],
      [["sysconf", 12_345], -1],
      [["getuid"], 1000],
      [["getegid"], 1000],
    ];
    const { results } = await run(steps.map(([step]) => step));
    assert.deepEqual(results, steps.map(([, result]) => result));
  });
});

Deno.test("__faasm_conf_flag() sees the function's own environment", async () => {
  await withProbe({ image: { environment: { FAST: "on", SLOW: "off" } } }, async ({ run }) => {
    const names = new TextEncoder().encode("FAST\0SLOW\0HOME\0");
    const steps: Step[] = [0, 5, 10].map((at) => ["__faasm_conf_flag", DATA + at]);
    assert.deepEqual((await run(steps, names)).results, [1, 0, 0]);
    const more = await run(steps, names, { environment: { HOME: "on", FAST: "off" } });
    assert.deepEqual(more.results, [0, 0, 1]);
  });
});

Deno.test("__faasm_backtrace() writes frames with their names to the log", async () => {
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    const wasm = assemble(`(module
      (import "env" "__faasm_backtrace" (func $backtrace (param i32)))
      (func $innermost (call $backtrace (i32.const 2)))
      (func $middle (call $innermost))
      (func (export "main") (call $middle)))`);
    await group.install(imageOf(1, wasm));
    const outcome = await group.call({ id: 1, functionId: 1, input: new Uint8Array(0), timeoutMs: 5_000 });
    assert.match(
      TEXT.decode(outcome.stderr),
      /^backtrace:\n {2}0: innermost \(at 0x.*\)\n {2}1: middle \(at 0x.*\)\n$/,
    );
  } finally {
    await group.close();
  }
});

Deno.test("the reseed hook gets fresh bits in each call that starts from the snapshot", async () => {
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    await group.install(imageOf(1, guest("reseed"), { init: "init" }));
    const bits = new Set<bigint>();
    for (let call = 1; call <= 20; call++) {
      const start = call % 3 === 0 ? "cold" : "warm";
      const { output } = await group.call({
        id: call,
        functionId: 1,
        input: new Uint8Array(0),
        timeoutMs: 5_000,
        start,
      });
      const view = new DataView(output.buffer, output.byteOffset);
      assert.equal(view.getBigUint64(0, true), start === "cold" ? 0n : 1n);
      if (start === "warm") bits.add(view.getBigUint64(8, true));
    }
    assert.equal(bits.size, 14);
    assert.ok(!bits.has(0n));
  } finally {
    await group.close();
  }
});

Deno.test("H39: the guest's clocks move in steps, never back, and know nothing of the machine's start", async () => {
  const group = new EmbeddedGroup({ threadsMax: 1 });
  const uptimeNs = Number((await Deno.readTextFile("/proc/uptime")).split(" ")[0]) * 1e9;
  try {
    let last = 0n;
    let id = 0;
    for (const [at, clockResolutionUs] of [1_000, 1, 50, 1_000_000].entries()) {
      await group.install(imageOf(at + 1, guest("clock"), { limits: { clockResolutionUs } }));
      for (const start of ["proto", "warm", "warm"] as const) {
        const input = new Uint8Array(new Uint32Array([rounds(50_000, 1_000_000), clockResolutionUs * 1_000]).buffer);
        const outcome = await group.call({ id: ++id, functionId: at + 1, input, timeoutMs: 60_000, start });
        assert.equal(outcome.status, "ok");
        const view = new DataView(outcome.output.buffer, outcome.output.byteOffset);
        const [back, crooked, now] = [0, 8, 16].map((offset) => view.getBigUint64(offset, true)) as [
          bigint,
          bigint,
          bigint,
        ];
        assert.deepEqual([back, crooked], [0n, 0n]);
        const step = BigInt(clockResolutionUs) * 1_000n;
        assert.ok(now + step > last, "across resets and functions");
        assert.ok(Number(now) < uptimeNs / 2 || uptimeNs < 60e9, "it began with this process");
        last = now;
      }
    }
  } finally {
    await group.close();
  }
});
