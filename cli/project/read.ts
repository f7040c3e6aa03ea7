/** A project's file, with what the command line says about its functions. */
import { dirname, resolve } from "node:path";
import { FaasletError } from "../../errors.ts";
import { readToml } from "../find_project.ts";
import { type Given, settingsOf, type Wanted } from "../function_options.ts";
import { nearest } from "../nearest.ts";
import { parseProject } from "./schema.ts";

/** A function of a project; its paths are absolute. */
export interface ProjectFunction extends Wanted {
  /** As the file names it. */
  readonly source: string;
}

export interface Project {
  /** As it was named. */
  readonly path: string;
  /** Absolute. */
  readonly directory: string;
  readonly functions: readonly ProjectFunction[];
}

/**
 * Reads the file. Options win over it, for each of its functions; `--name` chooses one of them. Throws `ERR_USAGE` with every
 * problem, `ERR_NOT_FOUND`.
 */
export async function readProject(path: string, given: Given): Promise<Project> {
  const wanted = parseProject(path, await readToml(path));
  const directory = dirname(resolve(path));
  const chosen = given.name === undefined ? wanted : [choose(path, wanted, given.name)];
  if (chosen.length === 0) {
    throw new FaasletError("ERR_USAGE", `cannot use ${path}: it lists no functions; each is a table [functions.NAME]`);
  }
  return { path, directory, functions: chosen.map((one) => withOptions(one, directory, given)) };
}

function choose(path: string, wanted: readonly Wanted[], name: string): Wanted {
  const found = wanted.find((one) => one.name === name);
  if (found !== undefined) return found;
  const meant = nearest(name, wanted.map((one) => one.name));
  const details = meant === undefined ? [] : [`Did you mean ${meant}?`];
  throw new FaasletError("ERR_USAGE", `cannot find the function ${JSON.stringify(name)} in ${path}`, { details });
}

function withOptions(wanted: Wanted, directory: string, given: Given): ProjectFunction {
  const settings: Record<string, unknown> = { ...wanted.settings, ...settingsOf(given) };
  // One variable is a setting of its own.
  const { environment } = wanted.settings;
  if (given.env !== undefined) settings.environment = { ...(environment as Record<string, string>), ...given.env };
  const named = new Set(given.file?.map(({ guest }) => guest));
  const files = wanted.files.filter(({ guest }) => !named.has(guest))
    .map(({ host, guest }) => ({ host: resolve(directory, host), guest }));
  return {
    name: wanted.name,
    source: wanted.path,
    path: resolve(directory, wanted.path),
    settings,
    files: [...files, ...(given.file ?? [])],
  };
}
