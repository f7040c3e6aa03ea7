/**
 * The store: Deno KV in a file, or in memory for tests.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";
import { KEYS, SCHEMA_VERSION } from "./keys.ts";

/** The part of Deno KV that is used; tests put faults in between. */
export type Kv = Pick<Deno.Kv, "get" | "getMany" | "set" | "delete" | "list" | "atomic" | "close">;

/** What state needs beside it: to wait for others' writes, and to order by them. */
export type StateKv = Kv & Pick<Deno.Kv, "watch" | "commitVersionstamp">;

/** The oldest layout that is brought up to date; see `migrated`. */
const SCHEMA_VERSION_MIN = 1;

/**
 * Opens the store at a path, or one in memory (`:memory:`). An older layout is left as it is: whoever owns the records
 * rewrites them and calls `migrated`. Throws `ERR_STORAGE`, also for a layout that this program does not know: nothing
 * has been written to it then.
 */
export async function openKv(path: string): Promise<Deno.Kv> {
  const kv = await stored(() => Deno.openKv(path));
  try {
    const version = await schemaOf(kv);
    if (version === undefined) await stored(() => kv.set(KEYS.schema(), SCHEMA_VERSION));
    else if (!Number.isInteger(version) || version < SCHEMA_VERSION_MIN || version > SCHEMA_VERSION) {
      const known = `this program's is ${SCHEMA_VERSION}`;
      const cure = version > SCHEMA_VERSION ? "; use the newer program that wrote it, or another data directory" : "";
      throw new FaasletError(
        "ERR_STORAGE",
        `cannot use the store at ${path}: its layout is version ${version}, ${known}${cure}`,
      );
    }
    return kv;
  } catch (thrown) {
    kv.close();
    throw thrown;
  }
}

/** The layout that a store has; undefined for one that is new. */
export async function schemaOf(kv: Kv): Promise<number | undefined> {
  const { value, versionstamp } = await stored(() => kv.get<number>(KEYS.schema()));
  return versionstamp === null ? undefined : Number(value);
}

/** Says that every record has today's layout. */
export async function migrated(kv: Kv): Promise<void> {
  await stored(() => kv.set(KEYS.schema(), SCHEMA_VERSION));
}

/** Runs `action`; whatever the store throws becomes `ERR_STORAGE`. */
export async function stored<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof FaasletError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FaasletError("ERR_STORAGE", `the store failed: ${message}`, { cause });
  }
}
