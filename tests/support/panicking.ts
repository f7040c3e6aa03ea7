/**
 * F51, in a process of its own so that its standard error can be looked at: host functions and entries of the add-on that
 * panic, by the dozen, beside calls that have nothing to do with it. Prints how everything ended, as JSON.
 */
import { EmbeddedGroup } from "../../runtime/mod.ts";
import { native } from "../../runtime/native/mod.ts";
import { guest, imageOf } from "./guests.ts";
import { until } from "./until.ts";

// Before there is any group: a panic here would be the first thing that the library does.
const entries = ["not JSON", "{}", "[]"].map((question) =>
  codeOf(() => native.inspectModule(new Uint8Array(4), question))
);
entries.push(codeOf(() => native.compileModule(new Uint8Array([1, 2, 3]))));
entries.push(codeOf(() => native.layoutModule(new Uint8Array(0))));

const group = new EmbeddedGroup({ threadsMax: 4 });
await group.install(imageOf(1, guest("echo")));
await group.install(imageOf(2, guest("panic")));
const inInitialiser = await group.install(imageOf(3, guest("panic"), { init: "main", entry: "other" }))
  .then(() => "installed", (error) => error.code);
const count = Number(Deno.args[0]);
const ends = await Promise.all(Array.from({ length: count }, async (_, at) => {
  const functionId = 1 + (at % 2);
  const { status, error, output } = await group.call({
    id: at + 1,
    functionId,
    input: new Uint8Array([at & 0xff]),
    timeoutMs: 60_000,
  });
  return functionId === 1 ? `${status} ${output[0] === (at & 0xff)}` : `${status} ${error?.code} ${error?.message}`;
}));
// The last one is dropped after its answer has gone out.
await until(async () => (await group.stats()).discarded >= count / 2, "the last one is dropped");
const { discarded, idleFaaslets } = await group.stats();
await group.close();
await until(() => native.live().threads + native.live().memories === 0, "all is gone");
const counts: Record<string, number> = {};
for (const end of ends) counts[end] = (counts[end] ?? 0) + 1;
console.log(JSON.stringify({ entries, inInitialiser, counts, discarded, idleFaaslets }));

function codeOf(action: () => unknown): string {
  try {
    action();
    return "nothing";
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}
