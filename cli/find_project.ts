/** Where a project's file is. It is read by `project/`, which most commands do without. */
import { join } from "node:path";
import { FaasletError } from "../errors.ts";
import { readFile } from "./read_file.ts";

export const PROJECT_FILE = "faaslet.toml";

/**
 * The project's file that a command line asks for: its first word is none, or a directory with one; undefined when the word
 * is a program. Throws `ERR_USAGE` when there is neither.
 */
export async function findProject(word: string | undefined, config: string | undefined): Promise<string | undefined> {
  if (word === undefined) {
    if (config !== undefined) return config;
    if (await isFile(PROJECT_FILE)) return PROJECT_FILE;
    const why = `name a file or a directory, or go to one with ${PROJECT_FILE}`;
    throw new FaasletError("ERR_USAGE", `missing required argument 'file': ${why}`);
  }
  const path = join(word, PROJECT_FILE);
  return await isFile(path) ? path : undefined;
}

/**
 * What the project's file says about the host to ask, if there is such a file: the one that was named, that of the directory
 * `word`, that of this one. Nothing about its functions is looked at, so that a mistake in one of them hides no other
 * command. Throws `ERR_USAGE`, `ERR_NOT_FOUND`.
 */
export async function readProjectGlobals(
  config: string | undefined,
  word: string | undefined,
): Promise<{ gateway?: string | undefined }> {
  let path = config;
  for (const folder of word === undefined ? ["."] : [word, "."]) {
    const found = join(folder, PROJECT_FILE);
    if (path === undefined && await isFile(found)) path = found;
  }
  if (path === undefined) return {};
  const { gateway } = await readToml(path);
  if (gateway === undefined || typeof gateway === "string") return { gateway };
  throw new FaasletError("ERR_USAGE", `cannot use ${path}: gateway is no text`);
}

/** A file as TOML. Throws `ERR_USAGE` with the line, `ERR_NOT_FOUND`. */
export async function readToml(path: string): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await readFile(path));
  // Late: most commands read no such file.
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const [what = ""] = thrown.message.split("\n");
    const why = what.replace(/^Invalid TOML document: /, "");
    throw new FaasletError("ERR_USAGE", `cannot read ${path}, line ${thrown.line}, column ${thrown.column}: ${why}`, {
      cause: thrown,
    });
  }
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
