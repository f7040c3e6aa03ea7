/**
 * What no root names any more. A root's commit leaves a record of what it replaced; after a while, so that whoever reads the old
 * version in order comes to its end, that is deleted. What a dead host was writing is found by its record too.
 */
import { STATE_LIMITS } from "../limits.ts";
import { PackedCommits } from "./_packed_commits.ts";
import type { DeadSession, Sessions } from "./_sessions.ts";
import { ID_BYTES } from "./_tree.ts";
import type { WritingRecord } from "./_uploads.ts";
import type { StateKey } from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** More than the largest value's list has. */
const PAGES_MAX = 8;
const PLACE_BYTES = 4 + ID_BYTES;
/** Places in one record: below the size of a value of the store, with room for its other members. */
const PLACES_PER_RECORD = 5_000;
/** Other hosts' garbage is theirs to collect; only what they leave lying for longer is everybody's. */
const FOREIGN_DELAY_MS = 60_000;

/** A chunk or page of a write. */
export interface Place {
  readonly kind: "chunk" | "page";
  readonly index: number;
  readonly id: Uint8Array;
}

interface GarbageRecord {
  readonly atMs: number;
  readonly chunks: Uint8Array;
  readonly pages: Uint8Array;
}

interface Pending {
  readonly key: StateKey;
  readonly record: Deno.KvKey;
  readonly places: readonly Place[];
  readonly dueAtMs: number;
  readonly bytes: number;
}

export interface GarbageOptions {
  readonly kv: Kv;
  readonly sessions: Sessions;
  /** How long a replaced version can still be read. */
  readonly graceMs: number;
  /** Monotonic, and of the wall. */
  readonly now: () => number;
  readonly wallNow: () => number;
}

export class Garbage {
  readonly #options: GarbageOptions;
  /** What this host replaced, oldest first. */
  readonly #pending: Pending[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #collecting: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: GarbageOptions) {
    this.#options = options;
  }

  /** Adds to a root's commit what it replaces. `whenDone` is to be called when the commit has taken place. */
  record(
    commit: Deno.AtomicOperation,
    key: StateKey,
    id: Uint8Array,
    places: readonly Place[],
    valueBytes: number,
  ): () => void {
    const { now, wallNow, graceMs } = this.#options;
    const made: Pending[] = [];
    for (let at = 0; at < places.length; at += PLACES_PER_RECORD) {
      const some = places.slice(at, at + PLACES_PER_RECORD);
      const record = STATE_KEYS.garbage(key, id, at / PLACES_PER_RECORD);
      const value: GarbageRecord = {
        atMs: wallNow(),
        chunks: packed(some.filter(({ kind }) => kind === "chunk")),
        pages: packed(some.filter(({ kind }) => kind === "page")),
      };
      commit.set(record, value);
      const bytes = some.length * STATE_LIMITS.chunkBytes;
      made.push({ key, record, places: some, dueAtMs: now() + graceMs, bytes });
    }
    return () => {
      this.#pending.push(...made);
      this.#hurry(key, Math.max(valueBytes, STATE_LIMITS.chunkBytes));
      this.#arm();
    };
  }

  /** A key that is written all the time does not keep more garbage than it has bytes: reading meets it on the way. */
  #hurry(key: StateKey, bytesMax: number): void {
    let bytes = 0;
    for (let at = this.#pending.length - 1; at >= 0; at--) {
      const pending = this.#pending[at]!;
      if (pending.key.tenant !== key.tenant || pending.key.key !== key.key) continue;
      bytes += pending.bytes;
      if (bytes > bytesMax) this.#pending[at] = { ...pending, dueAtMs: 0 };
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed || this.#collecting !== undefined || this.#pending.length === 0) return;
    const dueAtMs = Math.min(...this.#pending.map(({ dueAtMs }) => dueAtMs));
    const delay = Math.max(0, dueAtMs - this.#options.now());
    this.#timer = setTimeout(() => {
      this.#collecting = this.#collectDue().finally(() => {
        this.#collecting = undefined;
        this.#arm();
      });
    }, delay);
  }

  async #collectDue(): Promise<void> {
    const nowMs = this.#options.now();
    const due = this.#pending.filter(({ dueAtMs }) => dueAtMs <= nowMs);
    for (const pending of due) {
      this.#pending.splice(this.#pending.indexOf(pending), 1);
      // What cannot be deleted now stays recorded in the store: some host's sweep finds it.
      await this.#delete(pending.key, pending.record, pending.places).catch(() => {});
    }
  }

  async #delete(key: StateKey, record: Deno.KvKey, places: Iterable<Place>): Promise<void> {
    const commits = new PackedCommits(this.#options.kv);
    for (const { kind, index, id } of places) {
      await commits.delete(kind === "chunk" ? STATE_KEYS.chunk(key, index, id) : STATE_KEYS.page(key, index, id));
    }
    await commits.finish();
    await stored(() => this.#options.kv.delete(record));
  }

  /** Deletes what a write sent, unless its root was made after all. */
  async abandon(key: StateKey, id: Uint8Array): Promise<void> {
    const writing = STATE_KEYS.writing(key, id);
    const { versionstamp } = await stored(() => this.#options.kv.get(writing));
    if (versionstamp !== null) await this.#withdraw(key, id, versionstamp, []);
  }

  /**
   * First the record changes hands, so that the write cannot end any more; then its bytes go. Which places it wrote is not known:
   * deleting all that it may have is quicker than reading them.
   */
  async #withdraw(key: StateKey, id: Uint8Array, versionstamp: string, dead: readonly DeadSession[]): Promise<void> {
    const writing = STATE_KEYS.writing(key, id);
    const record = STATE_KEYS.garbage(key, id, 0);
    const value: GarbageRecord & { readonly isWhole: true } = {
      atMs: 0,
      chunks: new Uint8Array(0),
      pages: new Uint8Array(0),
      isWhole: true,
    };
    const commit = this.#options.kv.atomic().check({ key: writing, versionstamp }).delete(writing).set(record, value);
    const { ok } = await stored(() => this.#options.sessions.bury(commit, dead).commit());
    if (ok) await this.#delete(key, record, await this.#allPlaces(key, id));
  }

  /** Wherever the write may have put something: no further than the value's last chunk, be it of whichever version. */
  async #allPlaces(key: StateKey, id: Uint8Array): Promise<Place[]> {
    const last = this.#options.kv.list({ prefix: STATE_KEYS.chunks(key) }, { limit: 1, reverse: true });
    const { done, value } = await stored(() => last.next());
    const chunks = done ? 0 : Number(value.key.at(-2)) + 1;
    return [...places("chunk", chunks, id), ...places("page", PAGES_MAX, id)];
  }

  /** Collects what hosts left behind that are gone, and what they were writing. Resolves with how many records it dealt with. */
  async sweep(): Promise<number> {
    const { kv, graceMs, wallNow, sessions } = this.#options;
    let count = 0;
    for await (const entry of kv.list<GarbageRecord & { isWhole?: true }>({ prefix: STATE_KEYS.garbages() })) {
      const [, tenant, key, id] = entry.key as [string, string, string, Uint8Array];
      const { atMs, chunks, pages, isWhole } = entry.value;
      if (!isWhole && atMs + graceMs + FOREIGN_DELAY_MS > wallNow()) continue;
      const places = isWhole
        ? await this.#allPlaces({ tenant, key }, id)
        : [...unpacked("chunk", chunks), ...unpacked("page", pages)];
      await this.#delete({ tenant, key }, entry.key, places);
      count++;
    }
    for await (const entry of kv.list<WritingRecord>({ prefix: STATE_KEYS.writings() })) {
      const [, tenant, key, id] = entry.key as [string, string, string, Uint8Array];
      const dead = await sessions.look(entry.value.session);
      if (dead === undefined) continue;
      await this.#withdraw({ tenant, key }, id, entry.versionstamp, [dead]);
      count++;
    }
    return count;
  }

  /** Collects at once what this host replaced; nobody reads the old versions any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#collecting;
    for (const { key, record, places } of this.#pending.splice(0)) {
      await this.#delete(key, record, places).catch(() => {});
    }
  }
}

function places(kind: Place["kind"], count: number, id: Uint8Array): Place[] {
  return Array.from({ length: count }, (_, index) => ({ kind, index, id }));
}

function packed(places: readonly Place[]): Uint8Array {
  const bytes = new Uint8Array(places.length * PLACE_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [at, { index, id }] of places.entries()) {
    view.setUint32(at * PLACE_BYTES, index);
    bytes.set(id, at * PLACE_BYTES + 4);
  }
  return bytes;
}

function unpacked(kind: Place["kind"], bytes: Uint8Array): Place[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / PLACE_BYTES }, (_, at) => ({
    kind,
    index: view.getUint32(at * PLACE_BYTES),
    id: bytes.slice(at * PLACE_BYTES + 4, (at + 1) * PLACE_BYTES),
  }));
}
