/** Messages to the regions of a group in this process, over the add-on. */
import { assert, FaasletError } from "../errors.ts";
import type {
  ChunkSpan,
  LocalTier,
  PushSelection,
  RegionChanges,
  RegionInfo,
  RegionTotals,
  StateHead,
} from "../state/mod.ts";
import { coded, type CrossedError, type NativeGroup, type NativeRegion, type RegionFound } from "./native/mod.ts";

const ID_MAX = 0xffff_ffff;

export class EmbeddedRegions implements LocalTier {
  readonly #native: NativeGroup;
  readonly #checkOpen: () => void;
  readonly #waiting = new Map<number, { resolve(found: RegionFound): void; reject(error: FaasletError): void }>();
  #lastId = 0;

  constructor(native: NativeGroup, checkOpen: () => void) {
    this.#native = native;
    this.#checkOpen = checkOpen;
  }

  /** The add-on's: a region was looked through. */
  answered(id: number, found: RegionFound | CrossedError): void {
    const waiter = this.#waiting.get(id);
    assert(waiter !== undefined, "a question is answered once");
    this.#waiting.delete(id);
    if ("code" in found) waiter.reject(new FaasletError(found.code, found.message));
    else waiter.resolve(found);
  }

  async regionStat(key: string): Promise<RegionInfo | undefined> {
    const region = await this.#now(() => this.#native.regionStat(key));
    return region ? infoOf(region) : undefined;
  }

  async regions(): Promise<readonly RegionInfo[]> {
    return (await this.#now(() => this.#native.regions())).map(infoOf);
  }

  regionTotals(): Promise<RegionTotals> {
    return this.#now(() => this.#native.regionTotals());
  }

  async regionRead(key: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return await this.#now(() => this.#native.regionRead(key, offset, length)) ?? undefined;
  }

  async regionMissing(key: string, first: number, count: number): Promise<readonly ChunkSpan[] | undefined> {
    const pairs = await this.#now(() => this.#native.regionMissing(key, first, count));
    if (!pairs) return undefined;
    return Array.from({ length: pairs.length / 2 }, (_, at) => ({ first: pairs[2 * at]!, end: pairs[2 * at + 1]! }));
  }

  async regionHashes(key: string): Promise<Uint8Array | undefined> {
    const found = await this.#later((id) => this.#native.regionHashes(id, key));
    return found.isThere ? found.hashes : undefined;
  }

  regionFill(key: string, index: number, bytes: Uint8Array, keepsChanges: boolean): Promise<void> {
    return this.#now(() => this.#native.regionFill(key, index, bytes, keepsChanges));
  }

  regionCommit(key: string, { version, bytes, hashes }: StateHead, keepsChanges: boolean): Promise<void> {
    return this.#now(() => this.#native.regionCommit(key, version, bytes, hashes, keepsChanges));
  }

  regionAbortPull(key: string): Promise<void> {
    return this.#now(() => this.#native.regionAbortPull(key));
  }

  async regionBeginPush(key: string, { spans, maskKey }: PushSelection): Promise<RegionChanges | undefined> {
    const ranges = spans?.flatMap(({ first, end }) => [first, end]);
    const found = await this.#later((id) => this.#native.regionBeginPush(id, key, ranges, maskKey));
    if (!found.isThere) return undefined;
    const { bytes, baseBytes, version, hashes, chunks } = found;
    return { bytes, chunks, base: baseBytes < 0 ? undefined : { version, bytes: baseBytes, hashes } };
  }

  async regionTake(key: string, index: number): Promise<Uint8Array | undefined> {
    return await this.#now(() => this.#native.regionTake(key, index)) ?? undefined;
  }

  async regionTwin(key: string, index: number): Promise<Uint8Array | undefined> {
    return await this.#now(() => this.#native.regionTwin(key, index)) ?? undefined;
  }

  regionSettle(key: string, { version, bytes, hashes }: StateHead): Promise<void> {
    return this.#now(() => this.#native.regionSettle(key, version, bytes, hashes));
  }

  regionAbortPush(key: string): Promise<void> {
    return this.#now(() => this.#native.regionAbortPush(key));
  }

  async regionDrop(key: string): Promise<boolean> {
    return (await this.#later((id) => this.#native.regionDrop(id, key))).isThere;
  }

  regionForget(key: string): Promise<void> {
    return this.#now(() => this.#native.regionForget(key));
  }

  #now<T>(action: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#checkOpen();
      resolve(coded(action));
    });
  }

  #later(ask: (id: number) => void): Promise<RegionFound> {
    return new Promise((resolve, reject) => {
      this.#checkOpen();
      const id = this.#lastId = this.#lastId % ID_MAX + 1;
      coded(() => ask(id));
      this.#waiting.set(id, { resolve, reject });
    });
  }
}

function infoOf({ version, ...info }: NativeRegion): RegionInfo {
  return { ...info, version: version === "" ? undefined : version };
}
