/**
 * Goal: the SDK in each language builds with its stock compiler, and its examples chain and answer. Method: the example
 * `parts` of each language, built as `faaslet up` builds it, run by a dispatcher over a real group.
 */
import assert from "node:assert/strict";
import { buildModule } from "../cli/build/mod.ts";
import { SYSTEM_CLOCK } from "../http/mod.ts";
import { EmbeddedGroup, type FunctionRecord, type LiveFunction, parseSettings } from "../runtime/mod.ts";
import { Dispatcher } from "../scheduler/mod.ts";
import { imageOf } from "./support/guests.ts";
import { missingCompiler } from "./support/sdk.ts";

const FOLDER = new URL("../examples/parts/", import.meta.url).pathname;
const N = 1_000_000;
const SUM = 333_333_833_333_500_000n;

/** What FAASM's names have no word for. */
const HEAD = "content-type: text/plain\n";

async function answerOf(file: string): Promise<{ text: string; head: string }> {
  const { wasm } = await buildModule(FOLDER + file, () => {});
  const group = new EmbeddedGroup();
  try {
    const image = imageOf(1, wasm);
    await group.install(image);
    const settings = parseSettings({});
    const record = { tenant: "default", name: "parts", version: 1, settings } as unknown as FunctionRecord;
    const live: LiveFunction = { functionId: 1, record };
    const dispatcher = new Dispatcher({
      group,
      clock: SYSTEM_CLOCK,
      random: (bytes) => void crypto.getRandomValues(bytes),
      current: () => live,
    });
    const result = await dispatcher.call({ live, input: new TextEncoder().encode(`${N}\n`) });
    const said = new TextDecoder().decode(result.stderr);
    assert.equal(result.status, "ok", `${result.error?.message} ${result.returnValue} ${said}`);
    assert.equal([...dispatcher.records.newestFirst()].length, 9, "eight parts and the whole");
    const [text, head] = [result.output, result.head].map((bytes) => new TextDecoder().decode(bytes));
    return { text: text!, head: head! };
  } finally {
    await group.close();
  }
}

for (const file of ["parts.c", "parts.cpp", "parts.rs", "parts.go", "parts.as.ts"]) {
  const why = await missingCompiler(file);
  if (why !== undefined) console.log(`skipped: SDK example ${file}: ${why}`);
  Deno.test({
    name: `the SDK's example ${file} chains its parts and answers`,
    ignore: why !== undefined,
    async fn() {
      const expected = file.endsWith(".go") ? sumOfPartsModulo() : SUM;
      const head = file.endsWith(".cpp") ? "" : HEAD;
      assert.deepEqual(await answerOf(file), { text: `${expected}\n`, head });
    },
  });
}

function sumOfPartsModulo(): bigint {
  return SUM % 1_009n;
}
