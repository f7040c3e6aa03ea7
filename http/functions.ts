/** `/v1/functions`: deploy, describe, list, change, roll back, remove. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { FaasletError } from "../errors.ts";
import { HOST_LIMITS } from "../limits.ts";
import type { DeployResult, FunctionRecord } from "../runtime/mod.ts";
import type { AppContext } from "./context.ts";
import { documentFunctions } from "./functions_docs.ts";
import { readObject } from "./json_body.ts";
import { checkName, DEFAULT_TENANT } from "../names.ts";
import { parseUpload, uploadBytesMax } from "./upload.ts";

/** A function in a list: without its module's imports and exports, which may be thousands. */
export interface FunctionSummary {
  readonly tenant: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly bytes: number;
  readonly style: string;
  readonly createdAt: string;
}

/** Adds the resource. */
export function addFunctions(app: OpenAPIHono, context: AppContext): void {
  const { registry, dispatcher } = context;
  documentFunctions(app.openAPIRegistry);
  const deploys = { running: 0 };

  app.get("/v1/functions", async ({ json }) => {
    const records = await registry.list(DEFAULT_TENANT);
    return json({ functions: records.map(summaryOf) });
  });

  app.get("/v1/functions/:name", async ({ req, json, body }) => {
    const name = checkName(req.param("name"));
    const record = await registry.describe(DEFAULT_TENANT, name);
    if (record === undefined) throw notFound(name);
    const etag = etagOf(record);
    if (matches(req.header("if-none-match"), etag)) return body(null, 304, { etag });
    return json(record, 200, { etag });
  });

  app.put("/v1/functions/:name", ({ req }) => deploy(context, deploys, checkName(req.param("name")), req.raw));

  app.patch("/v1/functions/:name", async ({ req }) => {
    const name = checkName(req.param("name"));
    const settings = await readObject(context, req.raw);
    return deployed(await registry.change(DEFAULT_TENANT, name, settings));
  });

  app.get("/v1/functions/:name/bundle", async ({ req }) => {
    const name = checkName(req.param("name"));
    context.outbox.checkRoom();
    const bundle = await registry.bundle(DEFAULT_TENANT, name);
    if (bundle === undefined) throw notFound(name);
    const form = new FormData();
    form.append("module", new Blob([bundle.wasm as Uint8Array<ArrayBuffer>]), "module.wasm");
    form.append("settings", JSON.stringify(bundle.record.settings));
    for (const { path, bytes } of bundle.files) {
      if (bytes !== undefined) form.append("file", new Blob([bytes as Uint8Array<ArrayBuffer>]), path);
    }
    return new Response(form, { headers: { etag: etagOf(bundle.record) } });
  });

  app.get("/v1/functions/:name/versions", async ({ req, json }) => {
    const name = checkName(req.param("name"));
    const versions = await registry.versions(DEFAULT_TENANT, name);
    if (versions === undefined) throw notFound(name);
    return json({ versions });
  });

  app.post("/v1/functions/:name/rollback", async ({ req }) => {
    const name = checkName(req.param("name"));
    const { version, ...others } = await readObject(context, req.raw);
    const isVersion = version === undefined || (Number.isSafeInteger(version) && Number(version) > 0);
    if (!isVersion || Object.keys(others).length > 0) {
      throw new FaasletError("ERR_REQUEST_INVALID", 'cannot read the request: it is {} or {"version": NUMBER}');
    }
    const record = await registry.rollback(DEFAULT_TENANT, name, version as number | undefined);
    return Response.json(record, { headers: { etag: etagOf(record) } });
  });

  app.delete("/v1/functions/:name", async ({ req, body }) => {
    const name = checkName(req.param("name"));
    if (!await registry.remove(DEFAULT_TENANT, name)) throw notFound(name);
    dispatcher.forget(DEFAULT_TENANT, name);
    return body(null, 204);
  });

  // The grammar's answer, not the router's, to a name that is empty or has a slash.
  app.on(["GET", "PUT", "PATCH", "DELETE"], "/v1/functions/*", ({ req }) => {
    throw notFound(checkName(req.path.slice("/v1/functions/".length)));
  });
}

async function deploy(context: AppContext, deploys: { running: number }, name: string, request: Request) {
  if (context.dispatcher.isDraining) {
    throw new FaasletError("ERR_DRAINING", "cannot deploy: shutting down");
  }
  checkRoom(deploys);
  const dryRun = isOn(new URL(request.url).searchParams.get("dryRun"));
  const type = request.headers.get("content-type") ?? "application/wasm";
  const body = await context.bodies.read(request, uploadBytesMax(type));
  try {
    // Counted from here on: who sends slowly must not keep others from deploying.
    checkRoom(deploys);
    deploys.running++;
    try {
      const upload = parseUpload(type, body);
      return deployed(await context.registry.deploy({ tenant: DEFAULT_TENANT, name, dryRun, ...upload }));
    } finally {
      deploys.running--;
    }
  } finally {
    context.bodies.release(body.length);
  }
}

function checkRoom({ running }: { running: number }): void {
  if (running < HOST_LIMITS.deploysMax) return;
  throw new FaasletError("ERR_CAPACITY", `cannot deploy: ${running} deploys are running already`);
}

function deployed({ outcome, record }: DeployResult): Response {
  return Response.json({ outcome, function: record }, {
    status: outcome === "created" ? 201 : 200,
    // After a dry run there is nothing at that address that the tag would be of.
    headers: outcome === "dry-run" ? {} : { etag: etagOf(record), location: `/v1/functions/${record.name}` },
  });
}

function isOn(parameter: string | null): boolean {
  if (parameter === null || parameter === "0" || parameter === "false") return false;
  if (parameter === "1" || parameter === "true" || parameter === "") return true;
  throw new FaasletError("ERR_REQUEST_INVALID", "cannot read dryRun: it is 1 or 0");
}

/**
 * The creation time is in it since versions begin anew when a function is removed and deployed again; and whether a snapshot is
 * described, since that comes later than the version.
 */
function etagOf({ version, report, createdAt, snapshot }: FunctionRecord): string {
  const described = snapshot === undefined ? "" : "-s";
  return `"${version}-${report.digest.slice(0, 32)}-${Date.parse(createdAt).toString(36)}${described}"`;
}

/** If-None-Match (RFC 9110 13.1.2); it compares weakly. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag);
}

function summaryOf({ tenant, name, version, report, createdAt }: FunctionRecord): FunctionSummary {
  const { digest, bytes, style } = report;
  return { tenant, name, version, digest, bytes, style, createdAt };
}

function notFound(name: string): FaasletError {
  return new FaasletError("ERR_NOT_FOUND", `cannot find ${name}: there is no such function`);
}
