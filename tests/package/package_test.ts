/**
 * Goal: the add-on is a package that a stranger can use: what is packed is what is needed, it installs into an empty project
 * of Node and of Deno, and what its README shows works there.
 *
 * Method: `npm pack`, the tarball installed offline into new projects, the README's example run as it stands.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { optionalTest } from "../support/optional.ts";
import { Scratch } from "../support/scratch.ts";

const PACKAGE = fileURLToPath(new URL("../../runtime/native", import.meta.url));
const FILES = ["LICENSE", "README.md", "faaslet.linux-x64-gnu.node", "index.d.ts", "index.js", "package.json"];
const EXAMPLE_SAYS = "call 1: 42, proto\ncall 2: 42, warm\n";
const TEXT = new TextDecoder();

interface Said {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program that has to succeed. */
async function run(directory: string, program: string, ...args: string[]): Promise<Said> {
  const output = await new Deno.Command(program, { args, cwd: directory, stdin: "null" }).output();
  const [stdout, stderr] = [TEXT.decode(output.stdout), TEXT.decode(output.stderr)];
  assert.ok(output.success, `${program} ${args.join(" ")}: ${stdout}${stderr}`);
  return { stdout, stderr };
}

const scratch = new Scratch();
Deno.test.afterAll(() => scratch[Symbol.dispose]());

async function missingNpm(): Promise<string | undefined> {
  try {
    await new Deno.Command("npm", { args: ["--version"], stdout: "null", stderr: "null" }).output();
    return undefined;
  } catch {
    return "there is no npm";
  }
}

const missing = await missingNpm();
const tarball = missing === undefined
  ? `${scratch.path}/${
    (await run(PACKAGE, "npm", "pack", "--silent", "--pack-destination", scratch.path)).stdout.trim()
  }`
  : "";
const readme = await Deno.readTextFile(`${PACKAGE}/README.md`);
const example = /^```js ignore\n([^]*?)^```$/m.exec(readme)![1]!;

optionalTest("package: the tarball holds what a consumer needs, and nothing else", missing, async () => {
  const { stdout } = await run(scratch.path, "tar", "tzf", tarball);
  assert.deepEqual(stdout.trim().split("\n").sort(), FILES.map((file) => `package/${file}`));
});

Deno.test("package: its description names types, files, engine and platform, and nothing that is fetched or run", async () => {
  const description = JSON.parse(await Deno.readTextFile(`${PACKAGE}/package.json`));
  assert.equal(description.types, "index.d.ts");
  assert.deepEqual(description.exports["."], { types: "./index.d.ts", default: "./index.js" });
  assert.deepEqual([description.os, description.cpu, description.libc], [["linux"], ["x64"], ["glibc"]]);
  assert.equal(description.engines.node, ">=20");
  for (const field of ["scripts", "dependencies", "optionalDependencies", "bundleDependencies", "gypfile"]) {
    assert.equal(description[field], undefined, field);
  }
  for (const file of ["package.json", "index.js", "index.d.ts", "README.md"]) {
    assert.doesNotMatch(await Deno.readTextFile(`${PACKAGE}/${file}`), /https?:/, `${file} has no addresses`);
  }
  const license = await Deno.readTextFile(new URL("../../LICENSE", import.meta.url));
  assert.equal(await Deno.readTextFile(`${PACKAGE}/LICENSE`), license);
});

optionalTest("package: installed in an empty Node project, the README's example runs", missing, async () => {
  const project = `${scratch.path}/node`;
  scratch.write("node/package.json", `{ "name": "consumer", "private": true }`);
  scratch.write("node/example.mjs", example);
  await run(project, "npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", tarball);
  assert.deepEqual(await run(project, "node", "example.mjs"), { stdout: EXAMPLE_SAYS, stderr: "" });
  assert.match(readme, new RegExp(`^\`\`\`text\n${EXAMPLE_SAYS}\`\`\`$`, "m"), "the README says what it prints");
});

optionalTest("package: types, names and what is there agree, in CommonJS too", missing, async () => {
  const types = await Deno.readTextFile(`${PACKAGE}/index.d.ts`);
  const typed = [...types.matchAll(/^export declare (?:class|function) (\w+)/gm)].map(([, name]) => name!).sort();
  const body = /^export declare class NativeGroup \{\n([^]*?)^\}/m.exec(types)![1]!;
  const methods = [...body.matchAll(/^ {2}(?:static )?(\w+)\(/gm)].map(([, name]) => name!).sort();
  const words = `const native = require("@faaslet/native");
    const own = (it, left) => Object.getOwnPropertyNames(it).filter((name) => !left.includes(name));
    import("@faaslet/native").then((named) => console.log(JSON.stringify({
      there: Object.keys(native),
      named: Object.keys(named).filter((name) => !["default", "module.exports"].includes(name)),
      methods: [
        ...own(native.NativeGroup.prototype, ["constructor"]),
        ...own(native.NativeGroup, ["length", "name", "prototype", "arguments", "caller"]),
      ],
      live: native.live(),
    })));`;
  const { stdout } = await run(`${scratch.path}/node`, "node", "-e", words);
  const found = JSON.parse(stdout);
  assert.deepEqual(found.there.sort(), typed);
  assert.deepEqual(found.named.sort(), typed);
  assert.deepEqual(found.methods.sort(), methods);
  for (const count of Object.values(found.live)) assert.equal(count, 0);
});

optionalTest(
  "package: installed in an empty Deno project, the README's example runs and its types hold",
  missing,
  async () => {
    const project = `${scratch.path}/deno`;
    const dependency = { dependencies: { "@faaslet/native": `file:${tarball}` } };
    scratch.write("deno/package.json", JSON.stringify({ name: "consumer", private: true, ...dependency }));
    scratch.write("deno/example.mjs", example);
    scratch.write(
      "deno/types.ts",
      `import { engineHash, type NativeGroup } from "@faaslet/native";
export const hash: string = engineHash();
export function close(group: NativeGroup): void {
  // @ts-expect-error: a call is named by a number.
  group.cancel("1");
  group.close();
}
`,
    );
    const words = ["run", "--quiet", "--allow-ffi", "--allow-read", "--allow-env", "example.mjs"];
    // Deno 2.9 links a tarball instead of unpacking it; npm does, and Deno takes what it finds.
    await run(project, "npm", "install", "--silent", "--offline", "--no-audit", "--no-fund", tarball);
    assert.deepEqual(await run(project, Deno.execPath(), ...words), { stdout: EXAMPLE_SAYS, stderr: "" });
    await run(project, Deno.execPath(), "check", "--quiet", "types.ts");
  },
);
