import assert from "node:assert/strict";
import { FUNCTION_LIMITS } from "../limits.ts";
import { parseSettings } from "./function_settings.ts";

function problems(written: unknown): readonly string[] {
  try {
    parseSettings(written);
    return [];
  } catch (error) {
    assert.equal((error as { code: string }).code, "ERR_SETTINGS_INVALID");
    return (error as { details: readonly string[] }).details;
  }
}

Deno.test("parseSettings() fills in what is not said", () => {
  for (const nothing of [undefined, null, {}]) {
    const { timeoutMs, environment, cgi } = parseSettings(nothing);
    assert.deepEqual([timeoutMs, environment, cgi], [FUNCTION_LIMITS.timeoutMsDefault, {}, true]);
  }
});

Deno.test("parseSettings() names every problem, and no more than somebody reads", () => {
  assert.deepEqual(problems({ timeoutMs: 0, cgi: 1 }).map((problem) => problem.split(":")[0]), ["timeoutMs", "cgi"]);
  assert.match(problems({ memory: 1 })[0]!, /memory/);
  const many = problems({ arguments: Array.from({ length: 1_000 }, () => 1) });
  assert.equal(many.length, 50);
  const [long] = problems({ environment: { ["=".repeat(100_000)]: "x" } });
  assert.ok(long!.length < 2_000);
});

Deno.test("parseSettings() counts entries before it looks at them", () => {
  const max = FUNCTION_LIMITS.entriesMax;
  const some = (count: number) => Array.from({ length: count }, (_, at) => `${at}`);
  assert.equal(parseSettings({ arguments: some(max) }).arguments.length, max);
  assert.deepEqual(problems({ arguments: some(max + 1) }), [`arguments: ${max + 1} entries are over ${max}`]);
  const environment = Object.fromEntries(some(max + 1).map((name) => [name, ""]));
  assert.deepEqual(problems({ environment }), [`environment: ${max + 1} entries are over ${max}`]);
});

Deno.test("parseSettings() takes names of Object's own for names", () => {
  const written = JSON.parse('{"environment": {"constructor": "a", "toString": "b"}}');
  const { environment } = parseSettings(written);
  assert.deepEqual(Object.entries(environment), [["constructor", "a"], ["toString", "b"]]);
  assert.deepEqual(problems(JSON.parse('{"__proto__": {"memoryBytes": 65536}}')).length, 1);
  const polluting = JSON.parse('{"environment": {"__proto__": "x"}}');
  const polluted = problems(polluting).length === 0 ? parseSettings(polluting).environment : {};
  assert.equal(Object.getPrototypeOf(polluted), Object.prototype);
  assert.equal(({} as Record<string, unknown>)["x"], undefined);
});
