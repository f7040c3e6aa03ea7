/**
 * The one grammar of function and tenant names: a DNS label in lower case (RFC 1123), so that a name fits a host name,
 * a path segment, a file name and a metric label without escaping, and no two names differ by case alone.
 *
 * @module
 */
import { FaasletError } from "./errors.ts";
import { HOST_LIMITS } from "./limits.ts";

/** The tenant of whoever names none. */
export const DEFAULT_TENANT = "default";

const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** The grammar in words, for messages. */
export const NAME_GRAMMAR =
  `1 to ${HOST_LIMITS.nameBytesMax} of a-z, 0-9 and "-", with a letter or digit first and last`;

/** True when `text` is a name. */
export function isName(text: string): boolean {
  return text.length <= HOST_LIMITS.nameBytesMax && NAME.test(text);
}

/** Returns `text` when it is a name. Throws `ERR_NAME_INVALID`, which quotes no more of it than fits a line. */
export function checkName(text: string): string {
  if (isName(text)) return text;
  const shown = JSON.stringify(text.length > 80 ? text.slice(0, 80) + "…" : text);
  throw new FaasletError("ERR_NAME_INVALID", `cannot use the name ${shown}: a name is ${NAME_GRAMMAR}`);
}
