/** What the OpenAPI document says about `/v1/calls` and `/async-function`. */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { CALL_LIMITS } from "../limits.ts";
import { problemAnswer } from "./functions_docs.ts";

type Registry = OpenAPIHono["openAPIRegistry"];

const BINARY = z.string().openapi({ format: "binary" });

const CallSchema = z.looseObject({
  callId: z.uuid(),
  kind: z.enum(["sync", "async"]),
  tenant: z.string(),
  function: z.string(),
  version: z.int(),
  status: z.enum(["queued", "running", "ok", "guest-error", "trap", "timeout", "cancelled", "refused", "host-lost"]),
  acceptedAt: z.string().openapi({ format: "date-time" }),
  endedAt: z.string().optional().openapi({ format: "date-time" }),
  returnValue: z.int().optional(),
  error: z.object({ code: z.string(), message: z.string() }).optional(),
  start: z.enum(["cold", "proto", "warm"]).optional(),
  execUs: z.number().optional(),
  cpuUs: z.number().optional(),
  memoryBytes: z.int().optional(),
}).openapi("Call");

const CallTreeSchema = z.object({
  tree: CallSchema.openapi({ description: "With `children`, each a call with its own" }),
  cost: z.object({
    calls: z.int(),
    open: z.int(),
    failed: z.int(),
    execUs: z.number(),
    cpuUs: z.number(),
    inputBytes: z.int(),
    outputBytes: z.int(),
  }),
  isWhole: z.boolean(),
}).openapi("CallTree");

const WAIT = z.object({
  wait: z.string().optional().openapi({ description: `e.g. 30s; at most ${CALL_LIMITS.waitMsMax / 1_000} s` }),
});

/** Adds the paths to the document. */
export function documentCallResources(registry: Registry): void {
  const params = z.object({ id: z.uuid() });
  const unknown = problemAnswer("There is no such call, or it is no longer kept");
  registry.registerPath({
    method: "post",
    path: "/async-function/{name}",
    summary: "Call a function without waiting: accepted once it is on disk",
    request: {
      params: z.object({ name: z.string().openapi({ description: "`name` or `name.tenant`" }) }),
      headers: z.object({
        "idempotency-key": z.string().max(CALL_LIMITS.idempotencyKeyBytesMax).optional()
          .openapi({ description: "The same key again gives the same call" }),
      }),
      body: { content: { "application/octet-stream": { schema: BINARY } } },
    },
    responses: {
      202: { description: "Accepted; Location says where its life can be followed" },
      404: problemAnswer("There is no such function"),
      413: problemAnswer("The input is too large"),
      429: problemAnswer("The function's queue is full; come back after Retry-After"),
      507: problemAnswer("The store did not take it"),
    },
  });
  registry.registerPath({
    method: "delete",
    path: "/async-function/{id}",
    summary: "Cancel a call that has not ended",
    request: { params },
    responses: { 202: { description: "It ends as cancelled" }, 404: unknown, 409: problemAnswer("It has ended") },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/calls",
    summary: "List calls, newest first",
    request: {
      query: z.object({
        function: z.string().optional(),
        status: z.string().optional().openapi({ description: "A status, or `failed`" }),
        since: z.string().optional().openapi({ description: "A time (RFC 3339), or a duration before now, e.g. 12h" }),
        cursor: z.string().optional(),
        limit: z.int().max(CALL_LIMITS.pageMax).optional(),
      }),
    },
    responses: {
      200: {
        description: "A page; `cursor` gives the next one",
        content: {
          "application/json": { schema: z.object({ calls: z.array(CallSchema), cursor: z.string().optional() }) },
        },
      },
      400: problemAnswer("The query is wrong"),
    },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/calls/{id}",
    summary: "The life of a call; waits for its end if asked to",
    request: { params, query: WAIT },
    responses: { 200: { description: "Now", content: { "application/json": { schema: CallSchema } } }, 404: unknown },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/calls/{id}/tree",
    summary: "A call with those that it led to, and what they cost together",
    request: { params },
    responses: {
      200: {
        description: `At most ${CALL_LIMITS.treeCallsMax} calls, those that are still known`,
        content: { "application/json": { schema: CallTreeSchema } },
      },
      404: unknown,
    },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/calls/{id}/result",
    summary: "What an asynchronous call answered, raw; its problem when it failed",
    request: { params, query: WAIT },
    responses: {
      200: { description: "The output", content: { "application/octet-stream": { schema: BINARY } } },
      404: unknown,
      409: problemAnswer("It has not ended"),
      502: problemAnswer("It failed"),
    },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/calls/{id}/logs",
    summary: "What a call wrote to its standard output and error",
    request: { params, query: z.object({ stream: z.enum(["stdout", "stderr"]).optional() }) },
    responses: {
      200: {
        description: "Both, or one of them raw",
        content: { "application/json": { schema: z.object({ stdout: z.string(), stderr: z.string() }) } },
      },
      404: unknown,
      409: problemAnswer("It has not ended"),
    },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/functions/{name}/logs",
    summary: "The log lines of a function's calls, one JSON document each",
    request: {
      params: z.object({ name: z.string() }),
      query: z.object({ since: z.string().optional(), tail: z.int().optional(), follow: z.string().optional() }),
    },
    responses: {
      200: { description: "Oldest first", content: { "application/x-ndjson": { schema: z.string() } } },
      404: problemAnswer("There is no such function"),
      503: problemAnswer("Too many follow already"),
    },
  });
}
