/**
 * Files that a tenant's functions share: paths that name blobs. A file that is written anew is another blob, so whoever reads
 * the old one reads it whole.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";
import { FILE_LIMITS } from "../limits.ts";
import { Blobs } from "./blobs.ts";
import { FILE_BLOB_KEYS, KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** A shared file, without its bytes. */
export interface SharedFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256, lower-case hex: its version. */
  readonly digest: string;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
}

type Stored = Omit<SharedFile, "path">;

export class SharedFiles {
  readonly #kv: Kv;
  readonly #blobs: Blobs;
  readonly #now: () => number;
  /** Changes of a tenant's files happen one after another. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #counts = new Map<string, number>();

  private constructor(kv: Kv, now: () => number, bytesMax: number) {
    this.#kv = kv;
    this.#now = now;
    this.#blobs = new Blobs(kv, bytesMax, FILE_BLOB_KEYS);
  }

  /** Opens the files of a store and deletes what a crash left. */
  static async open(kv: Kv, now: () => number, bytesMax = FILE_LIMITS.storedBytesMax): Promise<SharedFiles> {
    const files = new SharedFiles(kv, now, bytesMax);
    for await (const { key } of kv.list({ prefix: KEYS.fileTenants() })) {
      const tenant = String(key.at(-1));
      const named = new Set<string>();
      for await (const { value } of kv.list<Stored>({ prefix: KEYS.files(tenant) })) {
        named.add(value.digest);
        files.#counts.set(tenant, (files.#counts.get(tenant) ?? 0) + 1);
      }
      await files.#blobs.recover(tenant, (digest) => named.has(digest));
    }
    return files;
  }

  /** Writes a file, whole. Throws `ERR_NAME_INVALID`, `ERR_QUOTA`, `ERR_STORAGE`. */
  async put(tenant: string, path: string, bytes: Uint8Array): Promise<{ file: SharedFile; isNew: boolean }> {
    checkPath(path);
    return await this.#inOrder(tenant, async () => {
      const key = KEYS.file(tenant, path);
      const { value: before } = await stored(() => this.#kv.get<Stored>(key));
      if (before === null && (this.#counts.get(tenant) ?? 0) >= FILE_LIMITS.filesMax) {
        throw new FaasletError("ERR_QUOTA", `cannot keep more than ${FILE_LIMITS.filesMax} shared files`);
      }
      await stored(() => this.#kv.set(KEYS.fileTenant(tenant), true));
      const digest = await this.#blobs.put(tenant, bytes);
      const value: Stored = { bytes: bytes.length, digest, modifiedMs: this.#now() };
      await stored(() => this.#kv.set(key, value));
      await this.#blobs.settle(tenant, [digest]);
      if (before === null) this.#counts.set(tenant, (this.#counts.get(tenant) ?? 0) + 1);
      else if (before.digest !== digest) await this.#release(tenant, before.digest);
      return { file: { path, ...value }, isNew: before === null };
    });
  }

  /** What is at a path. */
  async find(tenant: string, path: string): Promise<SharedFile | undefined> {
    if (problemOf(path) !== undefined) return undefined;
    const { value } = await stored(() => this.#kv.get<Stored>(KEYS.file(tenant, path)));
    return value === null ? undefined : { path, ...value };
  }

  /** The bytes of a version; undefined when it was replaced or deleted meanwhile. */
  bytes(tenant: string, digest: string): Promise<Uint8Array | undefined> {
    return this.#blobs.get(tenant, digest);
  }

  /** Files whose paths begin with `prefix`, in order. */
  async list(tenant: string, prefix = ""): Promise<SharedFile[]> {
    const files: SharedFile[] = [];
    for await (const { key, value } of this.#kv.list<Stored>({ prefix: KEYS.files(tenant) })) {
      const path = String(key.at(-1));
      if (path.startsWith(prefix)) files.push({ path, ...value });
    }
    return files;
  }

  /** True when there was one. */
  delete(tenant: string, path: string): Promise<boolean> {
    return this.#inOrder(tenant, async () => {
      const file = await this.find(tenant, path);
      if (file === undefined) return false;
      await stored(() => this.#kv.delete(KEYS.file(tenant, path)));
      this.#counts.set(tenant, (this.#counts.get(tenant) ?? 1) - 1);
      await this.#release(tenant, file.digest);
      return true;
    });
  }

  /** Resolves when all changes are done. */
  async settled(): Promise<void> {
    await Promise.all(this.#changes.values());
  }

  /** Two paths may have the same bytes. */
  async #release(tenant: string, digest: string): Promise<void> {
    for await (const { value } of this.#kv.list<Stored>({ prefix: KEYS.files(tenant) })) {
      if (value.digest === digest) return;
    }
    await this.#blobs.delete(tenant, digest);
  }

  async #inOrder<T>(tenant: string, change: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(tenant) ?? Promise.resolve();
    const done = before.then(change);
    const quiet = done.then(nothing, nothing);
    this.#changes.set(tenant, quiet);
    try {
      return await done;
    } finally {
      if (this.#changes.get(tenant) === quiet) this.#changes.delete(tenant);
    }
  }
}

/** Throws `ERR_NAME_INVALID` for what is no path of a shared file. */
function checkPath(path: string): void {
  const problem = problemOf(path);
  if (problem === undefined) return;
  const shown = JSON.stringify(path.slice(0, 100));
  throw new FaasletError("ERR_NAME_INVALID", `cannot use the path ${shown}: it ${problem}`);
}

function problemOf(path: string): string | undefined {
  const bytes = (text: string) => new TextEncoder().encode(text).length;
  if (path.includes("\0")) return "holds a NUL byte";
  if (!path.isWellFormed()) return "is not Unicode";
  if (bytes(path) > FILE_LIMITS.pathBytesMax) return `is longer than ${FILE_LIMITS.pathBytesMax} bytes`;
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "is not a plain relative path";
  if (parts.some((part) => bytes(part) > 255)) return "has a name longer than 255 bytes";
  return undefined;
}

function nothing(): void {}
