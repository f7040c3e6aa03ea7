/** Rust programs, where the standard library for WASI is installed. */
import { join } from "node:path";
import { FaasletError } from "../../errors.ts";
import type { BuildContext } from "./mod.ts";
import { runTool, tryTool } from "./tool.ts";

/** The second is what the first was called until Rust 1.78; distributions still ship it. */
const TARGETS = ["wasm32-wasip1", "wasm32-wasi"] as const;
const CURE = "install Rust, then its library for WASI: `rustup target add wasm32-wasip1`, " +
  "or on Debian `apt-get install rustc libstd-rust-dev-wasm32`";

/** Builds one file with rustc, or a package with cargo. */
export async function buildRust(context: BuildContext): Promise<void> {
  const { source, target, isDirectory, directory } = context;
  const { rustc, wasi } = await findRust();
  context.useTool(rustc);
  if (!isDirectory) {
    const flags = ["--edition=2021", "-O", "-C", "strip=symbols", "--target", wasi];
    await runTool(rustc, [...flags, source, "-o", target], CURE);
    return;
  }
  const built = join(directory, "target");
  const words = ["build", "--release", "--target", wasi, "--target-dir", built];
  await runTool("cargo", words, CURE, { directory: source, environment: { RUSTC: rustc } });
  await Deno.rename(await onlyProgram(join(built, wasi, "release")), target);
}

/** A compiler that has the library. The distribution's may have it when the one on the PATH has not. */
export async function findRust(): Promise<{ rustc: string; wasi: string }> {
  for (const rustc of ["rustc", "/usr/bin/rustc"]) {
    for (const wasi of TARGETS) {
      const result = await tryTool(rustc, ["--print", "target-libdir", "--target", wasi]);
      if (result?.isOk === true && await holdsLibrary(result.stdout.trim())) return { rustc, wasi };
    }
  }
  throw new FaasletError("ERR_TOOLCHAIN", `cannot find a Rust compiler for WASI: ${CURE}`);
}

async function holdsLibrary(folder: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.startsWith("libstd-")) return true;
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  return false;
}

async function onlyProgram(folder: string): Promise<string> {
  const programs: string[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile && name.endsWith(".wasm")) programs.push(name);
  }
  if (programs.length === 1) return join(folder, programs[0]!);
  const found = programs.length === 0 ? "it has none" : `it has ${programs.sort().join(", ")}`;
  throw new FaasletError("ERR_TOOLCHAIN", `cannot choose the package's program: ${found}`);
}
