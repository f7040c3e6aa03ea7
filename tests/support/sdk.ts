/** Compilers that the SDK's examples need. */
import { findRust, tryTool } from "../../cli/build/mod.ts";

/** Why a source cannot be built here; undefined when it can. C and AssemblyScript come as packages. */
export async function missingCompiler(file: string): Promise<string | undefined> {
  if (file.endsWith(".go")) return await tryTool("go", ["version"]) === undefined ? "no go on the PATH" : undefined;
  if (file.endsWith(".rs")) return await findRust().then(() => undefined, () => "no Rust library for WASI");
  return undefined;
}
