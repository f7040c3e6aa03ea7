/**
 * Which values are on this host, and how they get here and back: the policy of the local tier for one tenant.
 *
 * Work on one key happens in turn, so that calls which touch a value at once lead to one pull: the others find it here.
 *
 * @module
 */
import { assert, FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import { CallLocks, type HoldingCall } from "./_call_locks.ts";
import { Room } from "./_room.ts";
import { Turns } from "./_turns.ts";
import type { ChunkRange, GlobalTier, StateHead, StateKey, WriteOptions } from "./global_tier.ts";
import type { ChunkSpan, LocalTier, PushSelection, RegionInfo } from "./local_tier.ts";
import { versionNumber } from "./state_key.ts";

/** What a residency is made of. */
export interface ResidencyOptions {
  readonly tenant: string;
  readonly local: LocalTier;
  readonly global: GlobalTier;
}

/** How a push goes. */
export interface PushOptions extends PushSelection {
  /** Takes others' changes in afterwards. */
  readonly takesIn?: boolean;
  /** Only if the value is of the version that a guest sees as this number; 0: only if there is none. */
  readonly ifVersion?: bigint;
  /** Under the global lock that this call holds, if it does. */
  readonly call?: HoldingCall;
}

const CHUNK = STATE_LIMITS.chunkBytes;
/** Versions are 20 hexadecimal digits; this one is before all. */
const NO_VERSION = "0".repeat(20);
/** A value that is replaced while it is pushed is pushed again. */
const PUSHES_MAX = 3;

export class Residency {
  readonly tenant: string;
  readonly locks: CallLocks;
  readonly room: Room;
  readonly #local: LocalTier;
  readonly #global: GlobalTier;
  readonly #turns = new Turns();

  constructor({ tenant, local, global }: ResidencyOptions) {
    this.tenant = tenant;
    this.#local = local;
    this.#global = global;
    this.room = new Room(local);
    this.locks = new CallLocks(global, tenant);
  }

  /** Which keys this host holds: for placement, and for people. */
  regions(): Promise<readonly RegionInfo[]> {
    return this.#local.regions();
  }

  /** Makes chunks be here that are not; with `count` 0, only what there is to know of the value. False: there is no such value. */
  bring(key: string, first: number, count: number): Promise<boolean> {
    return this.#turns.take(key, async () => {
      const missing = await this.#local.regionMissing(key, first, count);
      if (missing?.length === 0) return true;
      const ranges = missing === undefined ? [{ first, count }] : missing.map(rangeOf);
      return await this.#pull(key, count === 0 ? [] : ranges, true);
    });
  }

  /** Fetches the global value again, as far as it differs, and drops what was changed here. False: there is no such value. */
  pull(key: string, first = 0, count = Infinity): Promise<boolean> {
    return this.#turns.take(key, async () => {
      const have = await this.#local.regionHashes(key);
      const ranges = count === Infinity ? undefined : [{ first, count }];
      return await this.#pull(key, ranges, false, have);
    });
  }

  /** Sends what was changed here. False: `ifVersion` does not hold, and nothing was sent. */
  push(key: string, options: PushOptions = {}): Promise<boolean> {
    return this.#turns.take(key, async () => {
      for (let left = PUSHES_MAX; left > 0; left--) {
        const outcome = await this.#push(key, options);
        if (outcome !== "again") return outcome === "pushed" && await this.#takeIn(key, options);
      }
      throw new FaasletError("ERR_CONFLICT", "the value was replaced each time it was pushed");
    });
  }

  /** What a guest sees as the version of the value here; 0: it was made here, or there is none. */
  async version(key: string): Promise<bigint> {
    await this.bring(key, 0, 0);
    const info = await this.#local.regionStat(key);
    return info?.version === undefined ? 0n : versionNumber(info.version);
  }

  async #pull(
    key: string,
    ranges: readonly ChunkRange[] | undefined,
    keepsChanges: boolean,
    have?: Uint8Array,
  ): Promise<boolean> {
    const sink = (index: number, bytes: Uint8Array) =>
      this.room.for(CHUNK, () => this.#local.regionFill(key, index, bytes, keepsChanges));
    let head: StateHead | undefined;
    try {
      head = ranges?.length === 0
        ? await this.#global.head(this.#keyOf(key))
        : await this.#global.pull(this.#keyOf(key), sink, {
          ...(ranges !== undefined && { ranges }),
          ...(have !== undefined && { have }),
        });
      if (head !== undefined) {
        const found = head;
        await this.room.for(CHUNK, () => this.#local.regionCommit(key, found, keepsChanges));
        return true;
      }
    } finally {
      if (head === undefined) await this.#local.regionAbortPull(key);
    }
    // Somebody deleted it. What was never pushed is not the value that was deleted.
    const info = await this.#local.regionStat(key);
    if (info?.version !== undefined) await this.#local.regionForget(key);
    return false;
  }

  async #push(key: string, { call, ifVersion, ...selection }: PushOptions): Promise<"pushed" | "refused" | "again"> {
    const { under, refused, ...conditions } = await this.#conditions(key, call, ifVersion);
    if (refused) return "refused";
    const changes = await this.#local.regionBeginPush(key, selection);
    if (changes === undefined) return "pushed";
    let isSettled = false;
    let wasReplaced = false;
    try {
      const { chunks, bytes, base } = changes;
      if (chunks.length === 0 && base?.bytes === bytes && ifVersion === undefined) return "pushed";
      const listed = new Set(chunks);
      const written = await this.#global.push(this.#keyOf(key), {
        bytes,
        base: base && { ...base, version: base.version || NO_VERSION },
        chunks,
        read: async (index) => {
          const taken = await this.room.for(CHUNK, () => this.#local.regionTake(key, index));
          // By a shorter one, or by none.
          if (taken === undefined && listed.has(index)) wasReplaced = true;
          return taken;
        },
        twin: (index) => this.#local.regionTwin(key, index),
      }, { ...conditions, ...(under !== undefined && { under }) });
      isSettled = true;
      await this.#local.regionSettle(key, written.head);
      for (const [index, merged] of written.merged) {
        await this.room.for(CHUNK, () => this.#local.regionFill(key, index, merged, true));
      }
      if (written.merged.size > 0) await this.#local.regionCommit(key, written.head, true);
      return "pushed";
    } catch (error) {
      if (wasReplaced) return "again";
      if (ifVersion !== undefined && error instanceof FaasletError && error.code === "ERR_PRECONDITION") {
        return "refused";
      }
      throw error;
    } finally {
      if (!isSettled) await this.#local.regionAbortPush(key);
    }
  }

  async #conditions(
    key: string,
    call: HoldingCall | undefined,
    ifVersion: bigint | undefined,
  ): Promise<WriteOptions & { readonly refused: boolean }> {
    const lock = call === undefined ? undefined : this.locks.writeLock(call.callId, key);
    const under = lock === undefined ? {} : { under: lock };
    if (ifVersion === undefined) return { ...under, refused: false };
    if (ifVersion === 0n) return { ...under, ifVersion: null, refused: false };
    const info = await this.#local.regionStat(key);
    // A guest names versions that it had here; a value that was pulled since is of a later one.
    if (info?.version === undefined || versionNumber(info.version) !== ifVersion) return { refused: true };
    return { ...under, ifVersion: info.version, refused: false };
  }

  /** Chunks that are here and that others changed become theirs, but for the bytes that were changed here since. */
  async #takeIn(key: string, { takesIn = false }: PushOptions): Promise<boolean> {
    if (!takesIn) return true;
    const have = await this.#local.regionHashes(key);
    const missing = await this.#local.regionMissing(key, 0, STATE_LIMITS.valueBytesMax / CHUNK);
    if (have === undefined || missing === undefined) return true;
    await this.#pull(key, complement(missing, have.length / STATE_LIMITS.hashBytes), true, have);
    return true;
  }

  #keyOf(key: string): StateKey {
    return { tenant: this.tenant, key };
  }
}

function rangeOf({ first, end }: ChunkSpan): ChunkRange {
  return { first, count: end - first };
}

/** What of `[0, count)` is in none of the spans, which are in order. */
function complement(spans: readonly ChunkSpan[], count: number): ChunkRange[] {
  const ranges: ChunkRange[] = [];
  let from = 0;
  for (const { first, end } of [...spans, { first: count, end: count }]) {
    assert(first >= from, "spans are in order");
    if (first > from) ranges.push({ first: from, count: first - from });
    from = end;
  }
  return ranges;
}
