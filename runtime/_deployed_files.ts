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
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) problems.push("a path is given twice");
  for (const { path, bytes } of files) {
    const what = problemOf(path);
    if (what !== undefined) problems.push(`${JSON.stringify(path.slice(0, 100))} ${what}`);
    else if (bytes !== undefined && [...paths].some((other) => other.startsWith(`${path}/`))) {
      problems.push(`${JSON.stringify(path)} is a file, and something lies below it`);
    }
    if (problems.length >= 20) break;
  }
  if (problems.length > 0) {
    throw new FaasletError("ERR_SETTINGS_INVALID", `cannot use the files: ${problems[0]}`, { details: problems });
  }
  const kept = await Promise.all(files.map(async ({ path, bytes }) => ({
    path,
    bytes: bytes?.length ?? 0,
    digest: bytes === undefined ? "" : await digestOf(bytes),
  })));
  return kept.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function problemOf(path: string): string | undefined {
  if (!path.startsWith("/") || path === "/") return "is not an absolute path of a file";
  if (path.includes("\0")) return "holds a NUL byte";
  if (new TextEncoder().encode(path).length > PATH_BYTES_MAX) return `is longer than ${PATH_BYTES_MAX} bytes`;
  const parts = path.slice(1).split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "is not a plain path";
  if (parts.some((part) => new TextEncoder().encode(part).length > 255)) return "has a name longer than 255 bytes";
  return undefined;
}
