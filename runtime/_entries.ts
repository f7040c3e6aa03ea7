/** The values of the store that make up a function: its head, and one for each version. All of them are sealed. */
import { type Blobs, KEYS } from "../state/mod.ts";
import type { Seals } from "./_seals.ts";
import { encodeVersion, type VersionContent } from "./_stored_version.ts";

/** Values of the store are 65,536 bytes at most; a larger version becomes a blob. */
const VALUE_BYTES_MAX = 60_000;

/** A version, as a value of the store. */
export interface VersionEntry {
  readonly seal: Uint8Array;
  readonly bytes?: Uint8Array;
  /** Where the bytes are when they are too many. */
  readonly blob?: string;
}

/** Which version is live, as a value of the store. */
export interface HeadEntry {
  readonly live: number;
  readonly newest: number;
  readonly seal: Uint8Array;
}

/** The value of a version; a large one's bytes are stored as a blob first. */
export async function versionEntry(content: VersionContent, seals: Seals, blobs: Blobs): Promise<VersionEntry> {
  const { tenant, name, version } = content.record;
  const bytes = encodeVersion(content);
  const seal = seals.make(placeOf(tenant, name, version), bytes);
  if (bytes.length <= VALUE_BYTES_MAX) return { seal, bytes };
  return { seal, blob: await blobs.put(tenant, bytes) };
}

/** A version's bytes if they fit their seal; undefined otherwise, and when there are none. */
export async function checkedVersion(
  [tenant, name, version]: readonly [string, string, number],
  entry: VersionEntry | null,
  seals: Seals,
  blobs: Blobs,
): Promise<Uint8Array | undefined> {
  const bytes = await bytesOf(tenant, entry, blobs);
  return bytes !== undefined && seals.fits(placeOf(tenant, name, version), bytes, entry?.seal) ? bytes : undefined;
}

/** The value of a head. */
export function headEntry(tenant: string, name: string, live: number, newest: number, seals: Seals): HeadEntry {
  return { live, newest, seal: seals.make(["function", tenant, name], headBytes(live, newest)) };
}

/** Whether a head fits its seal. */
export function isHead(tenant: string, name: string, entry: HeadEntry | null, seals: Seals): entry is HeadEntry {
  const { live, newest, seal } = entry ?? {};
  return seals.fits(["function", tenant, name], headBytes(live, newest), seal);
}

/** A tenant, function and version, out of a key that `KEYS.version` made. */
export function versionOfKey(key: Deno.KvKey): [name: string, version: number] {
  return [String(key.at(-2)), Number(key.at(-1))];
}

/** All versions of one function. */
export function versionsOf(tenant: string, name: string): Deno.KvKey {
  return [...KEYS.versions(tenant), name];
}

async function bytesOf(tenant: string, entry: VersionEntry | null, blobs: Blobs): Promise<Uint8Array | undefined> {
  if (entry?.bytes instanceof Uint8Array) return entry.bytes;
  if (typeof entry?.blob !== "string") return undefined;
  try {
    return await blobs.get(tenant, entry.blob);
  } catch {
    return undefined;
  }
}

function placeOf(tenant: string, name: string, version: number): string[] {
  return ["version", tenant, name, String(version)];
}

function headBytes(live: unknown, newest: unknown): Uint8Array {
  return new TextEncoder().encode(`${live} ${newest}`);
}
