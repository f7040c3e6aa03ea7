/**
 * A global lock as the store has it: who holds it, and who waits, in the order in which they asked. Pure: what a step makes of it is
 * decided here, that nobody else stepped in between by the commit that writes it.
 */
import type { LockKind } from "./global_tier.ts";

/** Somebody who holds a lock or waits for it. */
export interface Party {
  readonly session: string;
  /** Unique in the session. */
  readonly id: number;
  readonly kind: LockKind;
}

/** No record at all: free. */
export interface LockRecord {
  readonly holders: readonly Party[];
  readonly queue: readonly Party[];
}

export const FREE: LockRecord = { holders: [], queue: [] };

export function isFree({ holders, queue }: LockRecord): boolean {
  return holders.length === 0 && queue.length === 0;
}

/** Behind all that wait; a lock that is free, or shared by readers with nobody waiting, is held at once. */
export function joinLock({ holders, queue }: LockRecord, party: Party): LockRecord {
  return promoted({ holders, queue: [...queue, party] });
}

/** Without a holder or waiter; the next ones come in. */
export function leaveLock(record: LockRecord, party: Party): LockRecord {
  return without(record, (other) => isSame(other, party));
}

/** Without all parties of these sessions. */
export function buryParties(record: LockRecord, sessions: ReadonlySet<string>): LockRecord {
  return without(record, ({ session }) => sessions.has(session));
}

export function holdsLock({ holders }: LockRecord, party: Party): boolean {
  return holders.some((other) => isSame(other, party));
}

export function waitsForLock({ queue }: LockRecord, party: Party): boolean {
  return queue.some((other) => isSame(other, party));
}

/** Sessions that stand before a waiter, or that hold a lock. */
export function sessionsBefore({ holders, queue }: LockRecord, party: Party): Set<string> {
  const before = queue.slice(0, queue.findIndex((other) => isSame(other, party)));
  return new Set([...holders, ...before].map(({ session }) => session));
}

function without({ holders, queue }: LockRecord, isGone: (party: Party) => boolean): LockRecord {
  return promoted({
    holders: holders.filter((party) => !isGone(party)),
    queue: queue.filter((party) => !isGone(party)),
  });
}

/** Lets in who may. A writer that waits keeps later readers out, so that it waits for no more than those before it. */
function promoted(record: LockRecord): LockRecord {
  const holders = [...record.holders];
  const queue = [...record.queue];
  for (let next = queue[0]; next !== undefined; next = queue[0]) {
    const isShared = next.kind === "read" && holders.every(({ kind }) => kind === "read");
    if (holders.length > 0 && !isShared) break;
    holders.push(next);
    queue.shift();
  }
  return { holders, queue };
}

function isSame(one: Party, other: Party): boolean {
  return one.session === other.session && one.id === other.id;
}
