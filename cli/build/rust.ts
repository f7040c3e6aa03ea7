/** Rust programs, where the standard library for WASI is installed. */
import { join } from "node:path";
import { FaasletError } from "../../errors.ts";
import type { BuildContext } from "./mod.ts";
import { stageSdk } from "./sdk.ts";
import { needsSplitStart, SPLIT_START } from "./split_start.ts";
import { runTool, tryTool } from "./tool.ts";

/** The second is what the first was called until Rust 1.78; distributions still ship it. */
const TARGETS = ["wasm32-wasip1", "wasm32-wasi"] as const;
const CURE = "install Rust, then its library for WASI: `rustup target add wasm32-wasip1`, " +
  "or on Debian `apt-get install rustc cargo libstd-rust-dev-wasm32`";

/**
 * Builds one file with rustc, which may use the SDK as the crate `faaslet`, or a package with cargo, which names its crates
 * itself: no registry has the SDK, so a package that uses it has a copy, as `path`.
 */
export async function buildRust(context: BuildContext): Promise<void> {
  const { source, target, isDirectory, directory } = context;
  const { rustc, wasi } = await findRust();
  context.useTool(rustc);
  if (!isDirectory) {
    const flags = ["--edition=2021", "-O", "--target", wasi];
    const library = join(directory, "libfaaslet.rlib");
    const sdk = join(await stageSdk("rust", directory), "src", "lib.rs");
    await runTool(rustc, [...flags, "--crate-type=rlib", "--crate-name=faaslet", sdk, "-o", library], CURE);
    const words = ["-C", "strip=symbols", "--extern", `faaslet=${library}`, source, "-o", target];
    await runTool(rustc, [...flags, ...words], CURE);
    if (await needsSplitStart(target)) {
      const split = SPLIT_START.flatMap((flag) => ["-C", `link-arg=${flag}`]);
      await runTool(rustc, [...flags, ...words, ...split], CURE);
    }
    return;
  }
  // The two have to be of one version.
  const cargo = rustc.replace(/rustc$/, "cargo");
  const built = join(directory, "target");
  const words = ["build", "--release", "--target", wasi, "--target-dir", built];
  const build = async (environment: Record<string, string>): Promise<void> => {
    await runTool(cargo, words, CURE, { directory: source, environment: { RUSTC: rustc, ...environment } });
    await Deno.copyFile(await onlyProgram(join(built, wasi, "release")), target);
  };
  await build({});
  if (await needsSplitStart(target)) {
    // Cargo's own separator: a flag may hold a space.
    const flags = SPLIT_START.flatMap((flag) => ["-C", `link-arg=${flag}`]).join("\x1f");
    await build({ CARGO_ENCODED_RUSTFLAGS: flags });
  }
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
