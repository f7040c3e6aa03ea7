/** The global tier on Deno KV: a file on this machine, or a server that many hosts share. */
import { FaasletError, toFaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import { Appended } from "./_appended.ts";
import { chunkCount, chunkLength } from "./_state_chunks.ts";
import { partEdit, pushEdit, replaceEdit } from "./_edits.ts";
import { Garbage } from "./_garbage.ts";
import { GlobalLocks, HeldLock } from "./_global_locks.ts";
import { QUOTA_DEFAULT, type StateQuota, usageKeys, usageOf } from "./_quota.ts";
import { Sessions } from "./_sessions.ts";
import { setFromStream } from "./_stream_set.ts";
import { equal, type RootRecord, type Tree } from "./_tree.ts";
import { broken, TreeReader } from "./_tree_reader.ts";
import { checkValueBytes, type TreeWriteOptions, TreeWriter } from "./_tree_writer.ts";
import type {
  AppendedRecords,
  ChunkRange,
  ChunkSink,
  GlobalLock,
  GlobalTier,
  ListOptions,
  LockKind,
  PullOptions,
  StateChange,
  StateEntry,
  StateHead,
  StateKey,
  StateRead,
  StateUsage,
  WriteOptions,
  Written,
} from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";
import { type StateKv, stored } from "./kv.ts";
import { checkStateKey } from "./state_key.ts";

const { chunkBytes: CHUNK_BYTES, hashBytes: HASH_BYTES } = STATE_LIMITS;
/** How long a version that was replaced can still be read in order. */
const GRACE_MS_DEFAULT = 30_000;
/** Values of a list's answer: each root has up to 36 KiB. */
const LIST_BATCH = 50;
/** What is read ahead of whoever reads in order: 1 MiB. */
const READ_CHUNKS = 16;

export interface KvGlobalTierOptions {
  readonly kv: StateKv;
  /** What a tenant may have. Default: `STATE_LIMITS`. */
  readonly quota?: (tenant: string) => StateQuota;
  /** Defaults to `STATE_LIMITS.lockLeaseMs`; all hosts of a store use the same. */
  readonly leaseMs?: number;
  readonly graceMs?: number;
  /** Monotonic. */
  readonly now?: () => number;
  readonly wallNow?: () => number;
}

export class KvGlobalTier implements GlobalTier {
  readonly #kv: StateKv;
  readonly #quota: (tenant: string) => StateQuota;
  readonly #sessions: Sessions;
  readonly #garbage: Garbage;
  readonly #reader: TreeReader;
  readonly #writer: TreeWriter;
  readonly #locks: GlobalLocks;
  readonly #appended: Appended;
  readonly #writing = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(options: KvGlobalTierOptions) {
    const { kv } = options;
    const now = options.now ?? (() => performance.now());
    const wallNow = options.wallNow ?? Date.now;
    const leaseMs = options.leaseMs ?? STATE_LIMITS.lockLeaseMs;
    const quota = options.quota ?? (() => QUOTA_DEFAULT);
    const sessions = new Sessions({ kv, leaseMs, now });
    const garbage = new Garbage({ kv, sessions, graceMs: options.graceMs ?? GRACE_MS_DEFAULT, now, wallNow });
    const reader = new TreeReader(kv);
    this.#kv = kv;
    this.#quota = quota;
    this.#sessions = sessions;
    this.#garbage = garbage;
    this.#reader = reader;
    this.#writer = new TreeWriter({ kv, reader, sessions, garbage, quota, wallNow });
    this.#locks = new GlobalLocks({ kv, sessions, leaseMs, now });
    this.#appended = new Appended(kv, quota);
  }

  async head(key: StateKey, options: { readonly signal?: AbortSignal } = {}): Promise<StateHead | undefined> {
    check(key);
    options.signal?.throwIfAborted();
    return (await this.#reader.snapshot(key)).tree?.head();
  }

  async pull(key: StateKey, sink: ChunkSink, options: PullOptions = {}): Promise<StateHead | undefined> {
    return (await this.#pull(key, options, () => sink))?.head();
  }

  /** `begin` makes the sink for each version that is met. */
  async #pull(key: StateKey, options: PullOptions, begin: (tree: Tree) => ChunkSink): Promise<Tree | undefined> {
    check(key);
    const { signal } = options;
    let have = options.have?.slice() ?? new Uint8Array(0);
    for (;;) {
      signal?.throwIfAborted();
      const { tree } = await this.#reader.snapshot(key);
      if (tree === undefined) return undefined;
      have = resized(have, tree.entries.count * HASH_BYTES);
      const sink = begin(tree);
      const wanted = staleChunks(tree, have, options.ranges);
      const isWhole = await this.#reader.chunks(key, tree, wanted, async (index, content) => {
        signal?.throwIfAborted();
        await sink(index, content);
        have.set(tree.entries.hashAt(index), index * HASH_BYTES);
      });
      if (isWhole) return tree;
      await this.#checkOvertaken(key, tree);
    }
  }

  push(key: StateKey, change: StateChange, options: WriteOptions = {}): Promise<Written> {
    return this.#write(key, () => this.#writer.write(key, pushEdit(change), treeOptions(options)));
  }

  async get(key: StateKey): Promise<{ head: StateHead; bytes: Uint8Array } | undefined> {
    let bytes = new Uint8Array(0);
    const tree = await this.#pull(key, {}, (tree) => {
      bytes = resized(bytes, tree.bytes);
      return (index, content) => bytes.set(content, index * CHUNK_BYTES);
    });
    return tree && { head: tree.head(), bytes };
  }

  async read(
    key: StateKey,
    part?: { readonly offset: number; readonly length: number },
  ): Promise<StateRead | undefined> {
    check(key);
    const { tree } = await this.#reader.snapshot(key);
    if (tree === undefined) return undefined;
    const { offset, length } = part ?? { offset: 0, length: tree.bytes };
    if (!isCount(offset) || !isCount(length) || offset > tree.bytes) {
      throw new FaasletError("ERR_RANGE", `cannot read from byte ${offset}: the value has ${tree.bytes} bytes`);
    }
    const pieces = this.#inOrder(key, tree, offset, Math.min(tree.bytes, offset + length));
    // Nothing is read before somebody asks: most answers to a conditional request are not wanted in the end.
    return { head: tree.head(), bytes: ReadableStream.from(pieces) };
  }

  async *#inOrder(key: StateKey, first: Tree, start: number, end: number): AsyncGenerator<Uint8Array> {
    let tree = first;
    const endIndex = chunkCount(end);
    for (let at = Math.floor(start / CHUNK_BYTES); at < endIndex && start < end;) {
      const indexes = upTo(at, Math.min(endIndex, at + READ_CHUNKS));
      const contents = new Map<number, Uint8Array>();
      if (!await this.#reader.chunks(key, tree, indexes, (index, content) => void contents.set(index, content))) {
        tree = await this.#sameRest(key, tree, at, endIndex);
        continue;
      }
      for (const index of indexes) {
        const from = Math.max(0, start - index * CHUNK_BYTES);
        const to = Math.min(chunkLength(index, first.bytes), end - index * CHUNK_BYTES);
        yield contents.get(index)!.subarray(from, to);
      }
      at += indexes.length;
    }
  }

  /** A later version in which all that is still to be read is what it was. */
  async #sameRest(key: StateKey, tree: Tree, start: number, end: number): Promise<Tree> {
    const { tree: now } = await this.#reader.snapshot(key);
    if (now?.version === tree.version) throw broken(key, "some of its chunks are missing");
    const rest = [start * HASH_BYTES, end * HASH_BYTES] as const;
    if (now !== undefined && now.bytes === tree.bytes) {
      if (equal(now.entries.hashes().subarray(...rest), tree.entries.hashes().subarray(...rest))) return now;
    }
    throw new FaasletError("ERR_CONFLICT", `cannot read the value to its end: it was changed meanwhile`);
  }

  set(key: StateKey, value: Uint8Array | AsyncIterable<Uint8Array>, options: WriteOptions = {}): Promise<Written> {
    return this.#write(key, async () => {
      const tree = treeOptions(options);
      if (value instanceof Uint8Array) return await this.#writer.write(key, replaceEdit(value), tree);
      const [{ bytes }, head] = await Promise.all([this.usage(key.tenant), this.head(key)]);
      const free = this.#quota(key.tenant).bytes - bytes + (head?.bytes ?? 0);
      return await setFromStream(this.#writer, key, value, free, tree);
    });
  }

  write(key: StateKey, offset: number, bytes: Uint8Array, options: WriteOptions = {}): Promise<Written> {
    return this.#write(key, () => {
      if (!isCount(offset)) throw new FaasletError("ERR_RANGE", `cannot write at byte ${offset}`);
      checkValueBytes(offset + bytes.length);
      return this.#writer.write(key, partEdit(offset, bytes), treeOptions(options));
    });
  }

  delete(key: StateKey, options: WriteOptions = {}): Promise<boolean> {
    return this.#write(key, async () => {
      const wasThere = await this.#writer.remove(key, treeOptions(options));
      return await this.#appended.clear(key) > 0 || wasThere;
    });
  }

  async *list(tenant: string, options: ListOptions = {}): AsyncIterableIterator<StateEntry> {
    const { prefix = "", after, limit = Infinity } = options;
    // A NUL is in no key: what follows a key begins right behind it.
    const from = after !== undefined && after >= prefix ? `${after}\0` : prefix;
    const roots = STATE_KEYS.roots(tenant);
    const selector = { prefix: roots, start: [...roots, from] };
    const listing = this.#kv.list<RootRecord>(selector, { batchSize: LIST_BATCH });
    for (let count = 0; count < limit;) {
      const { done, value: entry } = await stored(() => listing.next());
      if (done) return;
      const key = String(entry.key.at(-1));
      if (!key.startsWith(prefix)) return;
      const { bytes, storedBytes, writtenAtMs } = entry.value;
      yield { key, version: entry.versionstamp, bytes, storedBytes, writtenAtMs };
      count++;
    }
  }

  append(key: StateKey, record: Uint8Array): Promise<void> {
    return this.#write(key, () => this.#appended.append(key, record));
  }

  async readAppended(key: StateKey, count: number): Promise<AppendedRecords> {
    check(key);
    return await this.#appended.read(key, count);
  }

  clearAppended(key: StateKey): Promise<void> {
    return this.#write(key, async () => void await this.#appended.clear(key));
  }

  async lock(key: StateKey, kind: LockKind, options: { readonly signal?: AbortSignal } = {}): Promise<GlobalLock> {
    check(key);
    return await this.#locks.acquire(key, kind, options.signal);
  }

  async usage(tenant: string): Promise<StateUsage> {
    return usageOf(await stored(() => this.#kv.getMany<unknown[]>(usageKeys(tenant))));
  }

  /**
   * Collects what hosts that are gone left behind. To be called when a host starts and now and then; what a dead host was writing is
   * found by the second call after its lease.
   */
  sweep(): Promise<number> {
    return stored(() => this.#garbage.sweep());
  }

  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    while (this.#writing.size > 0) await Promise.allSettled(this.#writing);
    await this.#locks.close();
    await this.#garbage.close();
    await this.#sessions.close();
  }

  async #write<T>(key: StateKey, action: () => Promise<T>): Promise<T> {
    check(key);
    if (this.#closing !== undefined) throw new FaasletError("ERR_DRAINING", "cannot write state: shutting down");
    const writing = action();
    this.#writing.add(writing);
    try {
      return await writing;
    } finally {
      this.#writing.delete(writing);
    }
  }

  /** Chunks that are gone though their root stands were lost by the store. */
  async #checkOvertaken(key: StateKey, tree: Tree): Promise<void> {
    const { tree: now } = await this.#reader.snapshot(key);
    if (now?.version === tree.version) throw broken(key, "some of its chunks are missing");
  }
}

function check({ key }: StateKey): void {
  checkStateKey(key);
}

function treeOptions({ ifVersion, under, signal }: WriteOptions): TreeWriteOptions {
  if (under !== undefined && !(under instanceof HeldLock)) {
    throw toFaasletError(new TypeError("a lock of another store was given"));
  }
  return {
    ...(ifVersion !== undefined && { ifVersion }),
    ...(signal !== undefined && { signal }),
    lock: under,
  };
}

/** Indexes of what was asked for and is not here as it is there. */
function staleChunks(tree: Tree, have: Uint8Array, ranges?: readonly ChunkRange[]): number[] {
  const { count } = tree.entries;
  const stale: number[] = [];
  for (const { first, count: length } of ranges ?? [{ first: 0, count }]) {
    for (let index = first; index < Math.min(count, first + length); index++) {
      const here = have.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
      if (!equal(here, tree.entries.hashAt(index))) stale.push(index);
    }
  }
  return ranges === undefined ? stale : [...new Set(stale)].sort((a, b) => a - b);
}

function upTo(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, at) => start + at);
}

function resized(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (bytes.length === length) return bytes as Uint8Array<ArrayBuffer>;
  const other = new Uint8Array(length);
  other.set(bytes.subarray(0, length));
  return other;
}

function isCount(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 0;
}
