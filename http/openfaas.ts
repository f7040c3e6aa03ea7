/**
 * OpenFaaS's API over ours, as far as a stock `faas-cli` needs it to list, describe, remove, invoke and show logs. Deploying
 * is not in it: there a function is a container image, here a module.
 *
 * @module
 */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { FaasletError } from "../errors.ts";
import type { FunctionRecord } from "../runtime/mod.ts";
import type { AppContext } from "./context.ts";
import { readObject } from "./json_body.ts";
import { logResponse } from "./logs.ts";
import { checkName, DEFAULT_TENANT } from "../names.ts";
import { OPENFAAS_NAMESPACE } from "./names.ts";
import { problemAnswer } from "./functions_docs.ts";
import { parseCount, parseSince } from "./times.ts";

/** Adds the resources. */
export function addOpenFaas(app: OpenAPIHono, context: AppContext): void {
  const { registry, dispatcher, clock, version } = context;
  document(app.openAPIRegistry);

  app.get("/system/info", ({ json }) =>
    json({
      provider: { provider: "faaslet", orchestration: "faaslet", version: { sha: "", release: version } },
      version: { sha: "", release: version, commit_message: "" },
      arch: Deno.build.arch,
    }));

  app.get("/system/namespaces", ({ json }) => json([OPENFAAS_NAMESPACE]));

  app.get("/system/functions", async ({ req, json }) => {
    const records = await registry.list(tenantOf(req.query("namespace")));
    return json(records.map(statusOf));
  });

  app.get("/system/function/:name", async ({ req, json }) => {
    const name = checkName(req.param("name"));
    const record = await registry.describe(tenantOf(req.query("namespace")), name);
    if (record === undefined) throw notFound(name);
    return json(statusOf(record));
  });

  app.delete("/system/functions", async ({ req, body }) => {
    const { functionName, namespace } = await readObject(context, req.raw);
    const name = checkName(String(functionName));
    const tenant = tenantOf(namespace === undefined ? undefined : String(namespace));
    if (!await registry.remove(tenant, name)) throw notFound(name);
    dispatcher.forget(tenant, name);
    return body(null, 202);
  });

  // Faaslets come and go with the calls: what is left of scaling is to have the function loaded.
  app.post("/system/scale-function/:name", async ({ req, body }) => {
    const name = checkName(req.param("name"));
    const { namespace } = await readObject(context, req.raw);
    const tenant = tenantOf(namespace === undefined ? undefined : String(namespace));
    if (await registry.ready(tenant, name) === undefined) throw notFound(name);
    return body(null, 202);
  });

  app.get("/system/logs", async ({ req }) => {
    const name = checkName(req.query("name") ?? "");
    const tenant = tenantOf(req.query("namespace"));
    if (await registry.describe(tenant, name) === undefined) throw notFound(name);
    const [since, tail, follow] = ["since", "tail", "follow"].map((one) => req.query(one));
    return await logResponse(context, {
      tenant,
      name,
      sinceMs: since === undefined || since === "" ? undefined : parseSince(since, clock.epochMs()),
      // Their client says -1 for all of it.
      tail: tail === undefined || tail === "-1" ? undefined : parseCount(tail, "tail", 1_000_000),
      isFollowed: follow === "1" || follow === "true",
    }, (line) => ({
      name,
      namespace: OPENFAAS_NAMESPACE,
      instance: line.callId,
      timestamp: line.time,
      text: line.stream === "stdout" ? line.text : `${line.stream}: ${line.text}`,
    }));
  });

  function statusOf({ name, report, settings, version: number, createdAt }: FunctionRecord) {
    const counts = dispatcher.stats().functions.get(`${DEFAULT_TENANT}/${name}`);
    return {
      name,
      namespace: OPENFAAS_NAMESPACE,
      image: `sha256:${report.digest}`,
      invocationCount: Object.values(counts ?? {}).reduce((sum, count) => sum + count, 0),
      replicas: 1,
      availableReplicas: 1,
      labels: { "faaslet.version": String(number) },
      annotations: { "faaslet.style": report.style },
      envVars: settings.environment,
      createdAt,
    };
  }
}

/** A namespace of theirs is a tenant of ours; theirs of that one name is our default one. */
function tenantOf(namespace: string | undefined): string {
  if (namespace === undefined || namespace === "" || namespace === OPENFAAS_NAMESPACE) return DEFAULT_TENANT;
  return checkName(namespace);
}

function notFound(name: string): FaasletError {
  return new FaasletError("ERR_NOT_FOUND", `cannot find ${name}: there is no such function`);
}

function document(registry: OpenAPIHono["openAPIRegistry"]): void {
  const done = { 202: { description: "Accepted" }, 404: problemAnswer("There is no such function") };
  const json = { content: { "application/json": { schema: z.any() } } };
  const shown = { 200: { description: "As OpenFaaS has it", ...json } };
  const params = z.object({ name: z.string() });
  const query = z.object({ namespace: z.string().optional() });
  const operations = [
    { method: "get", path: "/system/info", summary: "OpenFaaS: about this host", responses: shown },
    { method: "get", path: "/system/namespaces", summary: "OpenFaaS: the namespaces", responses: shown },
    {
      method: "get",
      path: "/system/functions",
      summary: "OpenFaaS: list functions",
      request: { query },
      responses: shown,
    },
    { method: "delete", path: "/system/functions", summary: "OpenFaaS: remove a function", responses: done },
    {
      method: "get",
      path: "/system/function/{name}",
      summary: "OpenFaaS: describe a function",
      request: { params, query },
      responses: { ...shown, 404: problemAnswer("There is no such function") },
    },
    {
      method: "post",
      path: "/system/scale-function/{name}",
      summary: "OpenFaaS: have a function loaded",
      request: { params },
      responses: done,
    },
    { method: "get", path: "/system/logs", summary: "OpenFaaS: log lines of a function", responses: shown },
  ] as const;
  for (const operation of operations) registry.registerPath(operation);
}
