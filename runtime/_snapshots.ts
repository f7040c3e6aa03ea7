/**
 * Proto-Faaslets at rest: a host that starts again serves a function from what its initialiser left, without running it. Each
 * belongs to one version and to the program and processor that made it; what was altered, or is another's, is refused, and the
 * initialiser runs.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { FaasletError } from "../errors.ts";
import { SNAPSHOT_LIMITS } from "../limits.ts";
import { KEYS, type Kv, SnapshotChunks, type SnapshotOwner, stored } from "../state/mod.ts";
import { InOrder } from "./_in_order.ts";
import type { FunctionRecord, SnapshotCounts, StoredSnapshot } from "./registry.ts";
import type { Seals } from "./_seals.ts";
import type { InstallReport, SnapshotExport } from "./worker_group.ts";

/** A snapshot as a value of the store. */
interface SnapshotEntry {
  /** Program, engine and processor that made it. */
  readonly engine: string;
  /** Digest of all that the initialiser saw. */
  readonly of: string;
  readonly bytes: number;
  /** Of its pieces, those that it shares included. */
  readonly storedBytes: number;
  readonly digests: Uint8Array;
  /** False while its pieces are being written. */
  readonly isWhole: boolean;
  /** Why there is none. */
  readonly hindrance?: string;
  readonly seal: Uint8Array;
}

export interface SnapshotsOptions {
  readonly kv: Kv;
  readonly seals: Seals;
  readonly engine: string;
  readonly onAlarm: (what: string) => void;
  /** Default to `SNAPSHOT_LIMITS`. */
  readonly bytesMax?: number;
  readonly storedBytesMax?: number;
}

export class Snapshots {
  readonly #kv: Kv;
  readonly #seals: Seals;
  readonly #engine: string;
  readonly #onAlarm: (what: string) => void;
  readonly #chunks: SnapshotChunks;
  readonly #bytesMax: number;
  readonly #storedBytesMax: number;
  /** By tenant: pieces are written and reclaimed one after another. */
  readonly #order = new InOrder();
  /** Tenants of whose pieces some were found damaged. */
  readonly #damaged = new Set<string>();
  readonly #storedBytes = new Map<string, number>();
  readonly #counts = { made: 0, loaded: 0, refused: 0, failed: 0 };

  constructor({ kv, seals, engine, onAlarm, bytesMax, storedBytesMax }: SnapshotsOptions) {
    this.#kv = kv;
    this.#seals = seals;
    this.#engine = engine;
    this.#onAlarm = onAlarm;
    this.#chunks = new SnapshotChunks(kv);
    this.#bytesMax = bytesMax ?? SNAPSHOT_LIMITS.bytesMax;
    this.#storedBytesMax = storedBytesMax ?? SNAPSHOT_LIMITS.storedBytesMax;
  }

  get counts(): SnapshotCounts {
    return { ...this.#counts };
  }

  /** The snapshot of a version, if there is one that this host can use; what was altered counts as refused. */
  async read(record: FunctionRecord): Promise<Uint8Array | undefined> {
    const entry = await this.#entry(record);
    if (entry === undefined) return undefined;
    if (entry === "altered" || entry.of !== digestOf(record)) return this.#refuse(record, "it is not what was stored");
    if (!entry.isWhole || entry.engine !== this.#engine) return undefined;
    try {
      return await this.#chunks.get(record.tenant, entry.digests, entry.bytes);
    } catch (thrown) {
      if (thrown instanceof FaasletError && thrown.code === "ERR_ARTEFACT") return this.#refuse(record, thrown.message);
      throw thrown;
    }
  }

  /** Counts what an installation made of a snapshot that it was given. */
  used(record: FunctionRecord, report: InstallReport): void {
    if (report.isFromSnapshot) this.#counts.loaded++;
    if (report.snapshotRefused !== undefined) this.#refuse(record, report.snapshotRefused);
  }

  /**
   * Stores what a version's initialiser left, in the background: `take` gives it, `isStored` says whether the version is still
   * there. Nobody waits for it, and whatever fails, the initialiser runs again.
   */
  keep(record: FunctionRecord, take: (bytesMax: number) => Promise<SnapshotExport>, isStored: () => boolean): void {
    void this.#order.run(record.tenant, async () => {
      try {
        if (isStored()) await this.#keep(record, take, isStored);
      } catch {
        // The function was removed meanwhile, the group closed, or the store is full.
        if (isStored()) this.#counts.failed++;
      }
    });
  }

  /** What is stored of a version, for people. */
  async describe(record: FunctionRecord): Promise<StoredSnapshot | undefined> {
    const entry = await this.#entry(record);
    if (entry === undefined || entry === "altered") return undefined;
    const { bytes, storedBytes, isWhole, hindrance } = entry;
    if (hindrance !== undefined) return { hindrance };
    return isWhole ? { bytes, storedBytes } : undefined;
  }

  /** Reclaims what a version's snapshot takes. */
  async drop(owner: SnapshotOwner): Promise<void> {
    await this.#order.run(owner.tenant, () => this.#drop(owner));
  }

  /** What a tenant's snapshots take, as stored; known once it was measured. */
  storedBytes(tenant: string): number {
    return this.#storedBytes.get(tenant) ?? 0;
  }

  async measure(tenant: string): Promise<number> {
    const bytes = await this.#chunks.storedBytes(tenant);
    this.#storedBytes.set(tenant, bytes);
    return bytes;
  }

  /** Resolves when all that was asked for is done. */
  settled(): Promise<void> {
    return this.#order.settled();
  }

  async #keep(
    record: FunctionRecord,
    take: (bytesMax: number) => Promise<SnapshotExport>,
    goesOn: () => boolean,
  ): Promise<void> {
    const { bytes, hindrance } = await take(this.#bytesMax);
    if (bytes === undefined && hindrance === undefined) return;
    await this.#drop(record);
    const entry = {
      engine: this.#engine,
      of: digestOf(record),
      bytes: bytes?.length ?? 0,
      storedBytes: 0,
      digests: new Uint8Array(0),
      isWhole: false,
    };
    const isFull = await this.measure(record.tenant) + entry.bytes > this.#storedBytesMax;
    if (bytes === undefined || isFull) {
      const why = hindrance ?? "the tenant's snapshots fill their room";
      return await this.#set(record, { ...entry, bytes: 0, hindrance: why });
    }
    const digests = await this.#chunks.digests(bytes);
    // Before the first piece: whatever interrupts this, the pieces are found.
    await this.#set(record, { ...entry, digests });
    // Pieces that another version has as well may be those that were found damaged.
    const renew = this.#damaged.has(record.tenant);
    const storedBytes = await this.#chunks.put(record, bytes, digests, { renew, goesOn });
    if (!goesOn()) return await this.#drop(record);
    await this.#set(record, { ...entry, digests, storedBytes, isWhole: true });
    await this.measure(record.tenant);
    this.#counts.made++;
  }

  async #set(owner: SnapshotOwner, entry: Omit<SnapshotEntry, "seal">): Promise<void> {
    const seal = this.#seals.make(placeOf(owner, entry), entry.digests);
    await stored(() => this.#kv.set(keyOf(owner), { ...entry, seal }));
  }

  async #drop(owner: SnapshotOwner): Promise<void> {
    const entry = await this.#entry(owner);
    if (entry === undefined) return;
    await this.#chunks.drop(owner, entry === "altered" ? undefined : entry.digests);
    await stored(() => this.#kv.delete(keyOf(owner)));
    await this.measure(owner.tenant);
  }

  async #entry(owner: SnapshotOwner): Promise<SnapshotEntry | "altered" | undefined> {
    const { value } = await stored(() => this.#kv.get<Partial<SnapshotEntry>>(keyOf(owner)));
    if (value === null) return undefined;
    const { digests, seal } = value;
    if (!(digests instanceof Uint8Array) || !this.#seals.fits(placeOf(owner, value), digests, seal)) return "altered";
    return value as SnapshotEntry;
  }

  #refuse({ tenant, name, version }: FunctionRecord, why: string): undefined {
    this.#counts.refused++;
    this.#damaged.add(tenant);
    this.#onAlarm(`the snapshot of version ${version} of ${name} is refused: ${why}`);
  }
}

function keyOf({ tenant, name, version }: SnapshotOwner): Deno.KvKey {
  return KEYS.snapshot(tenant, name, version);
}

/** All of an entry but its digests is part of the place that it is sealed for. */
function placeOf({ tenant, name, version }: SnapshotOwner, entry: Partial<SnapshotEntry>): string[] {
  const { engine, of, bytes, storedBytes, isWhole, hindrance } = entry;
  return [
    "snapshot",
    tenant,
    name,
    String(version),
    JSON.stringify([engine, of, bytes, storedBytes, isWhole, hindrance]),
  ];
}

/** Of what an initialiser may have seen: another module, setting or file makes another. */
function digestOf({ report, settings, files }: FunctionRecord): string {
  const seen = JSON.stringify([report.digest, report.plan, settings, files]);
  return createHash("sha256").update(seen).digest("hex");
}
