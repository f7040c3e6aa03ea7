/**
 * FAASM's upload server over our API: `PUT /f/{user}/{function}` takes a module as its clients send it, `/s/{user}/{key}` a
 * value of state. A user of theirs is a tenant of ours. Its `/file` is in `files.ts`.
 *
 * @module
 */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { FaasletError } from "../errors.ts";
import { HOST_LIMITS, MODULE_LIMITS, STATE_LIMITS } from "../limits.ts";
import { checkStateKey, type StateKey } from "../state/mod.ts";
import type { AppContext } from "./context.ts";
import { problemAnswer } from "./functions_docs.ts";
import { checkName } from "../names.ts";

/** Adds the resource. */
export function addFaasm(app: OpenAPIHono, context: AppContext): void {
  const { registry, bodies, dispatcher } = context;
  const uploads = { running: 0 };

  app.put("/f/:user/:function", async ({ req, text }) => {
    const [tenant, name] = [checkName(req.param("user")), checkName(req.param("function"))];
    if (dispatcher.isDraining) throw new FaasletError("ERR_DRAINING", "cannot deploy: shutting down");
    // Their clients send forms' content types with a body that is the module all the same: nobody looks at the type.
    const wasm = await bodies.read(req.raw, MODULE_LIMITS.bytesMax);
    try {
      if (uploads.running >= HOST_LIMITS.deploysMax) {
        throw new FaasletError("ERR_CAPACITY", `cannot deploy: ${uploads.running} uploads are running already`);
      }
      uploads.running++;
      try {
        const { outcome, record } = await registry.deploy({ tenant, name, wasm, settings: {}, files: [] });
        return text(`${outcome} ${tenant}/${name}, version ${record.version}\n`);
      } finally {
        uploads.running--;
      }
    } finally {
      bodies.release(wasm.length);
    }
  });

  // A key may have slashes; the first pattern is the documented one.
  for (const path of ["/s/:user/:key", "/s/:user/*"]) {
    app.put(path, async ({ req, text }) => {
      const key = stateKeyOf(req.raw);
      const { head } = await context.state.set(key, bodies.pieces(req.raw, STATE_LIMITS.valueBytesMax));
      return text(`wrote ${key.tenant}/${key.key}, ${head.bytes} bytes\n`);
    });
    app.get(path, async ({ req }) => {
      const key = stateKeyOf(req.raw);
      const found = await context.state.read(key);
      if (found === undefined) throw new FaasletError("ERR_NOT_FOUND", "cannot read the state: there is no such value");
      const headers = { "content-type": "application/octet-stream", "content-length": String(found.head.bytes) };
      return new Response(found.head.bytes === 0 ? null : context.outbox.passing(found.bytes), { headers });
    });
  }
  document(app);
}

/** User and key as they stand in the path; a slash in the key needs no escape. Throws `ERR_NAME_INVALID`. */
function stateKeyOf({ url }: Request): StateKey {
  const [, , user = "", ...parts] = new URL(url).pathname.split("/");
  try {
    return { tenant: checkName(user), key: checkStateKey(decodeURIComponent(parts.join("/"))) };
  } catch (cause) {
    if (cause instanceof FaasletError) throw cause;
    throw new FaasletError("ERR_NAME_INVALID", "cannot use the state key: its escapes are not UTF-8", { cause });
  }
}

function document(app: OpenAPIHono): void {
  app.openAPIRegistry.registerPath({
    method: "put",
    path: "/f/{user}/{function}",
    summary: "FAASM: upload a function",
    request: {
      params: z.object({ user: z.string(), function: z.string() }),
      body: { content: { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } } },
    },
    responses: {
      200: { description: "Deployed", content: { "text/plain": { schema: z.string() } } },
      415: problemAnswer("It is not a module"),
      422: problemAnswer("The module is wrong"),
    },
  });
  const params = z.object({ user: z.string(), key: z.string() });
  const content = { "application/octet-stream": { schema: z.string().openapi({ format: "binary" }) } };
  app.openAPIRegistry.registerPath({
    method: "put",
    path: "/s/{user}/{key}",
    summary: "FAASM: replace a value of state",
    request: { params, body: { content } },
    responses: {
      200: { description: "Written", content: { "text/plain": { schema: z.string() } } },
      400: problemAnswer("The user or the key is none"),
      413: problemAnswer("The value is too large"),
    },
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/s/{user}/{key}",
    summary: "FAASM: read a value of state",
    request: { params },
    responses: {
      200: { description: "All of it, of one version", content },
      400: problemAnswer("The user or the key is none"),
      404: problemAnswer("There is no such value"),
    },
  });
}
