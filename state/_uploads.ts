/**
 * What one write sends before its root names it. A record in the store says that it is under way, so that whatever a dead host left
 * is found; the commit that makes the root takes the record away, and fails if somebody else did.
 */
import { PackedCommits } from "./_packed_commits.ts";
import type { Sessions } from "./_sessions.ts";
import { type ChunkEntry, equal, ID_BYTES } from "./_tree.ts";
import type { EncodedChunk } from "./_state_chunks.ts";
import type { StateKey } from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

export interface WritingRecord {
  readonly session: string;
}

export class Uploads {
  readonly id = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  readonly #kv: Kv;
  readonly #sessions: Sessions;
  readonly #key: StateKey;
  readonly #sent = new Map<number, ChunkEntry>();
  #commits: PackedCommits | undefined;
  #record: string | undefined;
  /** Of data, in all. */
  sentBytes = 0;
  sentChunks = 0;

  constructor(kv: Kv, sessions: Sessions, key: StateKey) {
    this.#kv = kv;
    this.#sessions = sessions;
    this.#key = key;
  }

  get isOpen(): boolean {
    return this.#commits !== undefined;
  }

  async open(): Promise<void> {
    if (this.isOpen) return;
    const record: WritingRecord = { session: await this.#sessions.current() };
    const { versionstamp } = await stored(() => this.#kv.set(STATE_KEYS.writing(this.#key, this.id), record));
    this.#record = versionstamp;
    this.#commits = new PackedCommits(this.#kv);
  }

  /** What an earlier attempt sent for this place, if it is the same bytes. */
  sent(index: number, hash: Uint8Array): ChunkEntry | undefined {
    const entry = this.#sent.get(index);
    return entry !== undefined && equal(entry.hash, hash) ? entry : undefined;
  }

  async chunk(index: number, entry: ChunkEntry, { data }: EncodedChunk): Promise<void> {
    await this.#commits!.set(STATE_KEYS.chunk(this.#key, index, this.id), data);
    this.#sent.set(index, entry);
    this.count(data);
  }

  async page(page: number, data: Uint8Array): Promise<void> {
    await this.#commits!.set(STATE_KEYS.page(this.#key, page, this.id), data);
    this.sentBytes += data.length;
  }

  /** The record's key, once there is one. */
  get records(): Deno.KvKey[] {
    return this.#record === undefined ? [] : [STATE_KEYS.writing(this.#key, this.id)];
  }

  /** Counts a chunk that goes with the root. */
  count(data: Uint8Array): void {
    this.sentBytes += data.length;
    this.sentChunks++;
  }

  /** Waits until all of it is stored. */
  async settled(): Promise<void> {
    await this.#commits?.finish();
  }

  /** Chunks that were sent and that the root does not name in the end. */
  unused(isUsed: (index: number, entry: ChunkEntry) => boolean): number[] {
    return [...this.#sent].filter(([index, entry]) => !isUsed(index, entry)).map(([index]) => index);
  }

  /** Adds to the root's commit that the write is no longer under way. */
  conclude(commit: Deno.AtomicOperation): Deno.AtomicOperation {
    if (this.#record === undefined) return commit;
    const key = STATE_KEYS.writing(this.#key, this.id);
    return commit.check({ key, versionstamp: this.#record }).delete(key);
  }
}
