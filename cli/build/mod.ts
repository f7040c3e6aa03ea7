/**
 * From source to a module: one language a file.
 *
 * Job: choose a tool chain that is there, run it in a temporary directory, say clearly what is missing.
 *
 * Not its job: what the module may hold (the upload checks that). Invariants: nothing is written beside the source, and
 * the temporary directory is gone afterwards.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { FaasletError } from "../../errors.ts";
import { readModule } from "../read_file.ts";
import { buildAssemblyScript } from "./assemblyscript.ts";
import { buildC } from "./c.ts";
import { buildGo } from "./go.ts";
import { buildRust } from "./rust.ts";

export { C_PACKAGES, canTargetWasi } from "./c.ts";
export { findRust } from "./rust.ts";
export { runTool, tryTool } from "./tool.ts";

/** What a language's builder works with. */
export interface BuildContext {
  /** Absolute. */
  readonly source: string;
  readonly isDirectory: boolean;
  /** Temporary; the builder's own. */
  readonly directory: string;
  /** Where the module goes. */
  readonly target: string;
  /** Says something to whoever waits. */
  note(text: string): void;
  /** Names the tool that is used. */
  useTool(name: string): void;
}

/** A module, and what made it; `tool` is undefined when it was one already. */
export interface Built {
  readonly wasm: Uint8Array;
  readonly tool: string | undefined;
}

type Builder = (context: BuildContext) => Promise<void>;

const BUILDER_OF_FILE: readonly [RegExp, Builder][] = [
  [/\.(c|cc|cpp|cxx|c\+\+)$/i, buildC],
  [/\.go$/, buildGo],
  [/\.rs$/, buildRust],
  [/\.(as|ts)$/, buildAssemblyScript],
];
const BUILDER_OF_DIRECTORY: readonly [string, Builder][] = [
  ["go.mod", buildGo],
  ["Cargo.toml", buildRust],
  [join("assembly", "index.ts"), buildAssemblyScript],
];

/** Reads a module, or builds a source file or directory. Throws `ERR_NOT_FOUND`, `ERR_USAGE`, `ERR_TOOLCHAIN`. */
export async function buildModule(path: string, note: (text: string) => void): Promise<Built> {
  const isDirectory = await checkThere(path);
  const builder = isDirectory ? await builderOfDirectory(path) : builderOfFile(path);
  // The upload says what is wrong with a file that is neither a module nor a source.
  if (builder === undefined) return { wasm: await readModule(path), tool: undefined };
  const directory = await Deno.makeTempDir({ prefix: "faaslet-build-" });
  try {
    let tool = "";
    const target = join(directory, "module.wasm");
    await builder({
      source: resolve(path),
      isDirectory,
      directory,
      target,
      note,
      useTool: (name) => void (tool = name),
    });
    return { wasm: await Deno.readFile(target), tool };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function checkThere(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new FaasletError("ERR_NOT_FOUND", `cannot read ${path}: there is no such file`, { cause });
  }
}

function builderOfFile(path: string): Builder | undefined {
  return BUILDER_OF_FILE.find(([pattern]) => pattern.test(path))?.[1];
}

async function builderOfDirectory(path: string): Promise<Builder> {
  for (const [mark, builder] of BUILDER_OF_DIRECTORY) {
    const found = await Deno.stat(join(path, mark)).catch(() => undefined);
    if (found?.isFile === true) return builder;
  }
  const marks = BUILDER_OF_DIRECTORY.map(([mark]) => mark).join(", ");
  throw new FaasletError("ERR_USAGE", `cannot build ${path}: a directory needs one of ${marks}`);
}
