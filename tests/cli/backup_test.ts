/**
 * Goal: a host's functions come back from a backup, whole or not at all; shells can read what completion prints. Method: two
 * real hosts.
 */
import assert from "node:assert/strict";
import { faaslet } from "../support/cli.ts";
import { guest } from "../support/guests.ts";
import { RealHost } from "../support/real_host.ts";
import { Scratch } from "../support/scratch.ts";

Deno.test("backup writes a running host's functions to a file, and restore deploys them on another one", async () => {
  using scratch = new Scratch();
  const module = scratch.write("environment.wasm", guest("environment"));
  const data = scratch.write("data.txt", "content");
  const file = `${scratch.path}/all.backup`;
  {
    await using host = await RealHost.start(`${scratch.path}/one`);
    const at = ["-g", host.url];
    await faaslet(["deploy", module, "--name", "a", "--env", "A=1", "--file", `${data}:/data.txt`, "-q", ...at]);
    await faaslet(["deploy", module, "--name", "b", "--timeout", "7s", "-q", ...at]);
    const written = await faaslet(["backup", file, ...at, "--json"]);
    assert.deepEqual([written.code, JSON.parse(written.stdout).functions], [0, 2], written.stderr);
    assert.equal((await faaslet(["restore", file, ...at, "--json"])).stdout.match(/unchanged/g)?.length, 2);
  }
  await using host = await RealHost.start(`${scratch.path}/two`);
  const at = ["-g", host.url];
  const bytes = await Deno.readFile(file);
  for (const damaged of [bytes.subarray(0, bytes.length - 3), bytes.subarray(0, 100), new Uint8Array(9)]) {
    const refused = await faaslet(["restore", scratch.write("damaged", damaged), ...at]);
    assert.equal(refused.code, 2, refused.stderr);
  }
  assert.equal((await faaslet(["list", "-o", "name", ...at])).stdout, "", "half a backup deploys nothing");
  assert.deepEqual(JSON.parse((await faaslet(["restore", file, ...at, "--json"])).stdout), {
    a: "created",
    b: "created",
  });
  const { settings, files } = JSON.parse((await faaslet(["describe", "a", ...at, "--json"])).stdout);
  assert.deepEqual([settings.environment, files[0].path, files[0].bytes], [{ A: "1" }, "/data.txt", 7]);
  assert.match((await faaslet(["invoke", "a", "-d", "", ...at])).stdout, /A=1/);
  assert.equal(JSON.parse((await faaslet(["describe", "b", ...at, "--json"])).stdout).settings.timeoutMs, 7_000);
});

Deno.test("completion prints scripts that shells read, with every command", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await faaslet(["completion", shell]);
    assert.equal(code, 0);
    for (const word of ["invoke", "rollback", "completion", "new", "dev", "service", "config", "rust"]) {
      assert.match(stdout, new RegExp(`\\b${word}\\b`), shell);
    }
    assert.doesNotMatch(stdout, /compile-child/);
  }
  assert.equal((await faaslet(["completion", "tcsh"])).code, 2);
  const { stdout } = await faaslet(["completion", "bash"]);
  const cases = [
    ["inv", "invoke"],
    ["calls --fai", "--failed"],
    ["state pu", "put pull push"],
    ["service un", "uninstall"],
    ["new there --lang c", "c cpp"],
    ["deploy --conf", "--config"],
    ["list --output j", "json"],
  ];
  const script = cases.map(([line]) => {
    const words = `faaslet ${line}`.split(" ");
    return `COMP_WORDS=(${words.join(" ")}); COMP_CWORD=${words.length - 1}; _faaslet; echo "\${COMPREPLY[*]}"`;
  });
  const completed = await new Deno.Command("bash", { args: ["-c", [stdout, ...script].join("\n")] }).output();
  const answers = cases.map(([, answer]) => `${answer}\n`).join("");
  assert.equal(new TextDecoder().decode(completed.stdout), answers, new TextDecoder().decode(completed.stderr));
});
