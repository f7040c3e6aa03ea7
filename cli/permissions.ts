/**
 * A compiled program has its permissions baked in, and they cannot name paths that are known only when it runs: so it has all
 * of them, and gives up what its subcommand does not need before anything else.
 *
 * @module
 */
import type { Need, Verb } from "./verb.ts";

/** Every permission there is. */
export const PERMISSIONS: readonly Need[] = ["read", "write", "net", "env", "run", "sys", "ffi"];

/** What asks a host and shows the answer: input and settings are files, options come from the environment. */
export const CLIENT_NEEDS: readonly Need[] = ["read", "net", "env"];
/** What loads the add-on: it is unpacked to a file first, whose owner is looked at. */
export const ADD_ON_NEEDS: readonly Need[] = ["read", "write", "env", "ffi", "sys"];

/** True for a client of a host; what loads the add-on is one itself, or needs none. */
export function asksHost(needs: readonly Need[] = CLIENT_NEEDS): boolean {
  return needs.includes("net") && !needs.includes("ffi");
}

/** Gives up what the subcommand does not need; it cannot be had again. */
export function giveUp(verb: Verb): void {
  const needs = verb.needs ?? CLIENT_NEEDS;
  for (const name of PERMISSIONS) if (!needs.includes(name)) Deno.permissions.revokeSync({ name });
}
