/**
 * A global tier in memory, for tests of what stands above one: the same promises, no store. It counts what it is asked for,
 * and can be made to wait or fail.
 */
import { createHash } from "node:crypto";
import { FaasletError } from "../../errors.ts";
import { STATE_LIMITS } from "../../limits.ts";
import type {
  ChunkSink,
  GlobalLock,
  GlobalTier,
  LockKind,
  PullOptions,
  StateChange,
  StateHead,
  StateKey,
  WriteOptions,
  Written,
} from "../../state/mod.ts";

const CHUNK = STATE_LIMITS.chunkBytes;
const HASH = STATE_LIMITS.hashBytes;

interface Value {
  readonly head: StateHead;
  readonly bytes: Uint8Array;
}

interface Queued {
  readonly kind: LockKind;
  admit(): void;
}

type Used = Omit<GlobalTier, "read" | "write" | "list" | "usage" | "close">;

export class MemoryGlobalTier implements Used {
  /** What was asked for, by name and key. */
  readonly asked: string[] = [];
  /** Chunks that went each way. */
  readonly moved = { pulled: 0, pushed: 0 };
  /** Awaited before each operation. */
  before: (operation: string, key: string) => Promise<void> = () => Promise.resolve();
  readonly #values = new Map<string, Value>();
  readonly #records = new Map<string, Uint8Array[]>();
  readonly #locks = new Map<string, { held: GlobalLock[]; queue: Queued[] }>();
  #lastVersion = 0;
  #lastPush: Promise<unknown> = Promise.resolve();

  async head(key: StateKey): Promise<StateHead | undefined> {
    await this.#begin("head", key);
    return this.#values.get(nameOf(key))?.head;
  }

  async pull(key: StateKey, sink: ChunkSink, { ranges, have }: PullOptions = {}): Promise<StateHead | undefined> {
    await this.#begin("pull", key);
    const value = this.#values.get(nameOf(key));
    if (value === undefined) return undefined;
    for (const [index, hash] of hashesOf(value.head).entries()) {
      if (
        !(ranges ?? [{ first: 0, count: Infinity }]).some((range) =>
          index >= range.first && index < range.first + range.count
        )
      ) {
        continue;
      }
      if (have !== undefined && hexAt(have, index) === hash) continue;
      this.moved.pulled++;
      await sink(index, chunkOf(value.bytes, index).slice());
    }
    return value.head;
  }

  /** One at a time: what is there must not change between a look at it and the write. */
  push(key: StateKey, change: StateChange, options: WriteOptions = {}): Promise<Written> {
    const pushed = this.#lastPush.then(() => this.#push(key, change, options));
    this.#lastPush = pushed.catch(() => {});
    return pushed;
  }

  async #push(key: StateKey, change: StateChange, options: WriteOptions): Promise<Written> {
    await this.#begin("push", key);
    const before = this.#values.get(nameOf(key));
    const theirs = before !== undefined && change.base !== undefined ? hashesOf(before.head) : [];
    const base = change.base === undefined ? [] : hashesOf(change.base);
    const isResized = change.base === undefined || before === undefined || change.bytes !== change.base.bytes;
    const bytes = new Uint8Array(isResized ? change.bytes : before.bytes.length);
    if (change.base !== undefined && before !== undefined) bytes.set(before.bytes.subarray(0, bytes.length));
    const merged = new Map<number, Uint8Array>();
    for (const index of change.chunks) {
      const ours = (await change.read(index))!.slice();
      if (index < theirs.length && theirs[index] !== base[index]) {
        const twin = await change.twin?.(index);
        if (twin !== undefined) {
          const other = chunkOf(before!.bytes, index);
          ours.forEach((byte, at) => byte === (twin[at] ?? 0) && (ours[at] = other[at] ?? 0));
          merged.set(index, ours);
        }
      }
      bytes.set(ours.subarray(0, Math.max(0, bytes.length - index * CHUNK)), index * CHUNK);
    }
    this.moved.pushed += change.chunks.length;
    this.#check(key, options);
    return { head: this.#store(key, bytes), sentChunks: change.chunks.length, sentBytes: bytes.length, merged };
  }

  async get(key: StateKey): Promise<Value | undefined> {
    await this.#begin("get", key);
    return this.#values.get(nameOf(key));
  }

  async set(
    key: StateKey,
    value: Uint8Array | AsyncIterable<Uint8Array>,
    options: WriteOptions = {},
  ): Promise<Written> {
    await this.#begin("set", key);
    this.#check(key, options);
    const bytes = (value as Uint8Array).slice();
    return { head: this.#store(key, bytes), sentChunks: 0, sentBytes: bytes.length, merged: new Map() };
  }

  async delete(key: StateKey): Promise<boolean> {
    await this.#begin("delete", key);
    return this.#values.delete(nameOf(key));
  }

  async append(key: StateKey, record: Uint8Array): Promise<void> {
    await this.#begin("append", key);
    this.#records.set(nameOf(key), [...(this.#records.get(nameOf(key)) ?? []), record.slice()]);
  }

  async readAppended(key: StateKey, count: number): Promise<{ records: Uint8Array[]; count: number }> {
    await this.#begin("readAppended", key);
    const records = this.#records.get(nameOf(key)) ?? [];
    return { records: records.slice(0, count), count: records.length };
  }

  async clearAppended(key: StateKey): Promise<void> {
    await this.#begin("clearAppended", key);
    this.#records.delete(nameOf(key));
  }

  async lock(key: StateKey, kind: LockKind, { signal }: { signal?: AbortSignal } = {}): Promise<GlobalLock> {
    await this.#begin("lock", key);
    const name = nameOf(key);
    const state = this.#locks.get(name) ?? { held: [], queue: [] };
    this.#locks.set(name, state);
    const lock: GlobalLock = {
      key,
      kind,
      token: String(++this.#lastVersion).padStart(20, "0"),
      release: () => {
        const at = state.held.indexOf(lock);
        if (at >= 0) state.held.splice(at, 1);
        this.#admit(state);
        return Promise.resolve();
      },
    };
    await new Promise<void>((resolve, reject) => {
      const queued = { kind, admit: () => (state.held.push(lock), resolve()) };
      state.queue.push(queued);
      signal?.addEventListener("abort", () => {
        const at = state.queue.indexOf(queued);
        if (at >= 0) state.queue.splice(at, 1);
        reject(signal.reason);
      });
      this.#admit(state);
    });
    return lock;
  }

  /** Takes a lock away from whoever holds it, as when a lease has run out. */
  lose(key: StateKey): void {
    this.#locks.get(nameOf(key))?.held.splice(0);
  }

  holders(key: StateKey): number {
    return this.#locks.get(nameOf(key))?.held.length ?? 0;
  }

  #admit({ held, queue }: { held: GlobalLock[]; queue: Queued[] }): void {
    while (queue[0] !== undefined) {
      const fits = queue[0].kind === "write" ? held.length === 0 : held.every(({ kind }) => kind === "read");
      if (!fits) return;
      queue.shift()!.admit();
    }
  }

  async #begin(operation: string, key: StateKey): Promise<void> {
    this.asked.push(`${operation} ${key.key}`);
    await this.before(operation, key.key);
  }

  #check(key: StateKey, { ifVersion, under }: WriteOptions): void {
    const version = this.#values.get(nameOf(key))?.head.version ?? null;
    if (ifVersion !== undefined && ifVersion !== version) throw new FaasletError("ERR_PRECONDITION", "another version");
    if (under !== undefined && !this.#locks.get(nameOf(key))?.held.includes(under)) {
      throw new FaasletError("ERR_LOCK_LOST", "the lock was lost");
    }
  }

  #store(key: StateKey, bytes: Uint8Array): StateHead {
    const version = (++this.#lastVersion).toString(16).padStart(20, "0");
    const count = Math.ceil(bytes.length / CHUNK);
    const hashes = new Uint8Array(count * HASH);
    for (let index = 0; index < count; index++) hashes.set(hashOf(chunkOf(bytes, index)), index * HASH);
    const head = { version, bytes: bytes.length, hashes };
    this.#values.set(nameOf(key), { head, bytes });
    return head;
  }
}

function hashOf(chunk: Uint8Array): Uint8Array {
  const whole = new Uint8Array(CHUNK);
  whole.set(chunk);
  return createHash("sha256").update(whole).digest().subarray(0, HASH);
}

function nameOf({ tenant, key }: StateKey): string {
  return JSON.stringify([tenant, key]);
}

function chunkOf(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * CHUNK, (index + 1) * CHUNK);
}

function hashesOf({ hashes }: StateHead): string[] {
  return Array.from({ length: hashes.length / HASH }, (_, index) => hexAt(hashes, index));
}

function hexAt(hashes: Uint8Array, index: number): string {
  return hashes.slice(index * HASH, (index + 1) * HASH).toHex();
}
