/** What the OpenAPI document says about `/v1/state`. */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { STATE_LIMITS } from "../limits.ts";
import { STATE_KEY_GRAMMAR } from "../state/mod.ts";
import { problemAnswer } from "./functions_docs.ts";

type Registry = OpenAPIHono["openAPIRegistry"];

const BINARY = z.string().openapi({ format: "binary" });
const KEY = z.string().min(1).openapi({
  description: `${STATE_KEY_GRAMMAR}; slashes need no escape`,
  example: "model/weights",
});
const VERSION = z.string().openapi({
  description: "Of the value; in quotes it is its ETag",
  example: "000000000000002a0000",
});

const HereSchema = z.object({
  bytes: z.int().openapi({ description: "How much of the value is in this host's shared memory" }),
  mayBeChanged: z.boolean().openapi({ description: "Functions may have changed it, and nobody pushed it yet" }),
  isCurrent: z.boolean().openapi({ description: "It was made from the version that is the global one now" }),
  version: VERSION.optional().openapi({ description: "What it was made from; absent for what functions made here" }),
}).openapi("StateHere");

const EntrySchema = z.object({
  key: z.string(),
  version: VERSION.optional().openapi({ description: "Absent: it is in this host's memory alone, never pushed" }),
  bytes: z.int(),
  storedBytes: z.int().optional().openapi({ description: "What it takes in the store: less when it compresses" }),
  writtenAt: z.string().optional().openapi({ format: "date-time" }),
  here: HereSchema.optional(),
}).openapi("StateEntry");

const WrittenSchema = z.object({
  key: z.string(),
  version: VERSION,
  bytes: z.int(),
  sentBytes: z.int().openapi({ description: "What went to the store: what was there already was not sent" }),
  sentChunks: z.int(),
}).openapi("StateWritten");

const MovedSchema = z.object({
  key: z.string(),
  version: VERSION.optional(),
  bytes: z.int().optional(),
  here: HereSchema.optional(),
}).openapi("StateMoved");

const CONDITIONS = z.object({
  "if-match": z.string().optional().openapi({ description: "Only if the value is of this version; * for any" }),
  "if-none-match": z.string().optional().openapi({ description: "*: only if there is no value" }),
});

const ETAG = z.object({ etag: z.string() });
const params = z.object({ key: KEY });

function jsonAnswer(description: string, schema: z.ZodType, headers?: z.ZodObject) {
  return { description, content: { "application/json": { schema } }, ...(headers !== undefined && { headers }) };
}

/** Adds the paths to the document. */
export function documentState(registry: Registry): void {
  documentReads(registry);
  documentWrites(registry);
}

function documentReads(registry: Registry): void {
  registry.registerPath({
    method: "get",
    path: "/v1/state",
    summary: "List values, in the order of their keys; those too that functions made in this host's memory only",
    request: {
      query: z.object({
        prefix: z.string().optional(),
        after: z.string().optional().openapi({ description: "`next` of the page before" }),
        limit: z.coerce.number().int().min(1).max(STATE_LIMITS.pageMax).optional(),
      }),
    },
    responses: {
      200: jsonAnswer(
        "A page of them, and what all of them take",
        z.object({
          values: z.array(EntrySchema),
          usage: z.object({ bytes: z.int(), keys: z.int() }),
          next: z.string().optional(),
        }),
      ),
      400: problemAnswer("A parameter is wrong"),
    },
  });
  const content = { "application/octet-stream": { schema: BINARY } };
  registry.registerPath({
    method: "get",
    path: "/v1/state/{key}",
    summary: "Read a value, or a range of it",
    request: {
      params,
      headers: z.object({
        range: z.string().optional().openapi({ example: "bytes=0-65535" }),
        "if-match": z.string().optional(),
        "if-none-match": z.string().optional(),
        "if-range": z.string().optional(),
      }),
    },
    responses: {
      200: { description: "All of it, of one version", headers: ETAG, content },
      206: { description: "The range", headers: ETAG.extend({ "content-range": z.string() }), content },
      304: { description: "It is what the ETag says" },
      400: problemAnswer("The key is none"),
      404: problemAnswer("There is no such value"),
      412: problemAnswer("It is of another version"),
      416: problemAnswer("It does not reach the range"),
    },
  });
}

function documentWrites(registry: Registry): void {
  const body = { content: { "application/octet-stream": { schema: BINARY } } };
  const refused = {
    400: problemAnswer("The key or a header is wrong"),
    408: problemAnswer("The body came too slowly"),
    412: problemAnswer("The value is of another version: somebody was faster"),
    413: problemAnswer("The value is too large"),
    507: problemAnswer("The tenant's quota is used up, or the store is"),
  };
  registry.registerPath({
    method: "put",
    path: "/v1/state/{key}",
    summary: "Replace a value, or make it",
    request: { params, headers: CONDITIONS, body },
    responses: { 200: jsonAnswer("It is written, all of it at once", WrittenSchema, ETAG), ...refused },
  });
  registry.registerPath({
    method: "patch",
    path: "/v1/state/{key}",
    summary: "Write a part of a value; it grows as needed",
    request: {
      params,
      headers: CONDITIONS.extend({ "content-range": z.string().openapi({ example: "bytes 100-199/*" }) }),
      body,
    },
    responses: { 200: jsonAnswer("It is written", WrittenSchema, ETAG), ...refused },
  });
  registry.registerPath({
    method: "delete",
    path: "/v1/state/{key}",
    summary: "Remove a value and its appended records",
    request: { params, headers: CONDITIONS },
    responses: {
      204: { description: "Removed" },
      400: problemAnswer("The key or a header is wrong"),
      404: problemAnswer("There is no such value"),
      412: problemAnswer("It is of another version"),
    },
  });
  registry.registerPath({
    method: "post",
    path: "/v1/state/{key}",
    summary: "Push what functions changed in this host's memory, or pull what others wrote into it",
    request: { params, query: z.object({ action: z.enum(["pull", "push"]) }) },
    responses: {
      200: jsonAnswer("Done", MovedSchema),
      400: problemAnswer("The key or the action is wrong"),
      404: problemAnswer("There is no such value"),
    },
  });
}
