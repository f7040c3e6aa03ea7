/**
 * Goal: a subcommand has no more rights than it needs, and cannot have them back. Method: a process gives up what the
 * subcommand does not need, as the program does first thing, and says what is left.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../cli/", import.meta.url));
const LEFT: Record<string, string[]> = {
  list: ["env", "net", "read"],
  invoke: ["env", "net", "read"],
  calls: ["env", "net", "read"],
  version: ["env"],
  dev: ["env", "net", "read", "run", "write"],
  service: ["env", "read", "run", "write"],
  new: ["env", "read", "write"],
  check: ["env", "ffi", "read", "run", "sys", "write"],
  "compile-child": ["env", "ffi", "read", "sys", "write"],
  deploy: ["env", "net", "read", "run", "write"],
  serve: ["env", "ffi", "net", "read", "run", "sys", "write"],
};

const SCRIPT = `
  const { VERBS } = await import(Deno.args[0] + "verbs.ts");
  const { giveUp, PERMISSIONS } = await import(Deno.args[0] + "permissions.ts");
  giveUp(VERBS.find(({ name }) => name === Deno.args[1]));
  const left = () => PERMISSIONS.filter((name) => Deno.permissions.querySync({ name }).state === "granted").sort();
  const before = left();
  for (const name of PERMISSIONS) if (!before.includes(name)) await Deno.permissions.request({ name });
  console.log(JSON.stringify([before, left()]));
`;

for (const [verb, expected] of Object.entries(LEFT)) {
  Deno.test(`${verb} is left with ${expected.join(", ")}`, async () => {
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(script, SCRIPT);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", "--no-prompt", "--config", `${CLI}../deno.json`, script, CLI, verb],
      stdin: "null",
    }).output();
    await Deno.remove(script);
    const said = new TextDecoder().decode(stdout);
    assert.deepEqual(JSON.parse(said || "[]"), [expected, expected], new TextDecoder().decode(stderr));
  });
}
