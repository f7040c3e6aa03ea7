/**
 * The add-on out of a compiled program. A library is mapped from a file, so it has to be in one: in a directory that is ours
 * alone, under a name that says what is in it, and checked before it is loaded. Whoever could write there could run code as
 * this program; what does not look right is refused, not repaired.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { FaasletError } from "../../errors.ts";

/** Where the directory may be said: for a machine whose home is read-only, or that has none. */
export const RUNTIME_DIRECTORY_VARIABLE = "FAASLET_RUNTIME_DIR";

const OTHERS_BITS = 0o077;
const WRITE_BITS = 0o022;

/** Writes the library if it is not there, checks it, gives its path. Throws `ERR_ARTEFACT`, `ERR_STORAGE`. */
export function unpackAddOn(bytes: Uint8Array, directory: string): string {
  const digest = digestOf(bytes);
  ownDirectory(directory);
  const path = join(directory, `faaslet-${digest.slice(0, 32)}.node`);
  if (lstat(path) === undefined) write(path, bytes);
  const info = lstat(path);
  const isOurs = info?.isFile === true && info.uid === Deno.uid() && ((info.mode ?? 0) & WRITE_BITS) === 0;
  if (!isOurs || digestOf(Deno.readFileSync(path)) !== digest) {
    throw new FaasletError(
      "ERR_ARTEFACT",
      `cannot load ${path}: it is not what this program put there; find out who did, and remove it`,
    );
  }
  return path;
}

/** The directory of this user and machine. Throws `ERR_USAGE` when nothing says where it may be. */
export function runtimeDirectory(environment: (name: string) => string | undefined): string {
  const chosen = environment(RUNTIME_DIRECTORY_VARIABLE);
  if (chosen) return chosen;
  const cache = environment("XDG_CACHE_HOME");
  // Of its own: what else this program and its builds keep beside it need not be closed to others.
  if (cache?.startsWith("/") === true) return join(cache, "faaslet", "add-on");
  const home = environment("HOME");
  if (home) return join(home, ".cache", "faaslet", "add-on");
  const cure = `set ${RUNTIME_DIRECTORY_VARIABLE}, XDG_CACHE_HOME or HOME`;
  throw new FaasletError("ERR_USAGE", `cannot choose a directory for the add-on: ${cure}`);
}

function ownDirectory(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const cure = `set ${RUNTIME_DIRECTORY_VARIABLE} to a directory that can be written`;
    throw new FaasletError("ERR_STORAGE", `cannot make the directory ${path}: ${why}; ${cure}`, { cause });
  }
  const info = Deno.lstatSync(path);
  if (info.isDirectory && info.uid === Deno.uid() && ((info.mode ?? 0) & OTHERS_BITS) === 0) return;
  throw new FaasletError(
    "ERR_ARTEFACT",
    `cannot keep the add-on in ${path}: it has to be a directory of this user alone (chmod 700)`,
  );
}

/** Whole or not at all, also when two programs start at once. */
function write(path: string, bytes: Uint8Array): void {
  const fresh = `${path}.${Deno.pid}`;
  try {
    Deno.writeFileSync(fresh, bytes, { mode: 0o500, createNew: true });
    Deno.renameSync(fresh, path);
  } catch (cause) {
    try {
      Deno.removeSync(fresh);
    } catch { /* it was not made */ }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FaasletError("ERR_STORAGE", `cannot write the add-on to ${path}: ${why}`, { cause });
  }
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
