/** Whether pages of other origins may read a function's answers (the Fetch standard's CORS protocol). */
import type { LiveFunction } from "../runtime/mod.ts";

/** The answer to a preflight that the function's setting allows; undefined when the request is something else. */
export function preflightAnswer(request: Request, live: LiveFunction): Response | undefined {
  const method = request.method === "OPTIONS" ? request.headers.get("access-control-request-method") : null;
  const origin = method === null ? undefined : allowedOrigin(request, live);
  if (method === null || origin === undefined) return undefined;
  const response = new Response(null, { status: 204 });
  const { headers } = response;
  headers.set("access-control-allow-methods", method);
  const asked = request.headers.get("access-control-request-headers");
  if (asked !== null) headers.set("access-control-allow-headers", asked);
  headers.set("access-control-max-age", "600");
  allow(headers, origin);
  return response;
}

/** Lets the page that asked read the answer, if the function's setting says so. */
export function addCors(response: Response, request: Request, live: LiveFunction): Response {
  const origin = allowedOrigin(request, live);
  if (origin !== undefined) {
    allow(response.headers, origin);
    response.headers.set("access-control-expose-headers", "*");
  }
  return response;
}

function allowedOrigin(request: Request, { record }: LiveFunction): string | undefined {
  const { cors } = record.settings;
  // Nearly no function has it, and nearly no client is a page.
  if (cors === undefined || cors.length === 0) return undefined;
  const origin = request.headers.get("origin");
  if (origin === null) return undefined;
  if (cors.includes("*")) return "*";
  return cors.includes(origin) ? origin : undefined;
}

function allow(headers: Headers, origin: string): void {
  headers.set("access-control-allow-origin", origin);
  // What is allowed differs by who asks: a cache must not mix them up.
  if (origin !== "*") headers.append("vary", "origin");
}
