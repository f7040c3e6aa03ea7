/**
 * H11: memory that others had before. Goal: a function sees zeros and its own data, and nothing beyond its own size, whoever used the
 * same range of addresses before it and whatever failed in between. Method: large and small functions by turns in a group
 * with one thread, so that what one gives back is what the next one gets; `memory/tests.rs` looks at the addresses.
 */
import assert from "node:assert/strict";
import { compileModule } from "../../runtime/native/mod.ts";
import { type Attack, attackTest, words } from "../support/attack.ts";
import { assemble } from "../support/guests.ts";
import { rounds } from "../support/long.ts";

const PAGE = 65_536;
const LIMITS = { idle: 0 };
const LARGE_BYTES = 80 * PAGE;

/** Its instantiation fails when the memory is there already: tables come after it. */
const TOO_MANY_ENTRIES = `(module (memory (export "memory") 64) (data (i32.const 0) "secret") (table 2000000 funcref)
  (func (export "main")))`;

async function failInstantiation(attack: Attack): Promise<void> {
  // Nothing of the kind passes an upload: the machine code is put into another module's place.
  const image = { artefact: compileModule(assemble(TOO_MANY_ENTRIES)) };
  await assert.rejects(attack.install("noop", { image, limits: LIMITS }), { code: "ERR_CAPACITY" });
}

attackTest("H11: a small memory in a large one's place is zero, and ends where it ends", async (attack) => {
  const large = await attack.install("large", { limits: LIMITS });
  const small = await attack.install("small", { limits: LIMITS });
  const data = await attack.install(
    assemble(`(module
    (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
    (memory (export "memory") 2) (data (i32.const 65530) "across")
    (func (export "main") (call $write_output (i32.const 0) (i32.const 131072))))`),
    { limits: LIMITS },
  );
  const beyond = [PAGE, 2 * PAGE - 1, 64 * PAGE, LARGE_BYTES - 1, LARGE_BYTES, 2 ** 31, 2 ** 32 - 1];
  for (let round = 0; round < rounds(7, 700); round++) {
    // Reset and dropped, or dropped as it was.
    const used = await attack.call(large, { input: new Uint8Array(round % 2) });
    assert.equal(used.status, round % 2 === 0 ? "ok" : "trap");
    if (round % 3 === 0) await failInstantiation(attack);
    const fresh = await attack.call(small);
    assert.deepEqual([fresh.status, fresh.start], ["ok", "proto"]);
    assert.ok(fresh.output.every((byte) => byte === 0), "a page without data is zero");
    const { status, error } = await attack.call(small, { input: words(beyond[round % beyond.length]!) });
    assert.equal(status, "trap");
    assert.match(error!.message, /out of bounds memory access/);
    const own = (await attack.call(data)).output;
    assert.equal(new TextDecoder().decode(own.subarray(65_530, 65_536)), "across");
    assert.ok(own.every((byte, at) => byte === 0 || (at >= 65_530 && at < 65_536)), "nothing but its own data");
  }
}, 1);

attackTest("H11: instantiations that fail give everything back", async (attack) => {
  const before = (await attack.group.stats()).functions;
  for (let round = 0; round < rounds(20, 2_000); round++) await failInstantiation(attack);
  assert.equal((await attack.group.stats()).functions, before);
}, 1);
