/**
 * Every key of the store, in one place. A part is a part: nothing is joined into strings, so no name can be built that
 * reaches into another tenant's keys. Tenant first, so that one listing finds all that a tenant owns.
 *
 * @module
 */

import type { StateKey } from "./global_tier.ts";

/** Raised when the layout changes, so that an old store is noticed. */
export const SCHEMA_VERSION = 2;

export const KEYS = {
  schema: (): Deno.KvKey => ["schema"],
  /** Says that a tenant has something here. */
  tenant: (tenant: string): Deno.KvKey => ["tenant", tenant],
  tenants: (): Deno.KvKey => ["tenant"],
  /** Which version of a function is live, and the number of the newest one. */
  function: (tenant: string, name: string): Deno.KvKey => ["t", tenant, "function", name],
  functions: (tenant: string): Deno.KvKey => ["t", tenant, "function"],
  /** One immutable version of a function. */
  version: (tenant: string, name: string, version: number): Deno.KvKey => ["t", tenant, "version", name, version],
  versions: (tenant: string): Deno.KvKey => ["t", tenant, "version"],
  /** What a blob is made of; written last, so that it is there only when all chunks are. */
  blob: (tenant: string, digest: string): Deno.KvKey => ["t", tenant, "blob", digest],
  blobs: (tenant: string): Deno.KvKey => ["t", tenant, "blob"],
  chunk: (tenant: string, digest: string, index: number): Deno.KvKey => ["t", tenant, "chunk", digest, index],
  chunks: (tenant: string, digest: string): Deno.KvKey => ["t", tenant, "chunk", digest],
  /** Says that a blob is being written for a record that is not there yet. */
  pending: (tenant: string, digest: string): Deno.KvKey => ["t", tenant, "pending", digest],
  /** Says that a tenant has calls here. */
  callTenant: (tenant: string): Deno.KvKey => ["call-tenant", tenant],
  callTenants: (): Deno.KvKey => ["call-tenant"],
  /** An asynchronous call; written last, so that it is there only when its parts are. */
  call: (tenant: string, id: string): Deno.KvKey => ["t", tenant, "call", id],
  calls: (tenant: string): Deno.KvKey => ["t", tenant, "call"],
  callPart: (
    tenant: string,
    id: string,
    part: string,
    index: number,
  ): Deno.KvKey => ["t", tenant, "call-part", id, part, index],
  callParts: (tenant: string, id: string, ...part: string[]): Deno.KvKey => ["t", tenant, "call-part", id, ...part],
  /** Says that parts of a call are being written or deleted. */
  callPending: (tenant: string, id: string): Deno.KvKey => ["t", tenant, "call-pending", id],
  callPendings: (tenant: string): Deno.KvKey => ["t", tenant, "call-pending"],
  /** Which call an idempotency key stands for. */
  callKey: (tenant: string, name: string, key: string): Deno.KvKey => ["t", tenant, "call-key", name, key],
  /** Records of synchronous calls, many in one value. */
  segment: (
    tenant: string,
    kind: string,
    id: string,
    index: number,
  ): Deno.KvKey => ["t", tenant, "records", kind, id, index],
  segments: (tenant: string): Deno.KvKey => ["t", tenant, "records"],
  segmentOf: (tenant: string, kind: string, id: string): Deno.KvKey => ["t", tenant, "records", kind, id],
  pendings: (tenant: string): Deno.KvKey => ["t", tenant, "pending"],
  /** The Proto-Faaslet of a version. */
  snapshot: (tenant: string, name: string, version: number): Deno.KvKey => ["t", tenant, "snapshot", name, version],
  /** A piece of snapshots by its digest, and which snapshots have it. */
  snapshotChunk: (tenant: string, digest: Uint8Array): Deno.KvKey => ["t", tenant, "snapshot-chunk", digest],
  snapshotUse: (
    tenant: string,
    digest: Uint8Array,
    name: string,
    version: number,
  ): Deno.KvKey => ["t", tenant, "snapshot-use", digest, name, version],
  snapshotUses: (tenant: string, ...digest: Uint8Array[]): Deno.KvKey => ["t", tenant, "snapshot-use", ...digest],
  /** What a tenant's pieces take; a counter. */
  snapshotBytes: (tenant: string): Deno.KvKey => ["t", tenant, "snapshot-bytes"],
  /** Says that a tenant has shared files. */
  fileTenant: (tenant: string): Deno.KvKey => ["file-tenant", tenant],
  fileTenants: (): Deno.KvKey => ["file-tenant"],
  /** A shared file: its digest, size and time. */
  file: (tenant: string, path: string): Deno.KvKey => ["t", tenant, "file", path],
  files: (tenant: string): Deno.KvKey => ["t", tenant, "file"],
} as const;

/** Where blobs lie: those of functions, and those of shared files, so that neither sweeps the other's away. */
export type BlobKeys = Pick<typeof KEYS, "blob" | "blobs" | "chunk" | "chunks" | "pending" | "pendings">;

export const FILE_BLOB_KEYS: BlobKeys = {
  blob: (tenant, digest) => ["t", tenant, "file-blob", digest],
  blobs: (tenant) => ["t", tenant, "file-blob"],
  chunk: (tenant, digest, index) => ["t", tenant, "file-chunk", digest, index],
  chunks: (tenant, digest) => ["t", tenant, "file-chunk", digest],
  pending: (tenant, digest) => ["t", tenant, "file-pending", digest],
  pendings: (tenant) => ["t", tenant, "file-pending"],
};

/** The keys of state: all of a kind together, so that a listing of roots meets roots only. */
export const STATE_KEYS = {
  /** What a value is: its size, and where its chunks are. */
  root: ({ tenant, key }: StateKey): Deno.KvKey => ["t", tenant, "state", "root", key],
  roots: (tenant: string): Deno.KvKey => ["t", tenant, "state", "root"],
  /** A part of a large value's list of chunks. */
  page: ({ tenant, key }: StateKey, page: number, id: Uint8Array): Deno.KvKey => [
    "t",
    tenant,
    "state",
    "page",
    key,
    page,
    id,
  ],
  /** A chunk's bytes. Its place comes before the write that made it: one listing finds the chunks of a range in order. */
  chunk: ({ tenant, key }: StateKey, index: number, id?: Uint8Array): Deno.KvKey => {
    const place: Deno.KvKey = ["t", tenant, "state", "chunk", key, index];
    return id === undefined ? place : [...place, id];
  },
  chunks: ({ tenant, key }: StateKey): Deno.KvKey => ["t", tenant, "state", "chunk", key],
  appended: ({ tenant, key }: StateKey): Deno.KvKey => ["t", tenant, "state", "appended", key],
  lock: ({ tenant, key }: StateKey): Deno.KvKey => ["t", tenant, "state", "lock", key],
  /** Counters, which commits add to. */
  usedBytes: (tenant: string): Deno.KvKey => ["t", tenant, "state", "used", "bytes"],
  usedKeys: (tenant: string): Deno.KvKey => ["t", tenant, "state", "used", "keys"],
  /** Chunks and pages that no root names any more; of all tenants, so that one listing finds them. */
  garbage: ({ tenant, key }: StateKey, id: Uint8Array, part: number): Deno.KvKey => ["garbage", tenant, key, id, part],
  garbages: (): Deno.KvKey => ["garbage"],
  /** Says that a value's chunks are being written and no root names them yet. */
  writing: ({ tenant, key }: StateKey, id: Uint8Array): Deno.KvKey => ["writing", tenant, key, id],
  writings: (): Deno.KvKey => ["writing"],
  /** Marks an append as done, for a while. */
  appending: (id: string): Deno.KvKey => ["appending", id],
  /** A host's lease. */
  session: (id: string): Deno.KvKey => ["session", id],
} as const;
