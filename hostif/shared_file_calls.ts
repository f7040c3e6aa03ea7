/** Answers a guest that opens `faasm://...`: the file's bytes go to the worker group once, whatever opens it afterwards. */
import type { SharedFiles } from "../state/mod.ts";

/** Where a worker group keeps shared files. */
export interface FileHolder {
  holdsFile(digest: string): boolean;
  offerFile(digest: string, bytes: Uint8Array): void;
}

/** When it was written, milliseconds since 1970, and its digest; 0 when there is none, -1 when the store failed. */
export interface FileAnswer {
  readonly value: number;
  readonly bytes?: Uint8Array;
}

export class SharedFileCalls {
  readonly #files: SharedFiles;
  readonly #holder: FileHolder;
  readonly #onError: (thrown: unknown) => void;
  /** Files on their way to the group. */
  readonly #loading = new Map<string, Promise<boolean>>();

  constructor(files: SharedFiles, holder: FileHolder, onError: (thrown: unknown) => void) {
    this.#files = files;
    this.#holder = holder;
    this.#onError = onError;
  }

  /** Never rejects. */
  async answer(tenant: string, path: string): Promise<FileAnswer> {
    try {
      // A version that is replaced between the look and the load is looked for again.
      for (let turn = 0; turn < 3; turn++) {
        const file = await this.#files.find(tenant, path);
        if (file === undefined) return { value: 0 };
        const bytes = new TextEncoder().encode(file.digest);
        if (await this.#bring(tenant, file.digest)) return { value: Math.max(1, file.modifiedMs), bytes };
      }
    } catch (thrown) {
      this.#onError(thrown);
    }
    return { value: -1 };
  }

  async #bring(tenant: string, digest: string): Promise<boolean> {
    if (this.#holder.holdsFile(digest)) return true;
    const key = `${tenant} ${digest}`;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#load(tenant, digest).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return await loading;
  }

  async #load(tenant: string, digest: string): Promise<boolean> {
    const bytes = await this.#files.bytes(tenant, digest);
    if (bytes === undefined) return false;
    this.#holder.offerFile(digest, bytes);
    return true;
  }
}
