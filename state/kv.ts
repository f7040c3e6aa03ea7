/**
 * The store: Deno KV in a file, or in memory for tests.
 *
 * @module
 */
import { FaasletError } from "../errors.ts";
import { KEYS, SCHEMA_VERSION } from "./keys.ts";

/** The part of Deno KV that is used; tests put faults in between. */
export type Kv = Pick<Deno.Kv, "get" | "getMany" | "set" | "delete" | "list" | "atomic" | "close">;

/** Opens the store at a path, or one in memory (`:memory:`). Throws `ERR_STORAGE`. */
export async function openKv(path: string): Promise<Deno.Kv> {
  const kv = await stored(() => Deno.openKv(path));
  const { value, versionstamp } = await stored(() => kv.get<number>(KEYS.schema()));
  if (versionstamp === null) {
    await stored(() => kv.set(KEYS.schema(), SCHEMA_VERSION));
  } else if (value !== SCHEMA_VERSION) {
    kv.close();
    throw new FaasletError(
      "ERR_STORAGE",
      `cannot use the store at ${path}: its layout is version ${value}, this program's is ${SCHEMA_VERSION}`,
    );
  }
  return kv;
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
