/** What `dev` builds, and where its sources are. */
import { basename, dirname, resolve } from "node:path";
import { FaasletError } from "../../errors.ts";
import { type Given, wantedOf } from "../function_options.ts";
import { type ProjectFunction, readProject } from "../project/mod.ts";

/** A program, or the functions of a project. */
export interface Target {
  /** The project's file, absolute; undefined for a program. */
  readonly file: string | undefined;
  /** Its functions as they are now. Throws `ERR_USAGE`, `ERR_NOT_FOUND`. */
  read(): Promise<readonly ProjectFunction[]>;
}

/** A directory whose changes count. */
export interface Root {
  readonly directory: string;
  readonly isWhole: boolean;
}

/** The program that the word names, or the project whose file was found. */
export function openTarget(word: string | undefined, file: string | undefined, given: Given): Target {
  if (file !== undefined) {
    return { file: resolve(file), read: async () => (await readProject(file, given)).functions };
  }
  const path = word!;
  const one: ProjectFunction = { ...wantedOf(path, given), path: resolve(path), source: path };
  return {
    file: undefined,
    async read() {
      if (await Deno.stat(path).then(() => true, () => false)) return [one];
      throw new FaasletError("ERR_NOT_FOUND", `cannot read ${path}: there is no such file`);
    },
  };
}

/**
 * The directories of a function's sources and files, as far as they are there. Of a file that is the one around it: an editor may put another file in
 * its place, and headers lie beside it.
 */
export async function rootsOf({ path, files }: ProjectFunction): Promise<Root[]> {
  const places = [path, ...files.map(({ host }) => resolve(host))];
  const roots = await Promise.all(places.map(async (place): Promise<Root | undefined> => {
    if (await isDirectory(place)) return { directory: place, isWhole: true };
    return await isDirectory(dirname(place)) ? { directory: dirname(place), isWhole: false } : undefined;
  }));
  return roots.filter((root) => root !== undefined);
}

async function isDirectory(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}

/** True for a path in one of the directories, unless it is an editor's own file. */
export function isUnder(roots: readonly Root[], path: string): boolean {
  // Hidden files, backups, and the number by which vim tries whether it may write.
  if (/^\.|~$|\.sw[a-z]$|^4913$/.test(basename(path))) return false;
  return roots.some(({ directory, isWhole }) =>
    dirname(path) === directory || (isWhole && path.startsWith(`${directory}/`))
  );
}
