/** `/openapi.json`, and `/docs`: the same for people, in one page that loads nothing and runs no script. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { ERRORS } from "../errors.ts";
import type { AppContext } from "./context.ts";

interface Operation {
  readonly summary?: string;
  readonly responses?: Record<string, { description?: string }>;
}
type Document = {
  info: { version: string };
  paths?: Record<string, Record<string, Operation>>;
};

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";

/** Adds the resources; comes after all others, since it describes them. */
export function addDocs(app: OpenAPIHono, { version }: AppContext): void {
  let document: Document | undefined;
  const describe = () =>
    document ??= app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: { title: "faaslet", version, description: "A serverless runtime for stateful WebAssembly functions" },
    }) as unknown as Document;

  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/openapi.json",
    summary: "This document",
    responses: { 200: { description: "OpenAPI 3.1", content: { "application/json": {} } } },
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/docs",
    summary: "The same for people, with the error codes",
    responses: { 200: { description: "One page", content: { "text/html": {} } } },
  });
  app.get("/openapi.json", () => Response.json(describe()));
  app.get("/docs", () => {
    const headers = { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY };
    return new Response(pageOf(describe()), { headers });
  });
}

function pageOf(document: Document): string {
  const operations = Object.entries(document.paths ?? {}).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => sectionOf(method, path, operation))
  );
  const errors = Object.entries(ERRORS).map(([code, { status, title }]) =>
    `<tr id="${escape(code)}"><td><code>${escape(code)}</code><td>${status}<td>${escape(title)}`
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>faaslet ${escape(document.info.version)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
h2 { font-size: 1rem; margin: 2rem 0 0; } code { font-size: 0.95em; } b { text-transform: uppercase; }
td { padding: 0 1rem 0 0; vertical-align: top; } tr:target { background: #ffef9f; color: #000; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8cf; } }
</style>
<h1>faaslet ${escape(document.info.version)}</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>. Errors are problem documents (RFC 9457) with one of the codes below.
${operations.join("\n")}
<h1>Error codes</h1>
<table>${errors.join("\n")}</table>
</html>
`;
}

function sectionOf(method: string, path: string, operation: Operation): string {
  const answers = Object.entries(operation.responses ?? {}).map(([status, { description }]) =>
    `<tr><td><code>${escape(status)}</code><td>${escape(description ?? "")}`
  );
  return `<h2><b>${escape(method)}</b> <code>${escape(path)}</code></h2>
<p>${escape(operation.summary ?? "")}<table>${answers.join("")}</table>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
