import assert from "node:assert/strict";
import { HOST_FUNCTIONS, renderBindings, renderRustTable, RUST_TABLE_PATH } from "./mod.ts";

Deno.test("renderRustTable() is what the add-on was built from", () => {
  const committed = Deno.readTextFileSync(new URL(`../${RUST_TABLE_PATH}`, import.meta.url));
  assert.equal(committed, renderRustTable());
});

Deno.test("renderBindings() is what the SDK and the reference hold", () => {
  for (const { path, text } of renderBindings()) {
    assert.equal(Deno.readTextFileSync(new URL(`../${path}`, import.meta.url)), text, path);
  }
});

Deno.test("HOST_FUNCTIONS has no name twice, and names its limits", async () => {
  const limits: Record<string, Record<string, number>> = { ...await import("../limits.ts") } as never;
  const names = HOST_FUNCTIONS.map((one) => `${one.module}.${one.name}`);
  assert.equal(new Set(names).size, names.length);
  for (const limit of HOST_FUNCTIONS.flatMap((one) => one.limits)) {
    const [group = "", name = ""] = limit.split(".");
    assert.equal(typeof limits[group]?.[name], "number", limit);
  }
});
