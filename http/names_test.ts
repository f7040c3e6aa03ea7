import assert from "node:assert/strict";
import { parseFunctionName } from "./names.ts";

Deno.test("parseFunctionName() takes a name alone for the default tenant's", () => {
  assert.deepEqual(parseFunctionName("hello"), { tenant: "default", name: "hello" });
  assert.deepEqual(parseFunctionName("hello.acme"), { tenant: "acme", name: "hello" });
});

Deno.test("parseFunctionName() refuses whatever either half cannot be", () => {
  const refused = ["", ".", "..", "a.", ".a", "a..b", "a.b.c", "A", "a.B", "a b", "a\0", "é", "-a", "a-", "__proto__"];
  for (const text of [...refused, "a".repeat(64), `a.${"b".repeat(64)}`]) {
    assert.throws(() => parseFunctionName(text), { code: "ERR_NAME_INVALID" }, JSON.stringify(text));
  }
  assert.equal(parseFunctionName("a".repeat(63)).name.length, 63);
});
