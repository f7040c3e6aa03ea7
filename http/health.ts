/** `/livez`, `/readyz`, `/healthz`: whether to restart this host, whether to send it calls, and how it does. */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { AppContext } from "./context.ts";
import { problemAnswer } from "./functions_docs.ts";
import { problemOf, problemResponse } from "./problem.ts";

const HealthSchema = z.object({
  status: z.enum(["ok", "draining"]),
  version: z.string(),
  uptimeSeconds: z.number(),
  running: z.number().int(),
  queued: z.number().int(),
}).openapi("Health");

/** Adds the resources. */
export function addHealth(app: OpenAPIHono, context: AppContext): void {
  const { dispatcher, clock, version } = context;
  const startedMs = clock.now();

  app.get("/livez", ({ text }) => text("ok\n"));
  app.get("/readyz", ({ text }) => dispatcher.isDraining ? draining() : text("ok\n"));
  app.get("/healthz", ({ json }) => {
    const { running, queued, isDraining } = dispatcher.stats();
    const uptimeSeconds = Math.floor((clock.now() - startedMs) / 1_000);
    return json({ status: isDraining ? "draining" : "ok", version, uptimeSeconds, running, queued });
  });

  const ok = { 200: { description: "Yes" } };
  const registry = app.openAPIRegistry;
  registry.registerPath({
    method: "get",
    path: "/livez",
    summary: "Is the host alive?",
    responses: ok,
  });
  registry.registerPath({
    method: "get",
    path: "/readyz",
    summary: "Does the host take calls?",
    responses: { ...ok, 503: problemAnswer("It is shutting down") },
  });
  registry.registerPath({
    method: "get",
    path: "/healthz",
    summary: "How the host does",
    responses: {
      200: { description: "Now", content: { "application/json": { schema: HealthSchema } } },
    },
  });
}

function draining(): Response {
  return problemResponse(problemOf("ERR_DRAINING", "the host is shutting down"));
}
