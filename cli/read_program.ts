/** The program that a command line names: a module as it is, or a source that is built first. */
import { buildModule } from "./build/mod.ts";
import type { Output } from "./output.ts";
import { during } from "./progress.ts";

/** How commands that take one say so. */
export const PROGRAM_WORD = {
  word: "<file>",
  summary: "a module, a .c, .cpp, .go, .rs or .as.ts file, or a directory of one of them",
} as const;

/** How those say it that take a project as well. */
export const PROGRAM_OR_PROJECT_WORD = {
  word: "[file]",
  summary: `${PROGRAM_WORD.summary}, or one with faaslet.toml (faaslet.toml here)`,
} as const;

/** Its module. Throws `ERR_NOT_FOUND`, `ERR_USAGE`, `ERR_TOOLCHAIN`. */
export async function readProgram(output: Output, path: string): Promise<Uint8Array> {
  const building = buildModule(path, (text) => output.note(text));
  const { wasm, tool } = await during(output, `building ${path}`, building);
  if (tool !== undefined && output.isVerbose) output.note(`built with ${tool}`);
  return wasm;
}
