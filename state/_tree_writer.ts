/**
 * Writing values: look at the value, make the next version beside it, replace the root if it is still the one that was looked at.
 * Whoever comes second looks again. Whatever dies in between has written nothing.
 */
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import { chunkCount, chunkLength, encodeChunk, type EncodedChunk, hashChunk } from "./_state_chunks.ts";
import { type Edit, fitted } from "./_edits.ts";
import type { Garbage, Place } from "./_garbage.ts";
import { checkQuota, countUsage, type StateQuota, usageKeys, usageOf } from "./_quota.ts";
import type { Sessions } from "./_sessions.ts";
import { broken, type TreeReader } from "./_tree_reader.ts";
import {
  type ChunkEntry,
  type Entries,
  equal,
  hasRecent,
  joined,
  pageIds,
  type RootRecord,
  type Tree,
  withRecent,
} from "./_tree.ts";
import { Uploads } from "./_uploads.ts";
import type { StateKey, WriteOptions, Written } from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** What goes with the root in one commit; more is sent before it. With the largest root and its garbage it fits a commit. */
export const ONE_COMMIT_BYTES_MAX = 7 * STATE_LIMITS.chunkBytes;
/** A value whose only chunk stores no more than this has it in its root: one read gets it. */
const INLINE_BYTES_MAX = 8 * 1_024;
/** A value of up to so many chunks is read in a moment: what it replaces goes at once. */
const SHORT_CHUNKS_MAX = 8;
/** Commits that were overtaken, before a writer gives up; each waits a little longer, at random. */
const ATTEMPTS_MAX = 200;
const PAUSE_MS_MAX = 64;

/** Looks after a lock for writes under it. */
export interface LockCheck {
  /** The lock's record in the store. */
  readonly lockKey: Deno.KvKey;
  /** Throws `ERR_LOCK_LOST` unless the lock's record says that it is held. */
  check(record: Deno.KvEntryMaybe<unknown>): void;
}

export interface TreeWriterOptions {
  readonly kv: Kv;
  readonly reader: TreeReader;
  readonly sessions: Sessions;
  readonly garbage: Garbage;
  readonly quota: (tenant: string) => StateQuota;
  readonly wallNow: () => number;
}

export type TreeWriteOptions = Omit<WriteOptions, "under"> & { readonly lock?: LockCheck | undefined };

/** A chunk that goes with the root or before it. */
interface Put {
  readonly index: number;
  readonly entry: ChunkEntry;
  readonly encoded: EncodedChunk;
}

/** The next version, as one attempt makes it. */
interface Draft {
  readonly bytes: number;
  readonly entries: Entries;
  readonly merged: Map<number, Uint8Array>;
  puts: Put[];
  putBytes: number;
  inline: Uint8Array | undefined;
}

/** The value got another root while an attempt looked at it. */
class Overtaken extends Error {}

export class TreeWriter {
  readonly #options: TreeWriterOptions;

  constructor(options: TreeWriterOptions) {
    this.#options = options;
  }

  /** Makes the edit's version the value. `uploads`: what was sent for it already. */
  async write(key: StateKey, edit: Edit, options: TreeWriteOptions, uploads = this.uploads(key)): Promise<Written> {
    try {
      return await this.#untilCommitted(options, () => this.#attempt(key, edit, options, uploads));
    } catch (error) {
      if (uploads.isOpen) await this.abandon(key, uploads);
      throw error;
    }
  }

  uploads(key: StateKey): Uploads {
    return new Uploads(this.#options.kv, this.#options.sessions, key);
  }

  /** Takes back what was sent; what cannot be deleted now is found by a sweep. */
  async abandon(key: StateKey, uploads: Uploads): Promise<void> {
    await uploads.settled().catch(() => {});
    await this.#options.garbage.abandon(key, uploads.id).catch(() => {});
  }

  /** Removes the value. False: there is none. */
  remove(key: StateKey, options: TreeWriteOptions): Promise<boolean> {
    return this.#untilCommitted(options, async () => {
      const { tree, others } = await this.#look(key, options);
      if (tree === undefined) return false;
      const uploads = this.uploads(key);
      const commit = this.#commit(key, tree, others, options);
      commit.delete(STATE_KEYS.root(key));
      countUsage(commit, key.tenant, { bytes: -tree.bytes, keys: -1 });
      const collect = this.#replace(commit, key, uploads, tree, undefined);
      const { ok } = await stored(() => commit.commit());
      if (!ok) throw new Overtaken();
      collect();
      return true;
    });
  }

  async #untilCommitted<T>({ signal }: TreeWriteOptions, attempt: () => Promise<T>): Promise<T> {
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      signal?.throwIfAborted();
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
      }
      const pauseMs = Math.random() * Math.min(PAUSE_MS_MAX, 2 ** count - 1);
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    throw new FaasletError("ERR_CONFLICT", `cannot write the value: ${ATTEMPTS_MAX} others were faster`);
  }

  /** The value now, after the conditions of a write. The lock's entry is the last of `others`, if there is one. */
  async #look(key: StateKey, { ifVersion, lock }: TreeWriteOptions) {
    const wanted = [...usageKeys(key.tenant), ...(lock === undefined ? [] : [lock.lockKey])];
    const { tree, others } = await this.#options.reader.snapshot(key, wanted);
    lock?.check(others[2]!);
    if (ifVersion !== undefined && ifVersion !== (tree?.version ?? null)) throw preconditionFailed(ifVersion, tree);
    return { tree, others };
  }

  /** A commit that takes place only while the value, and the lock, are as they were looked at. */
  #commit(
    key: StateKey,
    tree: Tree | undefined,
    others: readonly Deno.KvEntryMaybe<unknown>[],
    { lock }: TreeWriteOptions,
  ): Deno.AtomicOperation {
    const commit = this.#options.kv.atomic();
    commit.check({ key: STATE_KEYS.root(key), versionstamp: tree?.version ?? null });
    if (lock !== undefined) commit.check({ key: lock.lockKey, versionstamp: others[2]!.versionstamp });
    return commit;
  }

  async #attempt(key: StateKey, edit: Edit, options: TreeWriteOptions, uploads: Uploads): Promise<Written> {
    const { tree, others } = await this.#look(key, options);
    const bytes = edit.bytes(tree);
    checkValueBytes(bytes);
    const more = { bytes: bytes - (tree?.bytes ?? 0), keys: tree === undefined ? 1 : 0 };
    checkQuota(key.tenant, this.#options.quota(key.tenant), usageOf(others), more);
    const draft = await this.#draft(key, edit, tree, bytes, uploads, options.signal);
    const pages = draft.entries.pages();
    const ids = await this.#putPages(pages, tree, draft, uploads);
    await uploads.settled();
    if (tree !== undefined && tree.bytes === bytes && equal(tree.entries.packed, draft.entries.packed)) {
      if (uploads.isOpen) await this.abandon(key, uploads);
      return { head: tree.head(), sentChunks: 0, sentBytes: 0, merged: draft.merged };
    }
    const commit = uploads.conclude(this.#commit(key, tree, others, options));
    const root: RootRecord = {
      bytes,
      storedBytes: draft.entries.storedBytes(),
      writtenAtMs: this.#options.wallNow(),
      recent: withRecent(tree?.root.recent, uploads.id),
      ...(pages.length > 0 ? { pages: ids } : { entries: draft.entries.packed }),
      ...(draft.inline !== undefined && { inline: draft.inline }),
    };
    commit.set(STATE_KEYS.root(key), root);
    for (const { index, encoded } of draft.puts) commit.set(STATE_KEYS.chunk(key, index, uploads.id), encoded.data);
    countUsage(commit, key.tenant, more);
    const collect = this.#replace(commit, key, uploads, tree, draft.entries, ids);
    const version = await this.#settle(key, commit, uploads);
    collect();
    for (const { encoded } of draft.puts) uploads.count(encoded.data);
    const head = { version, bytes, hashes: draft.entries.hashes() };
    return { head, sentChunks: uploads.sentChunks, sentBytes: uploads.sentBytes, merged: draft.merged };
  }

  /** Commits; finds out what became of a commit whose answer was lost. */
  async #settle(key: StateKey, commit: Deno.AtomicOperation, uploads: Uploads): Promise<string> {
    let failure: unknown;
    try {
      const result = await stored(() => commit.commit());
      if (result.ok) return result.versionstamp;
    } catch (error) {
      failure = error;
    }
    // Clients of a server send a commit again when its answer does not come: the second time, its checks fail.
    const { tree, others } = await this.#options.reader.snapshot(key, uploads.records).catch((error) => {
      throw failure ?? error;
    });
    if (tree !== undefined && hasRecent(tree.root, uploads.id)) return tree.version;
    if (others.some(({ versionstamp }) => versionstamp === null)) {
      const why = "this host was taken for dead, and what it had sent was collected";
      throw new FaasletError("ERR_CONFLICT", `cannot write the value: ${why}`);
    }
    throw failure ?? new Overtaken();
  }

  /** Makes the list of chunks; chunks that do not fit the root's commit are sent on the way. */
  async #draft(
    key: StateKey,
    edit: Edit,
    tree: Tree | undefined,
    bytes: number,
    uploads: Uploads,
    signal: AbortSignal | undefined,
  ): Promise<Draft> {
    const count = chunkCount(bytes);
    const entries = edit.entries(tree, count);
    const draft: Draft = { bytes, entries, merged: new Map(), puts: [], putBytes: 0, inline: undefined };
    let last = -1;
    for (const index of edit.chunks(tree, count)) {
      signal?.throwIfAborted();
      const length = chunkLength(index, bytes);
      const content = await edit.content(index, length, tree, () => this.#theirs(key, tree, index, length));
      await this.#place(draft, index, content.bytes, tree, uploads);
      if (content.isMerged) draft.merged.set(index, content.bytes);
      last = index;
    }
    // Where a value ends within a chunk, what was behind its end is zeros from now on.
    const end = count - 1;
    if (edit.keeps && tree !== undefined && bytes < tree.bytes && end >= 0 && last !== end) {
      await this.#place(draft, end, await this.#theirs(key, tree, end, chunkLength(end, bytes)), tree, uploads);
    }
    await this.#keepInline(draft, tree, uploads);
    return draft;
  }

  async #theirs(key: StateKey, tree: Tree | undefined, index: number, length: number): Promise<Uint8Array> {
    if (tree === undefined || index >= tree.entries.count) return new Uint8Array(length);
    const content = await this.#options.reader.chunk(key, tree, index);
    if (content !== undefined) return fitted(content, length);
    const { tree: now } = await this.#options.reader.snapshot(key);
    if (now?.version === tree.version) throw broken(key, `its chunk ${index} is missing`);
    throw new Overtaken();
  }

  /** Puts a chunk's content into the draft, and sends it unless it is there already. */
  async #place(
    draft: Draft,
    index: number,
    content: Uint8Array,
    tree: Tree | undefined,
    uploads: Uploads,
  ): Promise<void> {
    const hash = hashChunk(content);
    if (tree !== undefined && index < tree.entries.count && equal(tree.entries.hashAt(index), hash)) {
      return draft.entries.set(index, tree.entries.at(index));
    }
    const sent = uploads.sent(index, hash);
    if (sent !== undefined) return draft.entries.set(index, sent);
    const encoded = encodeChunk(content);
    const storedBytes = encoded.data.length;
    const isStored = storedBytes > 0;
    const isInline = isStored && draft.entries.count === 1 && storedBytes <= INLINE_BYTES_MAX;
    if (isInline) draft.inline = encoded.data;
    const id = isStored && !isInline ? uploads.id : undefined;
    const entry = { hash, id, storedBytes, isCompressed: encoded.isCompressed };
    draft.entries.set(index, entry);
    if (id !== undefined) await this.#put(draft, { index, entry, encoded }, uploads);
  }

  async #put(draft: Draft, put: Put, uploads: Uploads): Promise<void> {
    draft.puts.push(put);
    draft.putBytes += put.encoded.data.length;
    if (draft.putBytes <= ONE_COMMIT_BYTES_MAX && !uploads.isOpen) return;
    await uploads.open();
    for (const { index, entry, encoded } of draft.puts) await uploads.chunk(index, entry, encoded);
    draft.puts = [];
    draft.putBytes = 0;
  }

  /** A tiny value's chunk that is kept stays in the root, or leaves it when the value has more than one now. */
  async #keepInline(draft: Draft, tree: Tree | undefined, uploads: Uploads): Promise<void> {
    const data = tree?.root.inline;
    if (data === undefined || draft.entries.count === 0) return;
    const entry = draft.entries.at(0);
    if (!equal(entry.hash, tree!.entries.hashAt(0)) || entry.id !== undefined) return;
    if (draft.entries.count === 1) {
      draft.inline = data;
      return;
    }
    const moved = { ...entry, id: uploads.id };
    draft.entries.set(0, moved);
    await this.#put(draft, { index: 0, entry: moved, encoded: { data, isCompressed: entry.isCompressed } }, uploads);
  }

  /** Sends the pages that are others than before; resolves with the ids of all, one after the other. */
  async #putPages(
    pages: readonly Uint8Array[],
    tree: Tree | undefined,
    draft: Draft,
    uploads: Uploads,
  ): Promise<Uint8Array> {
    if (pages.length === 0) return new Uint8Array(0);
    const before = tree === undefined ? [] : pageIds(tree.root);
    const old = before.length === 0 ? [] : tree!.entries.pages();
    const ids: Uint8Array[] = [];
    for (const [page, data] of pages.entries()) {
      if (page < old.length && equal(old[page]!, data)) {
        ids.push(before[page]!);
        continue;
      }
      await uploads.open();
      await uploads.page(page, data.slice());
      ids.push(uploads.id);
    }
    // The root's commit has no room for chunks beside the records of what a value of this size replaces.
    for (const { index, entry, encoded } of draft.puts) await uploads.chunk(index, entry, encoded);
    draft.puts = [];
    return joined(ids);
  }

  /** Adds to the root's commit that what the next version does not name is garbage, or gone if the value is short. */
  #replace(
    commit: Deno.AtomicOperation,
    key: StateKey,
    uploads: Uploads,
    tree: Tree | undefined,
    next: Entries | undefined,
    ids: Uint8Array = new Uint8Array(0),
  ): () => void {
    const places: Place[] = [];
    const count = tree?.entries.count ?? 0;
    for (let index = 0; index < count; index++) {
      const { id } = tree!.entries.at(index);
      const now = next !== undefined && index < next.count ? next.at(index).id : undefined;
      if (id !== undefined && (now === undefined || !equal(id, now))) places.push({ kind: "chunk", index, id });
    }
    for (const [index, id] of tree === undefined ? [] : pageIds(tree.root).entries()) {
      const now = ids.subarray(index * id.length, (index + 1) * id.length);
      if (!equal(id, now)) places.push({ kind: "page", index, id });
    }
    const unused = uploads.unused((index, { id }) => {
      const now = next !== undefined && index < next.count ? next.at(index).id : undefined;
      return id !== undefined && now !== undefined && equal(id, now);
    });
    for (const index of unused) places.push({ kind: "chunk", index, id: uploads.id });
    if (count <= SHORT_CHUNKS_MAX && places.length <= SHORT_CHUNKS_MAX) {
      for (const { index, id } of places) commit.delete(STATE_KEYS.chunk(key, index, id));
      return () => {};
    }
    return this.#options.garbage.record(commit, key, uploads.id, places, tree?.bytes ?? 0);
  }
}

export function checkValueBytes(bytes: number): void {
  if (bytes <= STATE_LIMITS.valueBytesMax) return;
  throw new FaasletError(
    "ERR_STATE_LIMIT",
    `cannot store a value of ${bytes} bytes: the limit is ${STATE_LIMITS.valueBytesMax}`,
  );
}

function preconditionFailed(wanted: string | null, tree: Tree | undefined): FaasletError {
  const is = tree === undefined ? "there is no value" : `it is of version ${tree.version}`;
  const should = wanted === null ? "there to be none" : `version ${wanted}`;
  return new FaasletError("ERR_PRECONDITION", `cannot write the value: ${is}, and the writer expects ${should}`);
}
