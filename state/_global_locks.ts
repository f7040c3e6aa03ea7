/** Global locks: the part that talks to the store. `_lock_record.ts` says what a lock is, `_sessions.ts` what a lease is. */
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import {
  buryParties,
  FREE,
  holdsLock,
  isFree,
  joinLock,
  leaveLock,
  type LockRecord,
  type Party,
  sessionsBefore,
  waitsForLock,
} from "./_lock_record.ts";
import type { DeadSession, Sessions } from "./_sessions.ts";
import type { LockCheck } from "./_tree_writer.ts";
import { Watches } from "./_watches.ts";
import type { GlobalLock, LockKind, StateKey } from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";
import { type StateKv, stored } from "./kv.ts";

/** Between attempts that others overtook, at most and at random. */
const PAUSE_MS_MAX = 32;
/** Between attempts while the store fails. */
const RETRY_MS = 100;
/** Sessions that one commit buries: each is a check, beside the lock's own. */
const BURIED_MAX = 8;
/** A waiter looks after those before it this often while a lease runs. */
const LOOKS_PER_LEASE = 3;

export interface GlobalLocksOptions {
  readonly kv: StateKv;
  readonly sessions: Sessions;
  readonly leaseMs: number;
  /** Monotonic. */
  readonly now: () => number;
}

interface Found {
  readonly record: LockRecord;
  readonly versionstamp: string | null;
}

export class GlobalLocks {
  readonly #options: GlobalLocksOptions;
  readonly #watches: Watches;
  readonly #held = new Set<HeldLock>();
  readonly #waiting = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #parties = 0;

  constructor(options: GlobalLocksOptions) {
    this.#options = options;
    this.#watches = new Watches(options.kv);
  }

  /** Waits for the lock and holds it. */
  async acquire(key: StateKey, kind: LockKind, signal?: AbortSignal): Promise<HeldLock> {
    const closing = this.#closing.signal;
    const ending = signal === undefined ? closing : AbortSignal.any([signal, closing]);
    ending.throwIfAborted();
    const acquiring = this.#acquire(STATE_KEYS.lock(key), kind, ending);
    const lock = acquiring.then(({ party, found }) => {
      const held = new HeldLock(key, party, found, this.#options, () => this.#held.delete(held));
      this.#held.add(held);
      return held;
    });
    this.#follow(lock);
    return await lock;
  }

  /** What is to be waited for before the store may be closed. */
  #follow(work: Promise<unknown>): void {
    const settled = work.then(() => {}, () => {}).then(() => void this.#waiting.delete(settled));
    this.#waiting.add(settled);
  }

  /** Frees all, ends all waiting with `ERR_DRAINING`. */
  async close(): Promise<void> {
    this.#closing.abort(new FaasletError("ERR_DRAINING", "cannot wait for a lock: shutting down"));
    while (this.#waiting.size > 0) await Promise.all(this.#waiting);
    await Promise.all([...this.#held].map((lock) => lock.release()));
    await this.#watches.close();
  }

  async #acquire(key: Deno.KvKey, kind: LockKind, signal: AbortSignal): Promise<{ party: Party; found: Found }> {
    for (;;) {
      const party: Party = { session: await this.#options.sessions.current(), id: ++this.#parties, kind };
      try {
        const found = await this.#join(key, party, signal) ?? await this.#wait(key, party, signal);
        if (found !== undefined) return { party, found };
        // This host was taken for dead and is not in the queue any more: it asks again, under a new session.
      } catch (error) {
        // Whoever waited has no reason to wait for this as well.
        this.#follow(leave(this.#options, key, party));
        throw error;
      }
    }
  }

  /** Comes to hold the lock, or to wait for it: then undefined. The first attempt takes it for free and asks nothing. */
  async #join(key: Deno.KvKey, party: Party, signal: AbortSignal): Promise<Found | undefined> {
    let found: Found = { record: FREE, versionstamp: null };
    for (let attempt = 0;; attempt++) {
      const { holders, queue } = found.record;
      if (holders.length + queue.length >= STATE_LIMITS.lockPartiesMax) {
        throw new FaasletError("ERR_CAPACITY", `cannot wait for the lock: ${holders.length + queue.length} do already`);
      }
      const next = await replace(this.#options.kv, key, found, joinLock(found.record, party));
      if (next !== undefined) return holdsLock(next.record, party) ? next : undefined;
      if (attempt > 0) await pause(Math.random() * PAUSE_MS_MAX, signal);
      found = await find(this.#options.kv, key);
      // A commit whose answer was lost may have taken place.
      if (holdsLock(found.record, party)) return found;
      if (waitsForLock(found.record, party)) return undefined;
    }
  }

  /** Until the lock is this party's. Undefined: it neither holds nor waits any more. */
  async #wait(key: Deno.KvKey, party: Party, signal: AbortSignal): Promise<Found | undefined> {
    const { kv, leaseMs, now } = this.#options;
    const watch = this.#watches.on(key);
    try {
      let lookAtMs = 0;
      for (;;) {
        const found = await find(kv, key);
        if (holdsLock(found.record, party)) return found;
        if (!waitsForLock(found.record, party)) return undefined;
        if (now() >= lookAtMs) {
          lookAtMs = now() + leaseMs / LOOKS_PER_LEASE;
          if (await this.#bury(key, party, found)) continue;
        }
        await watch.changed(Math.max(1, lookAtMs - now()), signal);
      }
    } finally {
      watch.end();
    }
  }

  /** Takes those out whose hosts are dead. True: the record is another now. */
  async #bury(key: Deno.KvKey, party: Party, found: Found): Promise<boolean> {
    const { sessions, kv } = this.#options;
    const dead: DeadSession[] = [];
    for (const id of sessionsBefore(found.record, party)) {
      if (dead.length >= BURIED_MAX) break;
      const session = await sessions.look(id);
      if (session !== undefined) dead.push(session);
    }
    if (dead.length === 0) return false;
    const next = buryParties(found.record, new Set(dead.map(({ id }) => id)));
    return await replace(kv, key, found, next, (commit) => sessions.bury(commit, dead)) !== undefined;
  }
}

/** A lock that this host holds, as far as it knows. */
export class HeldLock implements GlobalLock, LockCheck {
  readonly key: StateKey;
  readonly kind: LockKind;
  readonly token: string;
  readonly #party: Party;
  readonly #options: GlobalLocksOptions;
  readonly #whenReleased: () => void;
  #found: Found | undefined;
  #releasing: Promise<void> | undefined;

  constructor(key: StateKey, party: Party, found: Found, options: GlobalLocksOptions, whenReleased: () => void) {
    this.key = key;
    this.kind = party.kind;
    this.token = found.versionstamp!;
    this.#party = party;
    this.#found = found;
    this.#options = options;
    this.#whenReleased = whenReleased;
  }

  /** The lock's own key in the store. */
  get lockKey(): Deno.KvKey {
    return STATE_KEYS.lock(this.key);
  }

  check({ value }: Deno.KvEntryMaybe<unknown>): void {
    if (this.#releasing === undefined && holdsLock(value as LockRecord | null ?? FREE, this.#party)) return;
    throw new FaasletError(
      "ERR_LOCK_LOST",
      `cannot write under the global lock of ${JSON.stringify(this.key.key)}: it is not held any more`,
    );
  }

  release(): Promise<void> {
    return this.#releasing ??= leave(this.#options, this.lockKey, this.#party, this.#found).finally(this.#whenReleased);
  }
}

/** Takes a party out of a lock. While the store fails, it tries for as long as the lease would run. */
async function leave(options: GlobalLocksOptions, key: Deno.KvKey, party: Party, known?: Found): Promise<void> {
  const { kv, leaseMs, now } = options;
  const endMs = now() + leaseMs;
  let found = known;
  for (;;) {
    try {
      found ??= await find(kv, key);
      if (!holdsLock(found.record, party) && !waitsForLock(found.record, party)) return;
      if (await replace(kv, key, found, leaveLock(found.record, party)) !== undefined) return;
      found = undefined;
    } catch (error) {
      if (now() >= endMs) throw error;
      found = undefined;
      await pause(RETRY_MS);
    }
  }
}

async function find(kv: StateKv, key: Deno.KvKey): Promise<Found> {
  const { value, versionstamp } = await stored(() => kv.get<LockRecord>(key));
  return { record: value ?? FREE, versionstamp };
}

/** Undefined: somebody else changed it. */
async function replace(
  kv: StateKv,
  key: Deno.KvKey,
  { versionstamp }: Found,
  record: LockRecord,
  extend: (commit: Deno.AtomicOperation) => Deno.AtomicOperation = (commit) => commit,
): Promise<Found | undefined> {
  const commit = extend(kv.atomic().check({ key, versionstamp }));
  if (isFree(record)) commit.delete(key);
  else commit.set(key, record);
  const result = await stored(() => commit.commit());
  return result.ok ? { record, versionstamp: result.versionstamp } : undefined;
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise((resolve) => setTimeout(resolve, ms));
}
