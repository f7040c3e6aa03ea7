/** The files that come with a deploy: checked before anything else looks at them. */
import { FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS } from "../limits.ts";
import { digestOf } from "../state/mod.ts";
import type { GuestFile } from "./worker_group.ts";

export interface StoredFile {
  readonly path: string;
  readonly bytes: number;
  /** Empty for a directory. */
  readonly digest: string;
}

const PATH_BYTES_MAX = 4_096;
/** Directories above a path; the guest's file system takes no more either. */
const DEPTH_MAX = 128;
/** No more than somebody reads. */
const PROBLEMS_MAX = 20;

/** What is kept of the files, in the order of their paths. Throws `ERR_SETTINGS_INVALID` with every problem. */
export async function checkFiles(files: readonly GuestFile[]): Promise<StoredFile[]> {
  const problems: string[] = [];
  if (files.length > FUNCTION_LIMITS.filesMax) {
    problems.push(`${files.length} files are over ${FUNCTION_LIMITS.filesMax}`);
  }
  const total = files.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  if (total > FUNCTION_LIMITS.deployedFileBytesMax) {
    problems.push(`the files' ${total} bytes are over ${FUNCTION_LIMITS.deployedFileBytesMax}`);
  }
  // By path: whether it is a file. Tens of thousands of paths may come: each is looked at by itself and its parents only.
  const isFile = new Map(files.map(({ path, bytes }) => [path, bytes !== undefined]));
  if (isFile.size < files.length) problems.push("a path is given twice");
  for (const { path } of files) {
    if (problems.length >= PROBLEMS_MAX) break;
    const what = problemOf(path);
    if (what !== undefined) problems.push(`${JSON.stringify(path.slice(0, 100))} ${what}`);
    const file = what === undefined ? parentsOf(path).find((parent) => isFile.get(parent)) : undefined;
    if (file !== undefined) problems.push(`${JSON.stringify(file)} is a file, and something lies below it`);
  }
  if (problems.length > 0) {
    throw new FaasletError("ERR_SETTINGS_INVALID", `cannot use the files: ${problems[0]}`, { details: problems });
  }
  const kept: StoredFile[] = [];
  // One after another: all at once, they would keep everybody else's work out of the runtime's few threads.
  for (const { path, bytes } of files) {
    const digest = bytes === undefined ? "" : await digestOf(bytes);
    kept.push({ path, bytes: bytes?.length ?? 0, digest });
  }
  return kept.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function problemOf(path: string): string | undefined {
  if (!path.startsWith("/") || path === "/") return "is not an absolute path of a file";
  if (path.includes("\0")) return "holds a NUL byte";
  if (new TextEncoder().encode(path).length > PATH_BYTES_MAX) return `is longer than ${PATH_BYTES_MAX} bytes`;
  const parts = path.slice(1).split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "is not a plain path";
  if (parts.length > DEPTH_MAX) return `lies more than ${DEPTH_MAX} directories deep`;
  if (parts.some((part) => new TextEncoder().encode(part).length > 255)) return "has a name longer than 255 bytes";
  return undefined;
}

/** The directories above a path, without the root. */
function parentsOf(path: string): string[] {
  const parents: string[] = [];
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) parents.push(path.slice(0, at));
  return parents;
}
