/**
 * What a tenant has, and may have. Two counters that each commit adds to, without a check: writers of different keys do not get in
 * each other's way. Those that write at the same moment may together end above the quota, each by no more than it wrote.
 */
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import type { StateUsage } from "./global_tier.ts";
import { STATE_KEYS } from "./keys.ts";

/** What a tenant may have. */
export interface StateQuota {
  readonly bytes: number;
  readonly keys: number;
}

export const QUOTA_DEFAULT: StateQuota = {
  bytes: STATE_LIMITS.tenantBytesDefault,
  keys: STATE_LIMITS.tenantKeysDefault,
};

/** The counters' keys, in the order in which `usageOf` takes their entries. */
export function usageKeys(tenant: string): [Deno.KvKey, Deno.KvKey] {
  return [STATE_KEYS.usedBytes(tenant), STATE_KEYS.usedKeys(tenant)];
}

export function usageOf([bytes, keys]: readonly Deno.KvEntryMaybe<unknown>[]): StateUsage {
  return { bytes: counted(bytes), keys: counted(keys) };
}

function counted(entry: Deno.KvEntryMaybe<unknown> | undefined): number {
  return entry?.value instanceof Deno.KvU64 ? Number(BigInt.asIntN(64, entry.value.value)) : 0;
}

/** Throws `ERR_QUOTA` when a write that adds this much would go over. What makes it less always may. */
export function checkQuota(tenant: string, quota: StateQuota, usage: StateUsage, more: StateUsage): void {
  if (more.bytes > 0 && usage.bytes + more.bytes > quota.bytes) {
    const free = Math.max(0, quota.bytes - usage.bytes);
    throw new FaasletError(
      "ERR_QUOTA",
      `cannot store ${more.bytes} more bytes of state: ${tenant} has ${usage.bytes} of ${quota.bytes}, ${free} are free`,
    );
  }
  if (more.keys > 0 && usage.keys + more.keys > quota.keys) {
    throw new FaasletError(
      "ERR_QUOTA",
      `cannot store another state key: ${tenant} has ${usage.keys} of ${quota.keys}`,
    );
  }
}

/** Adds a difference to the counters; they wrap, so that it may be negative. */
export function countUsage(commit: Deno.AtomicOperation, tenant: string, more: StateUsage): void {
  if (more.bytes !== 0) commit.sum(STATE_KEYS.usedBytes(tenant), BigInt.asUintN(64, BigInt(more.bytes)));
  if (more.keys !== 0) commit.sum(STATE_KEYS.usedKeys(tenant), BigInt.asUintN(64, BigInt(more.keys)));
}
