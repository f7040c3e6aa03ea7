/** What the OpenAPI document says about `/v1/functions` and `/function`. */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { HOST_LIMITS } from "../limits.ts";
import { PROBLEM_TYPE } from "./problem.ts";

type Registry = OpenAPIHono["openAPIRegistry"];

const NAME = z.string().min(1).max(HOST_LIMITS.nameBytesMax).regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/)
  .openapi({ description: "A DNS label in lower case", example: "hello" });
const BINARY = z.string().openapi({ format: "binary" });

const ProblemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string().openapi({ example: "ERR_NOT_FOUND" }),
  callId: z.string().optional(),
  details: z.array(z.string()).optional(),
  returnValue: z.number().int().optional(),
  stderr: z.string().optional(),
}).openapi("Problem");

const SummarySchema = z.object({
  tenant: NAME,
  name: NAME,
  version: z.number().int(),
  digest: z.string().openapi({ description: "SHA-256 of the module" }),
  bytes: z.number().int(),
  style: z.enum(["command", "reactor", "faasm", "plain"]),
  createdAt: z.string().openapi({ format: "date-time" }),
}).openapi("FunctionSummary");

const FunctionSchema = z.looseObject({
  tenant: NAME,
  name: NAME,
  version: z.number().int(),
  settings: z.looseObject({}).openapi({ description: "Every setting with its value, defaults included" }),
  report: z.looseObject({ digest: z.string(), bytes: z.number().int() })
    .openapi({ description: "Imports, exports, memory and start of the module" }),
  files: z.array(z.object({ path: z.string(), bytes: z.number().int(), digest: z.string() })),
  compile: z.object({ wallMs: z.number(), cpuMs: z.number(), artefactBytes: z.number() }),
  install: z.looseObject({ initUs: z.number(), snapshotBytes: z.number() }),
  snapshot: z.union([
    z.object({ bytes: z.number().int(), storedBytes: z.number().int() }),
    z.object({ hindrance: z.string() }),
  ]).optional().openapi({ description: "The stored Proto-Faaslet, or why a restart runs the initialiser again" }),
  createdAt: z.string().openapi({ format: "date-time" }),
}).openapi("Function");

const DeployedSchema = z.object({
  outcome: z.enum(["created", "updated", "unchanged", "dry-run"]),
  function: FunctionSchema,
}).openapi("Deployed");

const FormSchema = z.object({
  module: BINARY,
  settings: z.string().optional().openapi({ description: "JSON" }),
  file: z.array(BINARY).optional().openapi({ description: "The filename is the path in the guest" }),
});

/** What is said of a call beside its output. */
const CALL_HEADERS = z.object({
  "x-call-id": z.uuid(),
  "x-function-version": z.int(),
  "x-start": z.enum(["cold", "proto", "warm"]),
  "x-duration-seconds": z.number(),
  "server-timing": z.string().openapi({ description: "queue, start and exec, milliseconds" }),
  "x-return-value": z.int().optional().openapi({ description: "Unless it is 0" }),
});

/** Any method calls a function; these are the ones that clients are made for. */
const CALL_METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** A problem answer, for a route's list of answers. */
export function problemAnswer(description: string) {
  return { description, content: { [PROBLEM_TYPE]: { schema: ProblemSchema } } };
}

function jsonAnswer(description: string, schema: z.ZodType) {
  return { description, content: { "application/json": { schema } } };
}

/** Adds the paths to the document. */
export function documentFunctions(registry: Registry): void {
  const params = z.object({ name: NAME });
  registry.registerPath({
    method: "get",
    path: "/v1/functions",
    summary: "List the functions",
    responses: { 200: jsonAnswer("All of them", z.object({ functions: z.array(SummarySchema) })) },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/functions/{name}",
    summary: "Describe a function",
    request: { params, headers: z.object({ "if-none-match": z.string().optional() }) },
    responses: {
      200: jsonAnswer("The live version", FunctionSchema),
      304: { description: "It is what the ETag says" },
      400: problemAnswer("The name is none"),
      404: problemAnswer("There is none"),
    },
  });
  registry.registerPath({
    method: "put",
    path: "/v1/functions/{name}",
    summary: "Deploy a function; a new version unless nothing changed",
    request: {
      params,
      query: z.object({ dryRun: z.enum(["0", "1"]).optional() }),
      body: {
        required: true,
        content: {
          "application/wasm": { schema: BINARY },
          "multipart/form-data": { schema: FormSchema },
        },
      },
    },
    responses: {
      200: jsonAnswer("Updated, unchanged, or a dry run", DeployedSchema),
      201: jsonAnswer("Created", DeployedSchema),
      400: problemAnswer("The name or the form is wrong"),
      413: problemAnswer("The body is too large"),
      415: problemAnswer("It is not a module"),
      422: problemAnswer("The module or the settings are wrong; `details` lists all of it"),
      503: problemAnswer("No room; come back after Retry-After"),
    },
  });
  registry.registerPath({
    method: "delete",
    path: "/v1/functions/{name}",
    summary: "Remove a function with all its versions",
    request: { params },
    responses: {
      204: { description: "Removed" },
      400: problemAnswer("The name is none"),
      404: problemAnswer("There is none"),
    },
  });
  documentVersions(registry, params);
  documentCalls(registry);
}

function documentVersions(registry: Registry, params: z.ZodObject): void {
  const version = z.object({
    version: z.int(),
    isLive: z.boolean(),
    digest: z.string(),
    bytes: z.int(),
    createdAt: z.string(),
  });
  registry.registerPath({
    method: "patch",
    path: "/v1/functions/{name}",
    summary: "Change settings (RFC 7396); a new version of the same module",
    request: { params, body: { required: true, content: { "application/json": { schema: z.looseObject({}) } } } },
    responses: {
      200: jsonAnswer("Updated, or unchanged", DeployedSchema),
      404: problemAnswer("There is none"),
      422: problemAnswer("The settings are wrong; `details` lists all of it"),
    },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/functions/{name}/bundle",
    summary: "What the live version was deployed from, as a form that PUT takes",
    request: { params },
    responses: {
      200: { description: "Module, settings, files", content: { "multipart/form-data": { schema: FormSchema } } },
      404: problemAnswer("There is none"),
    },
  });
  registry.registerPath({
    method: "get",
    path: "/v1/functions/{name}/versions",
    summary: "The versions that are kept, newest first",
    request: { params },
    responses: {
      200: jsonAnswer("All of them", z.object({ versions: z.array(version) })),
      404: problemAnswer("There is none"),
    },
  });
  registry.registerPath({
    method: "post",
    path: "/v1/functions/{name}/rollback",
    summary: "Make another version live: the one before, or the one that is named",
    request: {
      params,
      body: { content: { "application/json": { schema: z.object({ version: z.int().optional() }) } } },
    },
    responses: {
      200: jsonAnswer("The version that is live now", FunctionSchema),
      404: problemAnswer("There is no such function or version"),
      409: problemAnswer("There is nothing to go back to"),
    },
  });
}

function documentCalls(registry: Registry): void {
  const body = { content: { "application/octet-stream": { schema: BINARY } } };
  const documented = {
    path: "/function/{name}",
    summary: "Call a function and wait; any path below it becomes PATH_INFO",
    request: {
      params: z.object({ name: z.string().openapi({ description: "`name` or `name.tenant`" }) }),
      headers: z.object({
        "x-start": z.enum(["cold", "proto", "warm"]).optional()
          .openapi({ description: "At most as warm as this; for measurements" }),
      }),
    },
    responses: {
      200: {
        description: "The function's output",
        headers: CALL_HEADERS,
        content: { "application/octet-stream": { schema: BINARY } },
      },
      400: problemAnswer("The name, the head or the body is wrong"),
      404: problemAnswer("There is no such function"),
      408: problemAnswer("The body came too slowly"),
      413: problemAnswer("The input is too large"),
      429: problemAnswer("The function's queue is full; come back after Retry-After"),
      499: problemAnswer("The call was cancelled"),
      502: problemAnswer("The function returned an error value, or trapped"),
      503: problemAnswer("Shutting down, or no room"),
      504: problemAnswer("The call ran past its deadline"),
    },
  };
  for (const method of CALL_METHODS) {
    const request = method === "get" ? documented.request : { ...documented.request, body };
    registry.registerPath({ ...documented, method, request });
  }
}
