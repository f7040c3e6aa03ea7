/** Reading values: a root with its list of chunks, and chunks by that list. */
import { FaasletError } from "../errors.ts";
import { KV_LIMITS } from "../limits.ts";
import { chunkLength, decodeChunk } from "./_state_chunks.ts";
import { equal, pageIds, type RootRecord, Tree } from "./_tree.ts";
import type { StateKey } from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

/** From here a listing of neighbours is faster than reads by key. */
const LISTED_MIN = 4;
/** Entries of one answer to a listing: 4 MiB; more makes a server hold more and gains nothing. */
const LIST_BATCH = 64;
/** Reads by key under way at once. */
const READS_MAX = 4;

/** What one read of the store found. */
export interface Snapshot {
  readonly tree: Tree | undefined;
  /** Of the other keys that were asked for. */
  readonly others: readonly Deno.KvEntryMaybe<unknown>[];
}

/** Takes a chunk's content; the buffer is the receiver's. */
export type TakeChunk = (index: number, content: Uint8Array) => void | Promise<void>;

export class TreeReader {
  readonly #kv: Kv;

  constructor(kv: Kv) {
    this.#kv = kv;
  }

  /** The value's tree, and other keys read in the same moment. */
  async snapshot(key: StateKey, others: readonly Deno.KvKey[] = []): Promise<Snapshot> {
    for (;;) {
      const read = await stored(() => this.#kv.getMany<unknown[]>([STATE_KEYS.root(key), ...others]));
      const [root, ...rest] = read as [Deno.KvEntryMaybe<RootRecord>, ...Deno.KvEntryMaybe<unknown>[]];
      if (root.versionstamp === null) return { tree: undefined, others: rest };
      const pages = await this.#pages(key, root.value);
      // A page that is gone belonged to a root that is gone as well.
      if (pages !== undefined) return { tree: new Tree(root.versionstamp, root.value, pages), others: rest };
      const { versionstamp } = await stored(() => this.#kv.get(STATE_KEYS.root(key)));
      if (versionstamp === root.versionstamp) throw broken(key, "a part of its list of chunks is missing");
    }
  }

  async #pages(key: StateKey, root: RootRecord): Promise<Uint8Array[] | undefined> {
    const ids = pageIds(root);
    if (ids.length === 0) return [];
    const keys = ids.map((id, page) => STATE_KEYS.page(key, page, id));
    const entries = await stored(() => this.#kv.getMany<Uint8Array[]>(keys));
    const pages = entries.map(({ value }) => value).filter((value) => value !== null);
    return pages.length === ids.length ? pages : undefined;
  }

  /**
   * Gives `take` the chunks of a tree, those in `indexes`, which ascend. False: some were not there any more, since the value has
   * another root by now.
   */
  async chunks(key: StateKey, tree: Tree, indexes: readonly number[], take: TakeChunk): Promise<boolean> {
    const inStore: number[] = [];
    for (const index of indexes) {
      const { id, isCompressed, storedBytes } = tree.entries.at(index);
      if (id !== undefined) {
        inStore.push(index);
        continue;
      }
      const data = storedBytes === 0 ? new Uint8Array(0) : tree.root.inline;
      if (data === undefined) throw broken(key, "its only chunk is missing");
      await take(index, decodeChunk({ data, isCompressed }, chunkLength(index, tree.bytes)));
    }
    let isWhole = true;
    const single: number[] = [];
    for (const run of runsOf(inStore)) {
      if (run.length < LISTED_MIN) single.push(...run);
      else isWhole = await this.#listed(key, tree, run, take) && isWhole;
    }
    return await this.#byKey(key, tree, single, take) && isWhole;
  }

  /** One chunk; undefined: the value has another root by now. */
  async chunk(key: StateKey, tree: Tree, index: number): Promise<Uint8Array | undefined> {
    let found: Uint8Array | undefined;
    await this.chunks(key, tree, [index], (_, content) => void (found = content));
    return found;
  }

  /** Neighbours. Older versions that were not collected yet are met on the way. */
  async #listed(key: StateKey, tree: Tree, run: readonly number[], take: TakeChunk): Promise<boolean> {
    const first = run[0]!;
    const selector = { start: STATE_KEYS.chunk(key, first), end: STATE_KEYS.chunk(key, first + run.length) };
    let found = 0;
    const listing = this.#kv.list<Uint8Array>(selector, { batchSize: LIST_BATCH });
    for (;;) {
      const { done, value: entry } = await stored(() => listing.next());
      if (done) return found === run.length;
      const index = Number(entry.key.at(-2));
      const { id, isCompressed } = tree.entries.at(index);
      if (id === undefined || !equal(entry.key.at(-1) as Uint8Array, id)) continue;
      found++;
      await take(index, decodeChunk({ data: entry.value, isCompressed }, chunkLength(index, tree.bytes)));
    }
  }

  async #byKey(key: StateKey, tree: Tree, indexes: readonly number[], take: TakeChunk): Promise<boolean> {
    let isWhole = true;
    const groups: number[][] = [];
    for (let at = 0; at < indexes.length; at += KV_LIMITS.keysPerReadMax) {
      groups.push(indexes.slice(at, at + KV_LIMITS.keysPerReadMax));
    }
    const read = async () => {
      for (let group = groups.shift(); group !== undefined; group = groups.shift()) {
        const entries = group.map((index) => tree.entries.at(index));
        const keys = group.map((index, at) => STATE_KEYS.chunk(key, index, entries[at]!.id));
        const values = await stored(() => this.#kv.getMany<Uint8Array[]>(keys));
        for (const [at, { value }] of values.entries()) {
          if (value === null) isWhole = false;
          else {
            const { isCompressed } = entries[at]!;
            const length = chunkLength(group[at]!, tree.bytes);
            await take(group[at]!, decodeChunk({ data: value, isCompressed }, length));
          }
        }
      }
    };
    await Promise.all(Array.from({ length: READS_MAX }, read));
    return isWhole;
  }
}

/** Ascending numbers as runs of neighbours. */
function runsOf(indexes: readonly number[]): number[][] {
  const runs: number[][] = [];
  for (const index of indexes) {
    const run = runs.at(-1);
    if (run !== undefined && run.at(-1) === index - 1) run.push(index);
    else runs.push([index]);
  }
  return runs;
}

/** What is missing though its root stands. */
export function broken(key: StateKey, why: string): FaasletError {
  return new FaasletError("ERR_ARTEFACT", `the stored value of ${JSON.stringify(key.key)} is broken: ${why}`);
}
