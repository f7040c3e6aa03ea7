/**
 * H06: guests that want all memory and all table entries. Goal: they get their quota and not a page more, what is declared beyond
 * it is refused at upload, and the process grows by the quota at most. Method: guests that grow until refused; resident
 * memory is measured in a process of its own.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { FUNCTION_LIMITS } from "../../limits.ts";
import { inspectModule } from "../../runtime/native/mod.ts";
import { attackTest, numbersOf } from "../support/attack.ts";
import { assemble, DEFAULT_LIMITS } from "../support/guests.ts";
import { rounds } from "../support/long.ts";
import { join, list, module, SECTION, times, unsigned } from "../support/wasm_bytes.ts";

const PAGE = 65_536;
const MIB = 1_024 * 1_024;
const ALL = FUNCTION_LIMITS.tableElementsMax;

attackTest("H06: memory.grow and table.grow give -1 at the quota, call after call", async (attack) => {
  for (const pages of [1, 2, 17, 256]) {
    const target = await attack.install("grow", { limits: { memoryBytes: pages * PAGE } });
    for (let call = 0; call < rounds(3, 100); call++) {
      const { status, output, memoryBytes } = await attack.call(target);
      assert.equal(status, "ok");
      const [reached, entries] = numbersOf(output);
      assert.equal(reached, pages);
      assert.equal(memoryBytes, pages * PAGE);
      assert.ok(entries! > ALL - 1_000 && entries! <= ALL, `${entries} entries`);
    }
  }
});

attackTest(
  "H06: all tables together stay within the limit, and what an initialiser grew is in the snapshot",
  async (attack) => {
    const target = await attack.install("tables_grow");
    for (let call = 0; call < 3; call++) {
      const sizes = numbersOf((await attack.call(target)).output);
      assert.equal(sizes.reduce((sum, size) => sum + size, 0), ALL);
      assert.ok(sizes.every((size) => size > 0), `${sizes}`);
    }
    const grown = await attack.install("tables_grow", { init: "init", entry: "sizes" });
    for (const start of ["proto", "warm", "cold"] as const) {
      assert.deepEqual(numbersOf((await attack.call(grown, { start })).output), [8, 1, 1], start);
    }
  },
);

attackTest("H06: a Faaslet that cannot be made is an error of its function's, not of the host's", async (attack) => {
  const target = assemble('(module (memory 16) (func (export "main")))');
  await assert.rejects(attack.install(target, { limits: { memoryBytes: PAGE } }), { code: "ERR_MODULE_LIMIT" });
  // Looked at with the limit of the upload, installed with the one of its settings.
  const image = { limits: { ...DEFAULT_LIMITS, memoryBytes: 8 * PAGE } };
  await assert.rejects(attack.install(target, { image }), { code: "ERR_MODULE_LIMIT" });
});

Deno.test("H06: declarations beyond the limits are refused at upload, each by name", () => {
  const memories = module(list(SECTION.memory, 100, times(100, [0, 1])));
  const declared = (text: string) => assemble(`(module ${text} (func (export "main")))`);
  const cases: [Uint8Array, string, RegExp][] = [
    [memories, "ERR_MODULE_FEATURE", /multi-memory/],
    [declared("(table 10000000 funcref)"), "ERR_MODULE_LIMIT", /table entries at the start: 10000000 is over/],
    [declared("(table 500001 funcref) (table 500000 funcref)"), "ERR_MODULE_LIMIT", /table entries .* 1000001 is over/],
    [declared("(memory 65536)"), "ERR_MODULE_LIMIT", /memory pages .* 65536 is over the limit of 8192/],
    [declared("(memory 8193)"), "ERR_MODULE_LIMIT", /memory pages .* 8193 is over/],
    [module(list(SECTION.memory, 1, [0], unsigned(65_537))), "ERR_MODULE_LIMIT", /memory pages/],
    [
      module(list(SECTION.table, 17, times(17, join([0x70, 0], [1])))),
      "ERR_MODULE_LIMIT",
      /tables: 17 is over the limit of 16/,
    ],
  ];
  for (const [wasm, code, message] of cases) {
    assert.throws(() => inspectModule(wasm, { memoryBytes: FUNCTION_LIMITS.memoryBytesDefault }), { code, message });
  }
  inspectModule(declared("(memory 8192) (table 1000000 funcref)"), { memoryBytes: 8_192 * PAGE });
});

Deno.test("H06: a guest that takes and writes all it gets costs its quota, and nothing once it is reset", async () => {
  const quota = rounds(64, 512) * MIB;
  const script = fileURLToPath(new URL("../support/measured_growth.ts", import.meta.url));
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-check", script, String(quota)] });
  const { code, stdout, stderr } = await child.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  for (const { before, peak, after, images, pages } of JSON.parse(new TextDecoder().decode(stdout))) {
    const more = (bytes: number) => `${((bytes - before) / MIB).toFixed(1)} MiB more than before`;
    // What the process itself gave back meanwhile counts against it.
    assert.ok(peak - before >= quota - MIB, `at most ${more(peak)}: it did take it`);
    assert.ok(peak - before <= quota + 8 * MIB, `at most ${more(peak)}`);
    assert.ok(after - before <= 8 * MIB, `${more(after)} in the end`);
    assert.ok(images <= 1 * MIB, `${images} bytes of images`);
    for (const reached of pages) assert.equal(reached, quota / PAGE);
  }
});
