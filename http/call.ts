/** `ANY /function/{name}[.{tenant}][/*]`: the hot path. It sees the URL as a string and touches each header once. */
import { assert, FaasletError } from "../errors.ts";
import type { FunctionRegistry, LiveFunction, StartKind } from "../runtime/mod.ts";
import { answerOf, answerWithoutCall } from "./answer.ts";
import { type CgiEnvironment, cgiEnvironment } from "./cgi.ts";
import type { AppContext, RequestInfo } from "./context.ts";
import { parseFunctionName } from "./names.ts";
import { addCors, preflightAnswer } from "./cors.ts";
import type { Origin } from "./origins.ts";

/** The path below which functions are called. */
export const CALL_PREFIX = "/function/";

/** A client that goes away is noticed this late; a call that is over by then never asks for its abort signal. */
export const CLIENT_TICK_MS = 10;

/** A call's URL, taken apart. */
export interface Target {
  readonly tenant: string;
  readonly name: string;
  readonly scriptName: string;
  readonly pathInfo: string;
  readonly query: string;
}

/** Runs the function that the URL names and answers with its output, or with a problem; never rejects. */
export async function answerCall(
  context: AppContext,
  request: Request,
  info: RequestInfo,
  origin: Origin,
): Promise<Response> {
  const { registry, dispatcher, bodies, outbox, clients, clock } = context;
  const arrivedMs = clock.now();
  const callId = dispatcher.newCallId();
  let live: LiveFunction | undefined;
  let held = 0;
  try {
    const target = parseTarget(request.url, origin.prefix.length);
    live = registry.live(target.tenant, target.name) ?? await load(registry, target);
    if (dispatcher.isDraining) {
      throw new FaasletError("ERR_DRAINING", "cannot take the call: shutting down");
    }
    const preflight = preflightAnswer(request, live);
    if (preflight !== undefined) return preflight;
    outbox.checkRoom();
    const start = parseStart(request.headers.get("x-start"));
    const input = await bodies.read(request, live.record.settings.inputBytes);
    held = input.length;
    // Reading took time: the version of before may be gone.
    live = registry.live(target.tenant, target.name) ?? live;
    const environment = environmentOf(live, { request, info, origin, target, inputBytes: input.length });
    if (environment !== undefined) {
      // Tens of thousands of calls may wait, each with a head of its own.
      bodies.hold(environment.bytes);
      held += environment.bytes;
    }
    const pending = dispatcher.call({
      live,
      input,
      callId,
      ...(environment && { environment: environment.variables }),
      ...(start && { start }),
    });
    let hasBeenSeen = false;
    const laggard = clients.add(() => {
      // The first tick may come right after the call did, and nearly all are over before another.
      if (!hasBeenSeen) return hasBeenSeen = true;
      cancelWhenGone(request, () => dispatcher.cancel(callId));
      return false;
    });
    const result = await pending;
    clients.remove(laggard);
    if (result.error?.code === "ERR_BUG") {
      context.logger.error("call failed: {message}", { callId, function: live.record.name, ...result.error });
    }
    return addCors(answerOf(result, live, outbox), request, live);
  } catch (thrown) {
    if (!(thrown instanceof FaasletError) || thrown.code === "ERR_BUG") {
      context.logger.error("call failed: {thrown}", { callId, function: live?.record.name, thrown });
    }
    return answerWithoutCall(thrown, callId, clock.now() - arrivedMs, live);
  } finally {
    bodies.release(held);
  }
}

/** Takes the URL apart; `pathAt` is where its path begins, which begins with `prefix`. Throws `ERR_NAME_INVALID`. */
export function parseTarget(url: string, pathAt: number, prefix: string = CALL_PREFIX): Target {
  const nameAt = pathAt + prefix.length;
  assert(url.startsWith(prefix, pathAt), "only calls come here");
  const questionAt = url.indexOf("?", nameAt);
  const pathEnd = questionAt < 0 ? url.length : questionAt;
  const slashAt = url.indexOf("/", nameAt);
  const nameEnd = slashAt < 0 || slashAt > pathEnd ? pathEnd : slashAt;
  const { tenant, name } = parseFunctionName(url.slice(nameAt, nameEnd));
  return {
    tenant,
    name,
    scriptName: url.slice(pathAt, nameEnd),
    pathInfo: url.slice(nameEnd, pathEnd),
    query: questionAt < 0 ? "" : url.slice(questionAt + 1),
  };
}

/** The live version, once it is loaded. Throws `ERR_NOT_FOUND`, the same for an unknown function and an unknown tenant. */
export async function load(registry: FunctionRegistry, { tenant, name }: Target): Promise<LiveFunction> {
  const live = await registry.ready(tenant, name);
  if (live !== undefined) return live;
  throw new FaasletError("ERR_NOT_FOUND", `cannot call ${name}: there is no such function`);
}

function parseStart(header: string | null): StartKind | undefined {
  if (header === null) return undefined;
  if (header === "cold" || header === "proto" || header === "warm") return header;
  throw new FaasletError("ERR_REQUEST_INVALID", "cannot read X-Start: it is cold, proto or warm");
}

/** What a function is told of its request; undefined for one that does without. */
export function environmentOf(
  { record }: LiveFunction,
  { request, info, origin, target, inputBytes }: {
    readonly request: Request;
    readonly info: RequestInfo;
    readonly origin: Origin;
    readonly target: Target;
    readonly inputBytes: number;
  },
): CgiEnvironment | undefined {
  if (!record.settings.cgi) return undefined;
  return cgiEnvironment({
    method: request.method,
    headers: request.headers,
    origin,
    remoteAddress: info.remoteAddr.hostname,
    scriptName: target.scriptName,
    pathInfo: target.pathInfo,
    query: target.query,
    inputBytes,
  });
}

function cancelWhenGone(request: Request, cancel: () => void): void {
  const { signal } = request;
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
}
