/** Appended records: one value of the store each, in the order of their commits. */
import { FaasletError } from "../errors.ts";
import { KV_LIMITS, STATE_LIMITS } from "../limits.ts";
import { checkQuota, countUsage, type StateQuota, usageKeys, usageOf } from "./_quota.ts";
import { keyBytesBound } from "./_packed_commits.ts";
import type { AppendedRecords, StateKey } from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";
import { type StateKv, stored } from "./kv.ts";

/** No client sends a commit again after so long. */
const MARK_MS = 60_000;
/** Records of one answer: 1 MiB at the most. */
const READ_BATCH = 16;

export class Appended {
  readonly #kv: StateKv;
  readonly #quota: (tenant: string) => StateQuota;

  constructor(kv: StateKv, quota: (tenant: string) => StateQuota) {
    this.#kv = kv;
    this.#quota = quota;
  }

  async append(key: StateKey, record: Uint8Array): Promise<void> {
    if (record.length > STATE_LIMITS.recordBytesMax) {
      const why = `the limit is ${STATE_LIMITS.recordBytesMax}`;
      throw new FaasletError("ERR_STATE_LIMIT", `cannot append a record of ${record.length} bytes: ${why}`);
    }
    const more = { bytes: record.length, keys: 0 };
    const usage = usageOf(await stored(() => this.#kv.getMany<unknown[]>(usageKeys(key.tenant))));
    checkQuota(key.tenant, this.#quota(key.tenant), usage, more);
    // The store fills in the commit's place in its history.
    const place = this.#kv.commitVersionstamp() as unknown as Deno.KvKeyPart;
    // A client whose answer was lost sends its commit again: the second time, this mark is there and nothing more is done.
    const mark = STATE_KEYS.appending(crypto.randomUUID());
    const commit = this.#kv.atomic().check({ key: mark, versionstamp: null }).set(mark, 0, { expireIn: MARK_MS })
      .set([...STATE_KEYS.appended(key), place], record);
    countUsage(commit, key.tenant, more);
    await stored(() => commit.commit());
  }

  async read(key: StateKey, count: number): Promise<AppendedRecords> {
    const records: Uint8Array[] = [];
    if (count <= 0) return { records, count: 0 };
    const options = { limit: count, batchSize: Math.min(count, READ_BATCH) };
    const listing = this.#kv.list<Uint8Array>({ prefix: STATE_KEYS.appended(key) }, options);
    for (;;) {
      const { done, value: entry } = await stored(() => listing.next());
      if (done) return { records, count: records.length };
      records.push(entry.value);
    }
  }

  /**
   * Drops the records that are there. Oldest first, and each commit only if its first record is still there: of two that clear at the
   * same time one counts each record.
   */
  async clear(key: StateKey): Promise<number> {
    let cleared = 0;
    const prefix = STATE_KEYS.appended(key);
    const newest = await stored(() => this.#kv.list({ prefix }, { limit: 1, reverse: true }).next());
    if (newest.done) return 0;
    for (;;) {
      // What is appended meanwhile stays; else one who appends all the time would never let this end.
      const batch = (await this.#oldest(key)).filter(({ versionstamp }) => versionstamp <= newest.value.versionstamp);
      const first = batch[0];
      if (first === undefined) return cleared;
      const commit = this.#kv.atomic().check({ key: first.key, versionstamp: first.versionstamp });
      for (const { key } of batch) commit.delete(key);
      const bytes = batch.reduce((sum, { value }) => sum + value.length, 0);
      countUsage(commit, key.tenant, { bytes: -bytes, keys: 0 });
      if ((await stored(() => commit.commit())).ok) cleared += batch.length;
    }
  }

  async #oldest(key: StateKey): Promise<Deno.KvEntry<Uint8Array>[]> {
    const prefix = STATE_KEYS.appended(key);
    const limit = Math.min(500, Math.floor(KV_LIMITS.commitKeyBytesMax / 2 / (keyBytesBound(prefix) + 32)));
    return await stored(() => Array.fromAsync(this.#kv.list<Uint8Array>({ prefix }, { limit, batchSize: READ_BATCH })));
  }
}
