/**
 * Records of things that happened, many in one value: a ring in the store, whose oldest segments go when there are too many
 * records, too many bytes, or when they are too old.
 *
 * @module
 */
import { promisify } from "node:util";
import { constants, deflateRaw, inflateRaw } from "node:zlib";
import { chunkAt, CHUNKS_PER_COMMIT, chunksOf } from "./_chunks.ts";
import { KEYS } from "./keys.ts";
import { type Kv, stored } from "./kv.ts";

const deflate = promisify(deflateRaw) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;
const inflate = promisify(inflateRaw) as (bytes: Uint8Array, options: object) => Promise<Uint8Array>;

/** Of a segment before it is compressed: it fits one commit however badly it compresses. */
const SEGMENT_BYTES_MAX = 600_000;
/** Of a segment after it is expanded: a damaged one must not fill the memory. */
const EXPANDED_BYTES_MAX = 16 * 1024 * 1024;

/** How much is kept of each kind. */
export interface RecordLogLimits {
  readonly recordsMax: number;
  readonly bytesMax: number;
  readonly keptMs: Readonly<Record<string, number>>;
}

interface Segment {
  readonly tenant: string;
  readonly kind: string;
  readonly id: string;
  readonly records: number;
  readonly bytes: number;
  readonly atMs: number;
}

/** The first chunk's neighbour: what a segment is. */
interface SegmentHead {
  readonly records: number;
  readonly bytes: number;
  readonly atMs: number;
  readonly chunks: number;
}

export class RecordLog {
  readonly #kv: Kv;
  readonly #limits: RecordLogLimits;
  /** Oldest first. */
  #segments: Segment[] = [];
  #lastId = 0;

  private constructor(kv: Kv, limits: RecordLogLimits) {
    this.#kv = kv;
    this.#limits = limits;
  }

  /** Opens it; reads which segments there are. */
  static async open(kv: Kv, limits: RecordLogLimits): Promise<RecordLog> {
    const log = new RecordLog(kv, limits);
    for await (const { key: [, tenant] } of kv.list({ prefix: KEYS.callTenants() })) {
      const owner = String(tenant);
      for await (const { key, value } of kv.list<SegmentHead | Uint8Array>({ prefix: KEYS.segments(owner) })) {
        if (key.at(-1) !== 0) continue;
        const [kind, id] = [String(key.at(-3)), String(key.at(-2))];
        const { records, bytes, atMs } = value as SegmentHead;
        log.#segments.push({ tenant: owner, kind, id, records, bytes, atMs });
        log.#lastId = Math.max(log.#lastId, Number.parseInt(id, 36));
      }
    }
    log.#segments.sort((a, b) => (a.id < b.id ? -1 : 1));
    return log;
  }

  /** Adds records, each a line of JSON, and forgets what is too much or too old then. */
  async append(tenant: string, kind: string, lines: readonly string[], nowMs: number): Promise<void> {
    await stored(() => this.#kv.set(KEYS.callTenant(tenant), true));
    let from = 0;
    while (from < lines.length) {
      let bytes = 0;
      let to = from;
      while (to < lines.length && (to === from || bytes + lines[to]!.length <= SEGMENT_BYTES_MAX)) {
        bytes += lines[to++]!.length + 1;
      }
      await this.#write(tenant, kind, lines.slice(from, to), nowMs);
      from = to;
    }
    await this.#prune(kind, nowMs);
  }

  /** Every record, oldest first; a damaged segment is left out. */
  async *read(): AsyncGenerator<string> {
    for (const segment of [...this.#segments]) {
      const text = await this.#textOf(segment);
      for (const line of text?.split("\n") ?? []) if (line !== "") yield line;
    }
  }

  async #write(tenant: string, kind: string, lines: readonly string[], atMs: number): Promise<void> {
    const packed = await deflate(new TextEncoder().encode(lines.join("\n")), { level: constants.Z_BEST_SPEED });
    const id = (++this.#lastId).toString(36).padStart(10, "0");
    const chunks = chunksOf(packed.length);
    // One record may be larger than a segment; then its chunks are more than one commit, and the head comes last.
    for (let first = 0; first < chunks; first += CHUNKS_PER_COMMIT) {
      const commit = this.#kv.atomic();
      for (let index = first; index < Math.min(chunks, first + CHUNKS_PER_COMMIT); index++) {
        commit.set(KEYS.segment(tenant, kind, id, index + 1), chunkAt(packed, index));
      }
      if (first + CHUNKS_PER_COMMIT >= chunks) {
        const head: SegmentHead = { records: lines.length, bytes: packed.length, atMs, chunks };
        commit.set(KEYS.segment(tenant, kind, id, 0), head);
      }
      await stored(() => commit.commit());
    }
    this.#segments.push({ tenant, kind, id, records: lines.length, bytes: packed.length, atMs });
  }

  async #prune(kind: string, nowMs: number): Promise<void> {
    const { recordsMax, bytesMax, keptMs } = this.#limits;
    const ofKind = this.#segments.filter((segment) => segment.kind === kind);
    let records = ofKind.reduce((sum, segment) => sum + segment.records, 0);
    let bytes = ofKind.reduce((sum, segment) => sum + segment.bytes, 0);
    for (const segment of ofKind) {
      const isTooMuch = records - segment.records >= recordsMax || bytes > bytesMax;
      const isTooOld = nowMs - segment.atMs > (keptMs[kind] ?? Infinity);
      if (!isTooMuch && !isTooOld) return;
      records -= segment.records;
      bytes -= segment.bytes;
      await this.#remove(segment);
    }
  }

  async #remove(segment: Segment): Promise<void> {
    const { tenant, kind, id } = segment;
    const commit = this.#kv.atomic();
    for await (const { key } of this.#kv.list({ prefix: KEYS.segmentOf(tenant, kind, id) })) commit.delete(key);
    await stored(() => commit.commit());
    this.#segments = this.#segments.filter((one) => one !== segment);
  }

  async #textOf({ tenant, kind, id, bytes }: Segment): Promise<string | undefined> {
    const packed = new Uint8Array(bytes);
    let at = 0;
    for await (const { key, value } of this.#kv.list<Uint8Array>({ prefix: KEYS.segmentOf(tenant, kind, id) })) {
      if (key.at(-1) === 0 || at + value.length > bytes) continue;
      packed.set(value, at);
      at += value.length;
    }
    try {
      return new TextDecoder().decode(await inflate(packed, { maxOutputLength: EXPANDED_BYTES_MAX }));
    } catch {
      return undefined;
    }
  }
}
