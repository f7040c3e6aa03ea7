/**
 * Libraries among a function's files: what a program may open while it runs is checked and compiled when the function
 * is deployed: opening it costs no compilation, and nothing is run that was not compiled in the compiler's child.
 *
 * @module
 */
import { FaasletError, toFaasletError } from "../errors.ts";
import { FUNCTION_LIMITS } from "../limits.ts";
import { isLibrary } from "./native/mod.ts";
import type { ModuleReport } from "./registry.ts";
import type { GuestFile, LibraryImage } from "./worker_group.ts";

/** Compiles the libraries of a program that opens any. Throws the upload's error codes. */
export async function compileLibraries(
  report: Pick<ModuleReport, "imports">,
  files: readonly GuestFile[],
  compile: (wasm: Uint8Array) => Promise<Uint8Array> | Uint8Array,
): Promise<LibraryImage[]> {
  const found = librariesIn(report, files);
  if (found.length > FUNCTION_LIMITS.librariesMax) {
    const problem = `libraries among the files: ${found.length} is over the limit of ${FUNCTION_LIMITS.librariesMax}`;
    throw new FaasletError("ERR_MODULE_LIMIT", `cannot use the files: ${problem}`, { details: [problem] });
  }
  const libraries: LibraryImage[] = [];
  for (const { path, bytes } of found) {
    try {
      libraries.push({ path, artefact: await compile(bytes) });
    } catch (thrown) {
      const { code, message, details } = toFaasletError(thrown);
      throw new FaasletError(code, `${path}: ${message}`, { cause: thrown, details });
    }
  }
  return libraries;
}

function librariesIn(
  { imports }: Pick<ModuleReport, "imports">,
  files: readonly GuestFile[],
): { path: string; bytes: Uint8Array }[] {
  if (!imports.some(({ module, name }) => module === "env" && name === "dlopen")) return [];
  return files.flatMap(({ path, bytes }) => bytes !== undefined && isLibrary(bytes) ? [{ path, bytes }] : []);
}
