/** AssemblyScript, by its own compiler, which is a package. */
import { basename, dirname, isAbsolute, join } from "node:path";
import { FaasletError } from "../../errors.ts";
import type { BuildContext } from "./mod.ts";
import { stageSdk } from "./sdk.ts";
import { failed } from "./tool.ts";

/** Exports of the compiler that are used here. */
interface Compiler {
  main(words: string[], files: {
    readFile(name: string, folder: string): string | null;
    writeFile(name: string, contents: Uint8Array | string, folder: string): void;
    listFiles(folder: string, base: string): string[];
    stderr: { write(words: string | Uint8Array): void };
    stdout: { write(words: string | Uint8Array): void };
  }): Promise<{ error: Error | null }>;
}

/**
 * Builds one file, or the `assembly/index.ts` of a directory; either may import the SDK from "faaslet". `abort` becomes a trap of the module's own: the import
 * that the compiler makes of it by default is not in the host interface.
 */
export async function buildAssemblyScript(context: BuildContext): Promise<void> {
  const { source, target, isDirectory } = context;
  const entry = isDirectory ? join("assembly", "index.ts") : basename(source);
  const root = isDirectory ? source : dirname(source);
  const { main } = await loadCompiler();
  context.useTool("asc of assemblyscript");
  const words = new TextDecoder();
  let said = "";
  const listen = {
    write: (text: string | Uint8Array): void => void (said += typeof text === "string" ? text : words.decode(text)),
  };
  let module: Uint8Array | undefined;
  const sdk = await stageSdk("assemblyscript", context.directory);
  const flags = ["--optimize", "--outFile", OUTPUT, "--use", "abort=", "--lib", sdk, "--baseDir", root];
  const { error } = await main([entry, ...flags], {
    readFile: (name, folder) => readText(isAbsolute(name) ? name : join(folder, name)),
    writeFile(name, contents) {
      if (name === OUTPUT && typeof contents !== "string") module = contents;
    },
    listFiles: (folder, base) =>
      [...Deno.readDirSync(isAbsolute(folder) ? folder : join(base, folder))].map(({ name }) => name),
    stdout: listen,
    stderr: listen,
  });
  if (error !== null || module === undefined) throw failed("asc", `${said}\n${error?.message ?? ""}`);
  await Deno.writeFile(target, module);
}

const OUTPUT = "module.wasm";

function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (thrown) {
    // The compiler asks for many names until one is there.
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.NotADirectory) return null;
    if (thrown instanceof Deno.errors.IsADirectory) return null;
    throw thrown;
  }
}

async function loadCompiler(): Promise<Compiler> {
  // Not a literal: Deno would fetch the package at every start of this program, also when none of it is built.
  const specifier: string = "assemblyscript/asc";
  try {
    return await import(specifier);
  } catch (cause) {
    const why = Deno.build.standalone
      ? "this program comes without it; build the module with `asc`"
      : "npm's registry does not answer";
    throw new FaasletError("ERR_TOOLCHAIN", `cannot get the AssemblyScript compiler: ${why}`, { cause });
  }
}
