/**
 * The local tier of state, as policy sees it: the regions of one worker group, in shared memory, reached by plain messages.
 *
 * The mechanism is the add-on's (`runtime/native/src/regions`): bytes, mappings, what is needed to find changes. What goes where
 * and when is decided in `residency.ts`. A group belongs to one tenant, so a key alone names a region.
 *
 * @module
 */
import type { StateHead, StateVersion } from "./global_tier.ts";

/** What there is of a value on this host. */
export interface RegionInfo {
  readonly key: string;
  /** The value's size here. */
  readonly bytes: number;
  /** How much of it is here. */
  readonly bytesHere: number;
  /** A running call has a pointer to it. */
  readonly isMapped: boolean;
  /** It may hold what was not pushed. */
  readonly mayBeChanged: boolean;
  /** What all that is here was made from, or an older version when parts are newer. Undefined: made here, and not pushed yet. */
  readonly version: StateVersion | undefined;
  /** Grows with each use of any region: the smallest was not used for longest. */
  readonly used: number;
}

/** Memory of all regions, with the copies that are kept of them. */
export interface RegionTotals {
  readonly bytes: number;
  readonly bytesMax: number;
  /** In linear memories of running calls. */
  readonly mappings: number;
}

/** Chunks `[first, end)`. */
export interface ChunkSpan {
  readonly first: number;
  readonly end: number;
}

/** What a push looks at. */
export interface PushSelection {
  /** Default: everything. */
  readonly spans?: readonly ChunkSpan[];
  /** Only bytes that are not zero in this other region are sent; they become zero. */
  readonly maskKey?: string;
}

/** What a push is to send. */
export interface RegionChanges {
  readonly bytes: number;
  /** What the value here was made from; undefined: it was made here. Chunks that are not here have no hash. */
  readonly base: StateHead | undefined;
  readonly chunks: readonly number[];
}

/** Messages to a group about its regions. They reject with `ERR_QUOTA` when there is no room. */
export interface LocalTier {
  /** Undefined: nothing is known here of a value. */
  regionStat(key: string): Promise<RegionInfo | undefined>;
  /** All values of which something is known here. */
  regions(): Promise<readonly RegionInfo[]>;
  regionTotals(): Promise<RegionTotals>;
  /** Bytes as they are here; what is not here is zero. Shorter at the value's end. */
  regionRead(key: string, offset: number, length: number): Promise<Uint8Array | undefined>;
  /** Which of `count` chunks from `first` on are not here. Undefined: nothing is known of the value. */
  regionMissing(key: string, first: number, count: number): Promise<readonly ChunkSpan[] | undefined>;
  /** A hash for each chunk that is here and as it was pulled or pushed; zeros for all others. Looks through all that may have changed. */
  regionHashes(key: string): Promise<Uint8Array | undefined>;
  /** A chunk that was pulled. It counts with the next commit. With `keepsChanges`, bytes that were changed here stay. */
  regionFill(key: string, index: number, bytes: Uint8Array, keepsChanges: boolean): Promise<void>;
  /** What was filled is of this version; the value takes its size, unless that was changed here and `keepsChanges`. */
  regionCommit(key: string, head: StateHead, keepsChanges: boolean): Promise<void>;
  /** What was filled is of no version: the pull failed. */
  regionAbortPull(key: string): Promise<void>;
  /** Begins a push. To be ended by `regionSettle` or `regionAbortPush`. Undefined: there is nothing here. */
  regionBeginPush(key: string, selection: PushSelection): Promise<RegionChanges | undefined>;
  /** A chunk as the push sends it: the same bytes until the push has ended. Undefined: it is not here. */
  regionTake(key: string, index: number): Promise<Uint8Array | undefined>;
  /** A chunk as it was where it was made from. Undefined: that was not kept. */
  regionTwin(key: string, index: number): Promise<Uint8Array | undefined>;
  /** The push has arrived, and this is the value now. */
  regionSettle(key: string, head: StateHead): Promise<void>;
  regionAbortPush(key: string): Promise<void>;
  /** Frees a region if nothing is lost by it and nobody uses it. True: there is none of the key any more. */
  regionDrop(key: string): Promise<boolean>;
  /** There is no such value any more. Running calls keep the pages they have pointers to. */
  regionForget(key: string): Promise<void>;
}
