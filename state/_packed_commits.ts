/** Writes that need no order and no checks, packed into as few commits as the store's limits allow, several under way at once. */
import { KV_LIMITS } from "../limits.ts";
import { type Kv, stored } from "./kv.ts";

/** Commits under way: a server answers while the next ones travel; more than this gains nothing. */
const PARALLEL_MAX = 4;
/** For what is not counted exactly: encoding, the request around it. */
const MARGIN_BYTES = 8 * 1_024;

/** Packs mutations; `finish` waits until the last is stored. After a failure, everything rejects with it. */
export class PackedCommits {
  readonly #kv: Kv;
  readonly #running = new Set<Promise<void>>();
  #commit: Deno.AtomicOperation | undefined;
  #mutations = 0;
  #bytes = 0;
  #keyBytes = 0;
  #failure: unknown;

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  async set(key: Deno.KvKey, value: Uint8Array): Promise<void> {
    await this.#room(key, value.length);
    this.#commit!.set(key, value);
  }

  async delete(key: Deno.KvKey): Promise<void> {
    await this.#room(key, 0);
    this.#commit!.delete(key);
  }

  async finish(): Promise<void> {
    this.#send();
    while (this.#running.size > 0) await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #room(key: Deno.KvKey, valueBytes: number): Promise<void> {
    const keyBytes = keyBytesBound(key);
    const isFull = this.#mutations + 1 > KV_LIMITS.mutationsMax ||
      this.#keyBytes + keyBytes > KV_LIMITS.commitKeyBytesMax - MARGIN_BYTES ||
      this.#bytes + keyBytes + valueBytes > KV_LIMITS.commitBytesMax - MARGIN_BYTES;
    if (isFull) {
      this.#send();
      while (this.#running.size >= PARALLEL_MAX) await Promise.race(this.#running);
    }
    if (this.#failure !== undefined) throw this.#failure;
    this.#commit ??= this.#kv.atomic();
    this.#mutations++;
    this.#keyBytes += keyBytes;
    this.#bytes += keyBytes + valueBytes;
  }

  #send(): void {
    const commit = this.#commit;
    if (commit === undefined) return;
    this.#commit = undefined;
    this.#mutations = this.#bytes = this.#keyBytes = 0;
    const running: Promise<void> = stored(() => commit.commit())
      .then(() => {}, (failure) => void (this.#failure ??= failure))
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }
}

/** No key is longer than this once it is encoded: zeros take two bytes, a part its type and its end. */
export function keyBytesBound(key: Deno.KvKey): number {
  let bytes = 0;
  for (const part of key) {
    if (typeof part === "string") bytes += 3 * part.length + 2;
    else if (part instanceof Uint8Array) bytes += 2 * part.length + 2;
    else bytes += 10;
  }
  return bytes;
}
