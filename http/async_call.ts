/** `POST /async-function/{name}[.{tenant}][/*]`: a call that is accepted now and runs when there is room. */
import { FaasletError } from "../errors.ts";
import { CALL_LIMITS } from "../limits.ts";
import type { LiveFunction } from "../runtime/mod.ts";
import { environmentOf, load, parseTarget } from "./call.ts";
import type { AppContext, RequestInfo } from "./context.ts";
import type { Origin } from "./origins.ts";
import { problemOfThrown, problemResponse } from "./problem.ts";

/** The path below which functions are called asynchronously. */
export const ASYNC_PREFIX = "/async-function/";

/** Accepts a call and says where its life can be followed: 202 once it is on disk. Never rejects. */
export async function answerAsyncCall(
  context: AppContext,
  request: Request,
  info: RequestInfo,
  origin: Origin,
): Promise<Response> {
  const { registry, bodies, calls, logger } = context;
  let input: Uint8Array | undefined;
  let live: LiveFunction | undefined;
  try {
    const target = parseTarget(request.url, origin.prefix.length, ASYNC_PREFIX);
    live = registry.live(target.tenant, target.name) ?? await load(registry, target);
    const idempotencyKey = readKey(request.headers.get("idempotency-key"));
    input = await bodies.read(request, live.record.settings.inputBytes);
    live = registry.live(target.tenant, target.name) ?? live;
    const environment = environmentOf(live, { request, info, origin, target, inputBytes: input.length });
    const { callId, isReplay } = await calls.submit({
      live,
      input,
      environment: environment?.variables ?? {},
      environmentBytes: environment?.bytes ?? 0,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    });
    const location = `/v1/calls/${callId}`;
    const headers = new Headers({ "x-call-id": callId, location });
    // So that a client can tell a call of its own from the one that its key stood for already.
    if (isReplay) headers.set("idempotency-replayed", "true");
    return Response.json({ callId, location }, { status: 202, headers });
  } catch (thrown) {
    if (!(thrown instanceof FaasletError) || thrown.code === "ERR_BUG") {
      logger.error("cannot accept a call: {thrown}", { function: live?.record.name, thrown });
    }
    return problemResponse(problemOfThrown(thrown));
  } finally {
    if (input !== undefined) bodies.release(input.length);
  }
}

function readKey(header: string | null): string | undefined {
  if (header === null) return undefined;
  if (header.length > 0 && header.length <= CALL_LIMITS.idempotencyKeyBytesMax) return header;
  const limit = CALL_LIMITS.idempotencyKeyBytesMax;
  throw new FaasletError("ERR_REQUEST_INVALID", `cannot use the Idempotency-Key: it has 1 to ${limit} bytes`);
}
