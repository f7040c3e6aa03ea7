/** Lists of state: what the global tier has, and what is in this host's memory. */
import type { StateEntry } from "../state/mod.ts";
import type { AppContext } from "./context.ts";

/** What this host has of values in shared memory: the local tier. */
export interface LocalState {
  regions(): Promise<readonly LocalRegion[]>;
  /** Makes all of the global value be here; what was changed here and not pushed is lost. False: there is no such value. */
  pull(key: string): Promise<boolean>;
  /** Sends what functions changed here, if there is anything. False: it was not sent. */
  push(key: string): Promise<boolean>;
}

/** A value in this host's memory. */
export interface LocalRegion {
  readonly key: string;
  readonly bytes: number;
  readonly bytesHere: number;
  readonly mayBeChanged: boolean;
  readonly version: string | undefined;
}

/** Which part of a list. */
export interface PageAsked {
  readonly prefix: string;
  /** Only keys after this one. */
  readonly after: string;
  readonly limit: number;
}

const ENCODER = new TextEncoder();

/** A page of a tenant's values, in the order of their keys: those of the global tier, and those that are nowhere but here. */
export async function listState(
  { state, localState }: AppContext,
  tenant: string,
  { prefix, after, limit }: PageAsked,
) {
  const [found, here] = await Promise.all([
    Array.fromAsync(state.list(tenant, { prefix, limit, ...(after !== "" && { after }) })),
    regionsHere({ localState }, tenant),
  ]);
  const stored = found.map((entry) => viewOf(entry, here.get(entry.key)));
  for (const { key } of found) here.delete(key);
  // Beyond a full page there may be keys of the global tier that were not read.
  const end = found.length < limit ? undefined : found.at(-1)!.key;
  const isAsked = ({ key, bytes }: LocalRegion) =>
    bytes > 0 && key.startsWith(prefix) && inOrder(after, key) < 0 && (end === undefined || inOrder(key, end) < 0);
  const unstored = [...here.values()].filter(isAsked).map((region) => {
    return { key: region.key, bytes: region.bytes, here: hereOf(region, undefined) };
  });
  const all = [...stored, ...unstored].sort((one, other) => inOrder(one.key, other.key));
  const values = all.slice(0, limit);
  const isRest = end !== undefined || values.length < all.length;
  return { values, ...(isRest && { next: values.at(-1)!.key }) };
}

/** By key. */
export async function regionsHere(
  { localState }: Pick<AppContext, "localState">,
  tenant: string,
): Promise<Map<string, LocalRegion>> {
  const regions = await localState(tenant)?.regions() ?? [];
  return new Map(regions.map((region) => [region.key, region]));
}

/** A region as clients see it; `global` is the version of the value that is the global one now. */
export function hereOf({ bytesHere, mayBeChanged, version }: LocalRegion, global: string | undefined) {
  const isCurrent = version !== undefined && version === global;
  return { bytes: bytesHere, mayBeChanged, isCurrent, ...(version !== undefined && { version }) };
}

function viewOf({ writtenAtMs, ...entry }: StateEntry, region: LocalRegion | undefined) {
  return {
    ...entry,
    writtenAt: new Date(writtenAtMs).toISOString(),
    ...(region !== undefined && { here: hereOf(region, entry.version) }),
  };
}

/** As the store orders keys: by their UTF-8 bytes, which is not how JavaScript compares strings. */
function inOrder(one: string, other: string): number {
  const [a, b] = [ENCODER.encode(one), ENCODER.encode(other)];
  for (let at = 0; at < a.length && at < b.length; at++) if (a[at] !== b[at]) return a[at]! - b[at]!;
  return a.length - b.length;
}
