/** `/v1/files`: files that a tenant's functions share and open as `faasm://PATH`; also as FAASM's `/file`. */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { FaasletError } from "../errors.ts";
import { FILE_LIMITS } from "../limits.ts";
import type { SharedFile, SharedFiles } from "../state/mod.ts";
import type { AppContext } from "./context.ts";
import { problemAnswer } from "./functions_docs.ts";
import { DEFAULT_TENANT } from "../names.ts";

const PREFIX = "/v1/files/";

/** Adds the resource. */
export function addFiles(app: OpenAPIHono, context: AppContext, files: SharedFiles): void {
  async function put(request: Request, path: string): Promise<Response> {
    const bytes = await context.bodies.read(request, FILE_LIMITS.fileBytesMax);
    try {
      const { file, isNew } = await files.put(DEFAULT_TENANT, path, bytes);
      return Response.json(viewOf(file), { status: isNew ? 201 : 200, headers: { etag: `"${file.digest}"` } });
    } finally {
      context.bodies.release(bytes.length);
    }
  }

  async function get(path: string, ifNoneMatch?: string): Promise<Response> {
    const file = await files.find(DEFAULT_TENANT, path);
    const etag = `"${file?.digest}"`;
    if (file !== undefined && ifNoneMatch === etag) return new Response(null, { status: 304, headers: { etag } });
    const bytes = file && await files.bytes(DEFAULT_TENANT, file.digest);
    if (file === undefined || bytes === undefined) throw notFound(path);
    const headers = {
      etag,
      "content-type": "application/octet-stream",
      "last-modified": new Date(file.modifiedMs).toUTCString(),
    };
    return new Response(bytes as Uint8Array<ArrayBuffer>, { headers });
  }

  app.get("/v1/files", async ({ req, json }) => {
    const all = await files.list(DEFAULT_TENANT, req.query("prefix") ?? "");
    return json({ files: all.map(viewOf) });
  });
  app.put("/v1/files/*", ({ req }) => put(req.raw, pathOf(req.url)));
  app.get("/v1/files/*", ({ req }) => get(pathOf(req.url), req.header("if-none-match")));
  app.delete("/v1/files/*", async ({ req, body }) => {
    const path = pathOf(req.url);
    if (!await files.delete(DEFAULT_TENANT, path)) throw notFound(path);
    return body(null, 204);
  });
  app.put("/file", ({ req }) => put(req.raw, filePathOf(req.header("filepath"))));
  app.get("/file", ({ req }) => get(filePathOf(req.header("filepath"))));
  document(app);
}

function viewOf({ path, bytes, digest, modifiedMs }: SharedFile) {
  return { path, bytes, digest, modifiedAt: new Date(modifiedMs).toISOString() };
}

/** The path as it was sent: a router would take dots and slashes out of it. */
function pathOf(url: string): string {
  const { pathname } = new URL(url);
  try {
    return decodeURIComponent(pathname.slice(PREFIX.length));
  } catch {
    throw new FaasletError("ERR_NAME_INVALID", "cannot read the path: it is not UTF-8");
  }
}

function filePathOf(header: string | undefined): string {
  if (header === undefined) throw new FaasletError("ERR_REQUEST_INVALID", "the header FilePath is missing");
  return header.replace(/^\/+/, "");
}

function notFound(path: string): FaasletError {
  return new FaasletError("ERR_NOT_FOUND", `there is no shared file ${JSON.stringify(path.slice(0, 100))}`);
}

function document(app: OpenAPIHono): void {
  const file = z.object({
    path: z.string(),
    bytes: z.number().int(),
    digest: z.string().openapi({ description: "SHA-256" }),
    modifiedAt: z.string().openapi({ format: "date-time" }),
  }).openapi("SharedFile");
  const binary = { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } };
  const params = z.object({ path: z.string().openapi({ description: "Plain and relative; slashes are part of it" }) });
  const known = { description: "Written", content: { "application/json": { schema: file } } };
  const path = "/v1/files/{path}";
  const registry = app.openAPIRegistry;
  registry.registerPath({
    method: "get",
    path: "/v1/files",
    summary: "List shared files",
    request: { query: z.object({ prefix: z.string().optional() }) },
    responses: {
      200: { description: "All", content: { "application/json": { schema: z.object({ files: z.array(file) }) } } },
    },
  });
  registry.registerPath({
    method: "put",
    path,
    summary: "Write a shared file, which functions open as faasm://PATH",
    request: { params, body: { content: binary } },
    responses: {
      200: known,
      201: known,
      400: problemAnswer("The path is no path"),
      413: problemAnswer("It is too large"),
    },
  });
  registry.registerPath({
    method: "get",
    path,
    summary: "Read a shared file",
    request: { params },
    responses: { 200: { description: "Its bytes", content: binary }, 404: problemAnswer("There is none") },
  });
  registry.registerPath({
    method: "delete",
    path,
    summary: "Delete a shared file",
    request: { params },
    responses: { 204: { description: "Deleted" }, 404: problemAnswer("There is none") },
  });
}
