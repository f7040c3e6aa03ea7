import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { isAtLeast } from "./needs.ts";

const NEEDS = new URL("./needs.ts", import.meta.url).href;

Deno.test("missingTools() names what is missing, each with where to get it", async () => {
  const nothing = await missingWith({ PATH: "/nonexistent", CC: "" });
  assert.equal(nothing.length, 2);
  assert.match(nothing[0]!, /^Rust 1\.\d+ or newer with cargo: https:\/\/rustup\.rs/);
  assert.match(nothing[1]!, /^a C compiler, cc: on Debian and Ubuntu `apt-get install gcc/);
});

Deno.test("missingTools() says which Rust is here when it is too old", async () => {
  const bin = await Deno.makeTempDir();
  try {
    for (const name of ["rustc", "cargo", "cc"]) {
      await Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\necho "${name} 1.63.0"\n`, { mode: 0o755 });
    }
    const old = await missingWith({ PATH: bin, CC: "" });
    assert.equal(old.length, 1);
    assert.match(old[0]!, /rustup update stable.*\(here is 1\.63\)$/);
  } finally {
    await Deno.remove(bin, { recursive: true });
  }
});

Deno.test("isAtLeast() compares versions, not decimal numbers", () => {
  assert.equal(isAtLeast([1, 100], "1.95"), true);
  assert.equal(isAtLeast([1, 95], "1.95"), true);
  assert.equal(isAtLeast([1, 94], "1.95"), false);
  assert.equal(isAtLeast([2, 0], "1.95"), true);
});

async function missingWith(environment: Record<string, string>): Promise<string[]> {
  const script = `import { missingTools } from "${NEEDS}"; console.log(JSON.stringify(await missingTools()));`;
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    cwd: fileURLToPath(new URL("../", import.meta.url)),
    env: environment,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}
