/** Global locks by the calls that hold them: whatever becomes of a call, its locks are freed. */
import { FaasletError } from "../errors.ts";
import type { GlobalLock, GlobalTier, LockKind } from "./global_tier.ts";

/** A call, as far as what it holds is concerned. */
export interface HoldingCall {
  readonly callId: string;
  /** Aborted when the call has ended. */
  readonly ended: AbortSignal;
}

export class CallLocks {
  readonly #global: GlobalTier;
  readonly #tenant: string;
  readonly #held = new Map<string, Map<string, GlobalLock>>();

  constructor(global: GlobalTier, tenant: string) {
    this.#global = global;
    this.#tenant = tenant;
  }

  /** The lock under which a call changes a value, if it holds one. */
  writeLock(callId: string, key: string): GlobalLock | undefined {
    const lock = this.#held.get(callId)?.get(key);
    return lock?.kind === "write" ? lock : undefined;
  }

  /** Waits for a lock. Rejects when the call has ended meanwhile. */
  async take({ callId, ended }: HoldingCall, key: string, kind: LockKind): Promise<void> {
    const lock = await this.#global.lock({ tenant: this.#tenant, key }, kind, { signal: ended });
    if (ended.aborted) {
      await lock.release();
      throw new FaasletError("ERR_CALL_CANCELLED", "the call has ended");
    }
    let locks = this.#held.get(callId);
    if (locks === undefined) {
      locks = new Map();
      this.#held.set(callId, locks);
      ended.addEventListener("abort", () => this.#free(callId), { once: true });
    }
    locks.set(key, lock);
  }

  /** Frees one lock. `ERR_GUEST_MISUSE` when the call does not hold it. */
  async free(callId: string, key: string): Promise<void> {
    const lock = this.#held.get(callId)?.get(key);
    if (lock === undefined) throw new FaasletError("ERR_GUEST_MISUSE", "the call does not hold this global lock");
    this.#held.get(callId)?.delete(key);
    await lock.release();
  }

  /** Nobody waits for it: when the store fails, the lease runs out. */
  #free(callId: string): void {
    const locks = this.#held.get(callId);
    this.#held.delete(callId);
    for (const lock of locks?.values() ?? []) lock.release().catch(() => {});
  }
}
