/**
 * What the rest of the program may ask of the functions that are deployed here: messages and interface only.
 * `function_registry.ts` is the implementation over Deno KV.
 *
 * @module
 */
import type { GuestFile, InstallReport, StartPlan } from "./worker_group.ts";
import type { FunctionSettings } from "./function_settings.ts";

/** The precise answer to an upload; every part is in `GET /v1/functions/{name}` as well. */
export interface ModuleReport {
  readonly bytes: number;
  /** SHA-256 of the uploaded bytes, lower-case hex. */
  readonly digest: string;
  readonly imports: readonly { module: string; name: string; params: readonly string[]; results: readonly string[] }[];
  readonly exports: readonly { name: string; kind: string; type: string }[];
  readonly memory: { minimumPages: number; maximumPages: number | null } | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly dataBytes: number;
  readonly codeBytes: number;
  readonly producers: readonly string[];
  readonly style: StartPlan["style"];
  readonly uses: Readonly<Record<string, boolean>>;
  readonly warnings: readonly string[];
  readonly plan: StartPlan;
}

/** A deployed function: an immutable version. */
export interface FunctionRecord {
  readonly tenant: string;
  readonly name: string;
  /** 1, 2, 3 ... for each change of module, files or settings. */
  readonly version: number;
  readonly settings: FunctionSettings;
  readonly report: ModuleReport;
  /** Paths and sizes; the bytes are in the blob store. */
  readonly files: readonly { path: string; bytes: number; digest: string }[];
  readonly compile: { readonly wallMs: number; readonly cpuMs: number; readonly artefactBytes: number };
  readonly install: InstallReport;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** What a description adds: the version's Proto-Faaslet in the store, once it is there. */
  readonly snapshot?: StoredSnapshot;
}

/** A Proto-Faaslet in the store: its size and what its pieces take, shared ones included; or why there is none. */
export type StoredSnapshot = { readonly bytes: number; readonly storedBytes: number } | { readonly hindrance: string };

/** A version in a function's history. */
export interface VersionSummary {
  readonly version: number;
  readonly isLive: boolean;
  /** Of the module. */
  readonly digest: string;
  readonly bytes: number;
  readonly createdAt: string;
}

/** What `PUT /v1/functions/{name}` and `faaslet deploy` hand in. */
export interface DeployRequest {
  readonly tenant: string;
  readonly name: string;
  readonly wasm: Uint8Array;
  /** As the client wrote them; validated here. */
  readonly settings: unknown;
  readonly files: readonly GuestFile[];
  /** Checks, compiles and initialises, but stores nothing. */
  readonly dryRun?: boolean;
}

export interface DeployResult {
  /** `unchanged`: the same module, files and settings were live already; nothing was compiled or stored. */
  readonly outcome: "created" | "updated" | "unchanged" | "dry-run";
  readonly record: FunctionRecord;
}

/** What a call needs, found without waiting. */
export interface LiveFunction {
  /** The `FunctionImage.id` it has in the worker group. */
  readonly functionId: number;
  readonly record: FunctionRecord;
}

/** All that a deploy of the live version was made of. */
export interface FunctionBundle {
  readonly record: FunctionRecord;
  readonly wasm: Uint8Array;
  readonly files: readonly GuestFile[];
}

/** What the metrics say of a registry. */
export interface RegistryStats {
  readonly functions: number;
  /** As stored, compressed where that is kept; all tenants. */
  readonly storedBytes: number;
  /** Times that something stored was not what had been stored. */
  readonly alarms: number;
  readonly compilations: number;
  readonly snapshots: SnapshotCounts;
  /** Of all tenants, as stored. */
  readonly snapshotBytes: number;
}

/** Proto-Faaslets that were stored, served instead of an initialiser, refused since they were altered, and not stored by a fault. */
export interface SnapshotCounts {
  readonly made: number;
  readonly loaded: number;
  readonly refused: number;
  readonly failed: number;
}

/** The functions of this host. */
export interface FunctionRegistry {
  /** Rejects with the upload's error code and all problems in `details`. */
  deploy(request: DeployRequest): Promise<DeployResult>;
  /** The live version, or undefined; synchronous since every call asks. */
  live(tenant: string, name: string): LiveFunction | undefined;
  /** As `live`, but also brings back a function that a restarted host has not loaded yet. */
  ready(tenant: string, name: string): Promise<LiveFunction | undefined>;
  list(tenant: string): Promise<FunctionRecord[]>;
  describe(tenant: string, name: string): Promise<FunctionRecord | undefined>;
  /** Newest first; undefined when there is no such function. */
  versions(tenant: string, name: string): Promise<VersionSummary[] | undefined>;
  /**
   * Makes an older or newer version live again, by default the one before the live one. `ERR_NOT_FOUND` for a function or
   * version that is not there, `ERR_CONFLICT` when there is nothing to go back to.
   */
  rollback(tenant: string, name: string, version?: number): Promise<FunctionRecord>;
  /** What the live version was deployed from, to be deployed elsewhere. */
  bundle(tenant: string, name: string): Promise<FunctionBundle | undefined>;
  /** A new version with some settings changed: those that are named. */
  change(tenant: string, name: string, settings: Readonly<Record<string, unknown>>): Promise<DeployResult>;
  /** True when there was one. */
  remove(tenant: string, name: string): Promise<boolean>;
  stats(): RegistryStats;
  close(): Promise<void>;
}
