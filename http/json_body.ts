import { FaasletError } from "../errors.ts";
import type { AppContext } from "./context.ts";

/** Settings are some kilobytes at most; an environment may be larger. */
const OBJECT_BYTES_MAX = 1_024 * 1_024;

/** A small JSON object; an empty body is an empty one. Throws `ERR_REQUEST_INVALID`, `ERR_REQUEST_TOO_LARGE`. */
export async function readObject(context: AppContext, request: Request): Promise<Record<string, unknown>> {
  const body = await context.bodies.read(request, OBJECT_BYTES_MAX);
  try {
    const value: unknown = body.length === 0 ? {} : JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    /* answered below */
  } finally {
    context.bodies.release(body.length);
  }
  throw new FaasletError("ERR_REQUEST_INVALID", "cannot read the body: it is not a JSON object");
}
