/** The HTTP interface, assembled. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { toFaasletError } from "../errors.ts";
import type { FunctionRegistry } from "../runtime/mod.ts";
import { type AsyncCalls, CallHistory, type CallRecorder, type Clock, type Dispatcher } from "../scheduler/mod.ts";
import type { SharedFiles } from "../state/mod.ts";
import { answerAsyncCall, ASYNC_PREFIX } from "./async_call.ts";
import { Bodies, type BodyLimits } from "./body.ts";
import { answerCall, CALL_PREFIX, CLIENT_TICK_MS } from "./call.ts";
import { addCalls } from "./calls.ts";
import type { AppContext, Logger, RequestInfo, StoreStats } from "./context.ts";
import { addDocs } from "./docs.ts";
import { addFaasm } from "./faasm.ts";
import { addFiles } from "./files.ts";
import { addFunctions } from "./functions.ts";
import { addHealth } from "./health.ts";
import { Laggards } from "./laggards.ts";
import { addMetrics } from "./metrics.ts";
import { addOpenFaas } from "./openfaas.ts";
import { Origins } from "./origins.ts";
import { Outbox, type OutboxLimits } from "./outbox.ts";
import type { GlobalTier } from "../state/mod.ts";
import { problemOf, problemOfThrown, problemResponse } from "./problem.ts";
import { addState } from "./state.ts";
import type { LocalState } from "./state_list.ts";

/** What an app is made of. */
export interface AppOptions {
  readonly registry: FunctionRegistry;
  /** Absent where there are none. */
  readonly files?: SharedFiles;
  readonly dispatcher: Dispatcher;
  readonly calls: AsyncCalls;
  readonly recorder?: Pick<CallRecorder, "written" | "skipped">;
  readonly state: GlobalTier;
  /** For the metrics; absent where nobody counts. */
  readonly storeStats?: () => StoreStats;
  /** Where values are in memory on this host; nowhere by default. */
  readonly localState?: (tenant: string) => LocalState | undefined;
  readonly clock: Clock;
  /** Of this program, for /healthz and the metrics. */
  readonly version: string;
  readonly logger: Logger;
  /** Host names that requests may name beside loopback ones. */
  readonly hosts?: readonly string[];
  /** Defaults to `HOST_LIMITS`. */
  readonly bodyLimits?: Partial<BodyLimits>;
  /** Defaults to `HOST_LIMITS`. */
  readonly outboxLimits?: Partial<OutboxLimits>;
}

export interface App {
  /** Answers any request; never rejects. */
  readonly handler: (request: Request, info: RequestInfo) => Response | Promise<Response>;
  /** Ends answers that follow something: a server that shuts down waits for its answers. */
  endStreams(): void;
  /** Stops the app's timers. */
  close(): void;
}

/** Builds the app; nothing listens yet. */
export function createApp(options: AppOptions): App {
  const { registry, dispatcher, calls, clock, version, logger } = options;
  const context: AppContext = {
    registry,
    dispatcher,
    calls,
    history: new CallHistory(dispatcher, calls),
    recorder: options.recorder,
    state: options.state,
    storeStats: options.storeStats,
    localState: options.localState ?? (() => undefined),
    clock,
    version,
    logger,
    bodies: new Bodies(clock, options.bodyLimits),
    outbox: new Outbox(clock, options.outboxLimits),
    streams: new Set(),
    clients: new Laggards(clock, CLIENT_TICK_MS),
  };
  const origins = new Origins(options.hosts);
  const resources = buildResources(context, options.files);
  return {
    handler(request, info) {
      try {
        const origin = origins.check(request.url);
        // Calls do not pass through the router: its URL parsing and middleware cost as much as a warm call.
        const { url } = request;
        if (url.startsWith(CALL_PREFIX, origin.prefix.length)) return answerCall(context, request, info, origin);
        if (request.method === "POST" && url.startsWith(ASYNC_PREFIX, origin.prefix.length)) {
          return answerAsyncCall(context, request, info, origin);
        }
        return resources.fetch(request);
      } catch (thrown) {
        return problemResponse(problemOfThrown(thrown));
      }
    },
    endStreams() {
      for (const end of [...context.streams]) end();
    },
    close() {
      context.bodies.close();
      context.outbox.close();
      context.clients.close();
    },
  };
}

/** Everything but calls, as a router. */
export function buildResources(context: AppContext, files?: SharedFiles): OpenAPIHono {
  const app = new OpenAPIHono();
  addHealth(app, context);
  addMetrics(app, context);
  // Before the functions, whose last route answers for every path below theirs.
  addCalls(app, context);
  addFunctions(app, context);
  if (files !== undefined) addFiles(app, context, files);
  addOpenFaas(app, context);
  addFaasm(app, context);
  addState(app, context);
  addDocs(app, context);
  app.notFound(({ req }) => {
    const allowed = methodsOf(app, req.path);
    if (allowed.length === 0) {
      return problemResponse(problemOf("ERR_NOT_FOUND", `there is nothing at ${req.path}`));
    }
    const response = problemResponse(problemOf("ERR_METHOD", `cannot ${req.method} here: use ${allowed.join(", ")}`));
    response.headers.set("allow", allowed.join(", "));
    return response;
  });
  app.onError((thrown) => {
    const error = toFaasletError(thrown);
    if (error.code === "ERR_BUG") context.logger.error("request failed: {thrown}", { thrown });
    return problemResponse(problemOfThrown(error));
  });
  return app;
}

/** The methods that a path has, though not the one that was asked for. */
function methodsOf(app: OpenAPIHono, path: string): string[] {
  const segments = path.split("/");
  const methods = new Set<string>();
  for (const route of app.routes) {
    const pattern = route.path.split("/");
    const fits = pattern.length === segments.length &&
      pattern.every((part, at) => part === segments[at] || (part.startsWith(":") && segments[at] !== ""));
    if (fits) methods.add(route.method);
  }
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods].sort();
}
