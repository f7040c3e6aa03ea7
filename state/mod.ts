/**
 * The state's door.
 *
 * Job: keep bytes and records for longer than a process lives: keys, chunked blobs, the store itself.
 *
 * Not its job: what the bytes mean.
 *
 * Invariants: a key names its tenant first; a blob is whole or not there; every failure of the store is `ERR_STORAGE`.
 *
 * @module
 */
export type * from "./global_tier.ts";
export type * from "./local_tier.ts";
export { type BlobOptions, Blobs, digestOf } from "./blobs.ts";
export { type PushOptions, Residency, type ResidencyOptions } from "./residency.ts";
export {
  ResidencyCalls,
  type StateAnswer,
  type StateAsk,
  type StateCaller,
  type StateOperation,
} from "./residency_calls.ts";
export { checkStateKey, STATE_KEY_GRAMMAR, versionNumber } from "./state_key.ts";
export { type CallKey, CallStore, type StoredCall } from "./call_store.ts";
export { KEYS, SCHEMA_VERSION } from "./keys.ts";
export { DIGEST_BYTES, SnapshotChunks, type SnapshotOwner } from "./snapshot_chunks.ts";
export { type SharedFile, SharedFiles } from "./shared_files.ts";
export { RecordLog, type RecordLogLimits } from "./record_log.ts";
export { type Kv, migrated, openKv, schemaOf, type StateKv, stored } from "./kv.ts";
export { hashChunk, hashValue } from "./_state_chunks.ts";
export { type StateQuota } from "./_quota.ts";
export { KvGlobalTier, type KvGlobalTierOptions } from "./kv_global_tier.ts";
