/**
 * Where a host keeps what outlives it. One host at a time: two processes can open one store without complaint, and each
 * would take the other's functions for gone.
 *
 * @module
 */
import { join, resolve } from "node:path";
import { FaasletError } from "../errors.ts";
import { tryLock } from "./file_lock.ts";
import { SEAL_KEY_BYTES } from "../limits.ts";

/** Only its owner has business in it: it holds functions and what they were told. */
const DIRECTORY_MODE = 0o700;
const FOREIGN_BITS = 0o077;

/** `XDG_DATA_HOME/faaslet`, or below the home directory. Throws `ERR_USAGE` when there is neither. */
export function defaultDataDirectory(): string {
  const data = Deno.env.get("XDG_DATA_HOME");
  if (data?.startsWith("/") === true) return join(data, "faaslet");
  const home = Deno.env.get("HOME");
  if (home) return join(home, ".local", "share", "faaslet");
  throw new FaasletError(
    "ERR_USAGE",
    "cannot choose a data directory: neither XDG_DATA_HOME nor HOME is set; use --data",
  );
}

/** What can be made again: `XDG_CACHE_HOME/faaslet`, or below the home directory. Undefined when there is neither. */
export function cacheDirectory(): string | undefined {
  const cache = Deno.env.get("XDG_CACHE_HOME");
  if (cache?.startsWith("/") === true) return join(cache, "faaslet");
  const home = Deno.env.get("HOME");
  return home ? join(home, ".cache", "faaslet") : undefined;
}

/** A data directory in use by this process. */
export class DataDirectory {
  readonly path: string;
  /** Whether others of this machine may look into it. */
  readonly isOpenToOthers: boolean;
  readonly #lock: Deno.FsFile;

  private constructor(path: string, isOpenToOthers: boolean, lock: Deno.FsFile) {
    this.path = path;
    this.isOpenToOthers = isOpenToOthers;
    this.#lock = lock;
  }

  /** Makes it if it is not there, and takes it. Throws `ERR_CONFLICT` when another host has it, `ERR_STORAGE`. */
  static async take(directory: string): Promise<DataDirectory> {
    const path = resolve(directory);
    let lock: Deno.FsFile | undefined;
    try {
      await Deno.mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
      const { mode } = await Deno.stat(path);
      lock = await Deno.open(lockPath(path), { read: true, write: true, create: true, mode: 0o600 });
      if (await tryLock(lock, true)) {
        await lock.truncate();
        await lock.write(new TextEncoder().encode(`${Deno.pid}\n`));
        return new DataDirectory(path, ((mode ?? 0) & FOREIGN_BITS) !== 0, lock);
      }
    } catch (cause) {
      lock?.close();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new FaasletError("ERR_STORAGE", `cannot use the data directory ${path}: ${why}`, { cause });
    }
    lock.close();
    const owner = await hostOf(path);
    const who = owner === undefined ? "another host" : `the host with process id ${owner}`;
    throw new FaasletError("ERR_CONFLICT", `cannot use the data directory ${path}: ${who} does`);
  }

  /** The store's file. */
  get storePath(): string {
    return join(this.path, "store.sqlite3");
  }

  /**
   * The key that seals what is in the store: in a file of its own, so that whoever gets at the store alone cannot make
   * machine code that this host would run. Made at the first start. Throws `ERR_STORAGE`.
   */
  async sealKey(): Promise<Uint8Array> {
    const path = join(this.path, "seal.key");
    try {
      const info = await Deno.lstat(path).catch(absent);
      if (info === undefined) return await this.#makeKey(path);
      const key = await Deno.readFile(path);
      if (!info.isFile || ((info.mode ?? 0) & FOREIGN_BITS) !== 0) throw new Error("others may read it; chmod 600 it");
      if (key.length !== SEAL_KEY_BYTES) throw new Error(`it has ${key.length} bytes instead of ${SEAL_KEY_BYTES}`);
      return key;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new FaasletError("ERR_STORAGE", `cannot use the key ${path}: ${why}`, { cause });
    }
  }

  /** Lets another host have it. */
  release(): void {
    this.#lock.close();
  }

  /** Under another name first: half a key must not be taken for one. */
  async #makeKey(path: string): Promise<Uint8Array> {
    const key = crypto.getRandomValues(new Uint8Array(SEAL_KEY_BYTES));
    const fresh = `${path}.${Deno.pid}`;
    using file = await Deno.open(fresh, { write: true, create: true, truncate: true, mode: 0o600 });
    await file.write(key);
    await file.sync();
    await Deno.rename(fresh, path);
    return key;
  }
}

function absent(thrown: unknown): undefined {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}

/** Where a host that was started in the background writes. */
export function logPath(directory: string): string {
  return join(resolve(directory), "host.log");
}

/** The process id of the host that uses a data directory, if one does. */
export async function hostOf(directory: string): Promise<number | undefined> {
  let lock: Deno.FsFile;
  try {
    lock = await Deno.open(lockPath(resolve(directory)), { read: true });
  } catch {
    return undefined;
  }
  using file = lock;
  if (await tryLock(file, false)) return undefined;
  const id = Number.parseInt(await Deno.readTextFile(lockPath(resolve(directory))), 10);
  return Number.isSafeInteger(id) && id > 0 ? id : undefined;
}

function lockPath(directory: string): string {
  return join(directory, "lock");
}
