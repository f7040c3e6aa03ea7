/**
 * How callers name a function: `name`, or `name.tenant`, each by the grammar of `names.ts`.
 *
 * @module
 */
import { checkName, DEFAULT_TENANT, isName } from "../names.ts";

/** A function as callers name it. */
export interface FunctionName {
  readonly tenant: string;
  readonly name: string;
}

/** What OpenFaaS's clients call the namespace of whoever names none. */
export const OPENFAAS_NAMESPACE = "openfaas-fn";

/** Reads `name` or `name.tenant`. Throws `ERR_NAME_INVALID`. */
export function parseFunctionName(text: string): FunctionName {
  const dot = text.indexOf(".");
  if (dot < 0) return { tenant: DEFAULT_TENANT, name: checkName(text) };
  if (isName(text.slice(0, dot)) && isName(text.slice(dot + 1))) {
    const tenant = text.slice(dot + 1);
    return { tenant: tenant === OPENFAAS_NAMESPACE ? DEFAULT_TENANT : tenant, name: text.slice(0, dot) };
  }
  return { tenant: DEFAULT_TENANT, name: checkName(text) };
}
