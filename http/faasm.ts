/**
 * FAASM's upload server over our API: `PUT /f/{user}/{function}` takes a module as its clients send it. A user of theirs is a
 * tenant of ours.
 *
 * @module
 */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import { FaasletError } from "../errors.ts";
import { HOST_LIMITS, MODULE_LIMITS } from "../limits.ts";
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
}
