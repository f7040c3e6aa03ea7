/**
 * The global tier of state: named values that outlive a process and that every host of a cluster sees.
 *
 * A value is cut into chunks of 64 KiB. Chunks are never changed in place: a write stores new ones beside the old, and one
 * commit of the value's root makes them the value. So a reader sees exactly one version, whatever the size, and a writer that
 * dies half-way has written nothing. `docs/consistency.md` says what that means for a program.
 *
 * `tests/support/global_tier_conformance.ts` is the suite that every store below it passes.
 *
 * @module
 */

/** Whose value. The key is any text that `checkStateKey` takes; it is never joined to anything. */
export interface StateKey {
  readonly tenant: string;
  readonly key: string;
}

/**
 * Names one state of one value, for ever: no two writes to a store share one, and later ones compare greater as text.
 * 20 hexadecimal digits. A guest sees it as `versionNumber(version)`; there, 0 means that there is no value.
 */
export type StateVersion = string;

/** What a value is, without its bytes. */
export interface StateHead {
  readonly version: StateVersion;
  /** The value's size. It has `Math.ceil(bytes / 65,536)` chunks; the last may be short. */
  readonly bytes: number;
  /**
   * A hash of `STATE_LIMITS.hashBytes` (16) for each chunk: the first bytes of the SHA-256 of the chunk, filled up with zeros
   * to 65,536 bytes. So a value that grows by zeros keeps its last chunk's hash, and a chunk that is stale on a host is one
   * whose hash differs.
   */
  readonly hashes: Uint8Array;
}

/** Whole chunks, by index: `[first, first + count)`. */
export interface ChunkRange {
  readonly first: number;
  readonly count: number;
}

/**
 * Takes a chunk that was pulled, in no particular order. The bytes are the chunk's, without fill; they are the receiver's to
 * keep. When somebody writes the value while it is pulled, a chunk may come again: the last one counts.
 */
export type ChunkSink = (index: number, bytes: Uint8Array) => void | Promise<void>;

export interface PullOptions {
  /** What to fetch. Default: everything. Parts beyond the value's end are left out. */
  readonly ranges?: readonly ChunkRange[];
  /** Hashes of the chunks that are here already; 16 zero bytes: not here. Chunks whose hash is the value's are not sent. */
  readonly have?: Uint8Array;
  readonly signal?: AbortSignal;
}

/** What a host changed, and how to come by the bytes. Plain reads, so that a value of 1 GiB is never held twice. */
export interface StateChange {
  /** The value's size on this host. */
  readonly bytes: number;
  /** What this host's copy was made from; undefined: it was made here, and replaces whatever is there. */
  readonly base: StateHead | undefined;
  /** Indexes of the chunks that may have changed, ascending. Those whose hash is still the global one are not sent. */
  readonly chunks: readonly number[];
  /**
   * A chunk as it is now, without fill. Undefined: it is not on this host; only asked for chunks that are not in `chunks`, when
   * somebody deleted the value. It may be called again for the same chunk; the bytes are copied before it is called again.
   */
  read(index: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /**
   * A chunk as it was in `base`. Undefined, or no such method: it was not kept, and if another host changed this chunk too,
   * its bytes are lost; with it, each byte that this host did not change stays as the other host left it.
   */
  twin?(index: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/** Makes a write conditional. */
export interface WriteOptions {
  /** Only if the value is of this version; null: only if there is none. Otherwise `ERR_PRECONDITION`, and nothing is written. */
  readonly ifVersion?: StateVersion | null;
  /** Only while this lock is held. Otherwise `ERR_LOCK_LOST`, and nothing is written. */
  readonly under?: GlobalLock;
  readonly signal?: AbortSignal;
}

/** What a write did. */
export interface Written {
  /** The value as this write left it. */
  readonly head: StateHead;
  /** Chunks and bytes that went to the store: after leaving out what was there already, and as compressed. */
  readonly sentChunks: number;
  readonly sentBytes: number;
  /**
   * Chunks that are not what was given, since another host's bytes were merged in: index -> the chunk without fill. The local
   * copy must take them.
   */
  readonly merged: ReadonlyMap<number, Uint8Array>;
}

/** A value in a list. */
export interface StateEntry {
  readonly key: string;
  readonly version: StateVersion;
  readonly bytes: number;
  /** What its chunks take in the store: less than `bytes` when compression helps or chunks are zero. */
  readonly storedBytes: number;
  /** When it was last written, by the writing host's clock; milliseconds since 1970. */
  readonly writtenAtMs: number;
}

export interface ListOptions {
  /** Only keys that start with this text. Default: all of the tenant's. */
  readonly prefix?: string;
  /** Only keys after this one, in the order of the list (that of their UTF-8 bytes). */
  readonly after?: string;
  /** Default: no limit. */
  readonly limit?: number;
}

/** A value that is read in order. */
export interface StateRead {
  readonly head: StateHead;
  /** The bytes that were asked for, in order, each of one version. Breaks off with `ERR_CONFLICT` if it is overtaken by writes. */
  readonly bytes: ReadableStream<Uint8Array>;
}

/** Records that were appended, oldest first. */
export interface AppendedRecords {
  /** The first ones, as many as were asked for or there are. */
  readonly records: readonly Uint8Array[];
  /** How many there are in all; counted no further than what was asked for when `records` is complete. */
  readonly count: number;
}

export type LockKind = "read" | "write";

/**
 * A lock that is held: a lease that is renewed while this process lives. It is lost when the process stands still for longer
 * than the lease and another one wants it; every write under it is refused from then on.
 */
export interface GlobalLock {
  readonly key: StateKey;
  readonly kind: LockKind;
  /** The fencing token: greater, as text, than that of any earlier holder of this lock. */
  readonly token: string;
  /** Frees it. Idempotent; does nothing when it was lost. Retries while the store fails, at most until the lease runs out. */
  release(): Promise<void>;
}

/** What a tenant has in the global tier. */
export interface StateUsage {
  readonly bytes: number;
  readonly keys: number;
}

/**
 * The global tier. All methods reject with a `FaasletError`: `ERR_STORAGE` when the store fails, `ERR_NAME_INVALID` for a key that is
 * none, `ERR_STATE_LIMIT` over a limit, `ERR_QUOTA` over the tenant's quota; more where it is said.
 */
export interface GlobalTier {
  /** What the value is now; undefined: there is none. One read up to 64 MiB, two above. */
  head(key: StateKey, options?: { readonly signal?: AbortSignal }): Promise<StateHead | undefined>;

  /**
   * Gives `sink` what is asked for and not here yet, and resolves with the version that all of it is of, together with
   * `have`; undefined: there is no value. Starts over, by itself, with what changed when it is overtaken by writes.
   */
  pull(key: StateKey, sink: ChunkSink, options?: PullOptions): Promise<StateHead | undefined>;

  /**
   * Sends what changed. Atomic at any size: readers see all of it or nothing. Where others wrote since `base`, their chunks stay,
   * and chunks that both changed are merged by byte (`StateChange.twin`). The size is this host's if it changed it, else theirs.
   * `ERR_CONFLICT` when somebody deleted the value and not all of it is here.
   */
  push(key: StateKey, change: StateChange, options?: WriteOptions): Promise<Written>;

  /** A whole value at once; for small ones, and for tests. */
  get(key: StateKey): Promise<{ readonly head: StateHead; readonly bytes: Uint8Array } | undefined>;

  /** Reads in order, piece by piece. `length` is cut at the value's end; `ERR_RANGE` when `offset` is beyond it. Default: all. */
  read(key: StateKey, part?: { readonly offset: number; readonly length: number }): Promise<StateRead | undefined>;

  /** Replaces the whole value. A stream of any length up to the limit is stored as it comes. */
  set(key: StateKey, value: Uint8Array | AsyncIterable<Uint8Array>, options?: WriteOptions): Promise<Written>;

  /** Changes a part; the value grows to `offset + bytes.length` if it is shorter (by zeros in between), or is made. */
  write(key: StateKey, offset: number, bytes: Uint8Array, options?: WriteOptions): Promise<Written>;

  /** Removes the value and its appended records. False: there was nothing. */
  delete(key: StateKey, options?: WriteOptions): Promise<boolean>;

  list(tenant: string, options?: ListOptions): AsyncIterableIterator<StateEntry>;

  /** Adds a record behind all that are there. A record has at most `STATE_LIMITS.recordBytesMax` bytes. */
  append(key: StateKey, record: Uint8Array): Promise<void>;

  readAppended(key: StateKey, count: number): Promise<AppendedRecords>;

  clearAppended(key: StateKey): Promise<void>;

  /**
   * Waits for a lock and holds it. Whoever asks first gets it first; readers share it. Rejects with the signal's reason when that is
   * aborted. One round trip when it is free.
   */
  lock(key: StateKey, kind: LockKind, options?: { readonly signal?: AbortSignal }): Promise<GlobalLock>;

  usage(tenant: string): Promise<StateUsage>;

  /** Frees all locks, ends all that waits with `ERR_DRAINING` and waits for what is being written. The store stays open. */
  close(): Promise<void>;
}
