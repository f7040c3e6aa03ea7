/** What two versions of a function differ in. */
import type { FunctionRecord } from "../../runtime/mod.ts";

/** A setting, a file or the module; undefined where it is not there. */
export interface Change {
  readonly what: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** The changes from one to the other: the module, settings by name, variables and files one by one. */
export function differences(from: FunctionRecord, to: FunctionRecord): Change[] {
  return [
    ...changes("", { module: from.report.digest }, { module: to.report.digest }),
    ...changes("", flat(from.settings), flat(to.settings)),
    ...changes("file ", digests(from), digests(to)),
  ];
}

function changes(prefix: string, from: Readonly<Record<string, unknown>>, to: Readonly<Record<string, unknown>>) {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  return names.filter((name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]))
    .map((name): Change => ({ what: prefix + name, from: from[name], to: to[name] }));
}

function flat({ environment, ...settings }: FunctionRecord["settings"]): Record<string, unknown> {
  const variables = Object.entries(environment).map(([name, value]) => [`environment.${name}`, value]);
  return { ...settings, ...Object.fromEntries(variables) };
}

function digests({ files }: FunctionRecord): Record<string, string> {
  return Object.fromEntries(files.map(({ path, digest }) => [path, digest]));
}
