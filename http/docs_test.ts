import assert from "node:assert/strict";
import fc from "fast-check";
import { setUp } from "./_fakes.ts";
import { buildResources } from "./app.ts";
import type { AppContext } from "./context.ts";
import { isName } from "../names.ts";

interface Json {
  readonly [key: string]: Json | string | undefined;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: { readonly pattern?: string; readonly maxLength?: number };
}

interface Operation {
  readonly summary: string;
  readonly parameters?: Parameter[];
  readonly requestBody?: { readonly content: Record<string, unknown> };
  readonly responses: Record<string, { description: string; content?: Record<string, unknown> }>;
}

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
}

async function documentOf(): Promise<Document> {
  const response = await setUp().send("/openapi.json");
  assert.equal(response.headers.get("content-type"), "application/json");
  return await response.json();
}

function operationsOf({ paths }: Document): [string, string, Operation][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [method, path, operation])
  );
}

Deno.test("openapi.json describes every route, and nothing that is not there", async () => {
  const document = await documentOf();
  assert.deepEqual([document.openapi, document.info.title, document.info.version], ["3.1.0", "faaslet", "1.2.3"]);
  const documented = operationsOf(document).map(([method, path]) => `${method.toUpperCase()} ${path}`);
  const context = { clock: { now: () => 0 } } as AppContext;
  // What ends in a star answers for names that are none.
  const routes = buildResources(context).routes.filter(({ path }) => !path.endsWith("*"));
  const routed = routes.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
  const calls = ["GET", "POST", "PUT", "PATCH", "DELETE"].map((method) => `${method} /function/{name}`);
  // Neither of the two passes through the router.
  assert.deepEqual(documented.sort(), [...routed, ...calls, "POST /async-function/{name}"].sort());
});

Deno.test("openapi.json is a document that OpenAPI 3.1 allows", async () => {
  const document = await documentOf();
  for (const [method, path, operation] of operationsOf(document)) {
    const where = `${method} ${path}`;
    assert.ok(operation.summary.length > 0, where);
    const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
    assert.deepEqual(inPath.map(({ name }) => `{${name}}`), path.match(/\{\w+\}/g) ?? [], where);
    assert.ok(inPath.every(({ required }) => required === true), where);
    assert.ok(Object.keys(operation.responses).length > 0, where);
    for (const [status, response] of Object.entries(operation.responses)) {
      assert.match(status, /^[2-5]\d\d$/, where);
      assert.ok(response.description.length > 0, where);
      if (status >= "400") assert.deepEqual(Object.keys(response.content!), ["application/problem+json"], where);
    }
  }
  let references = 0;
  function follow(value: Json | string | undefined): void {
    if (typeof value !== "object" || value === null) return;
    if (typeof value.$ref === "string") {
      references++;
      let target = document as unknown as Json;
      for (const part of value.$ref.replace(/^#\//, "").split("/")) target = target[part] as Json;
      assert.equal(typeof target, "object", value.$ref);
    }
    for (const inner of Object.values(value)) follow(inner);
  }
  follow(document as unknown as Json);
  assert.ok(references > 0);
});

Deno.test("openapi.json has the grammar of names", async () => {
  const { paths } = await documentOf();
  const { schema } = paths["/v1/functions/{name}"]!["get"]!.parameters!.find(({ name }) => name === "name")!;
  const pattern = new RegExp(schema.pattern!);
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-z0-9-]{0,70}$/));
  fc.assert(
    fc.property(text, (name) => {
      assert.equal(name.length <= schema.maxLength! && pattern.test(name), isName(name));
    }),
    { seed: 20_200_715, numRuns: 1_000 },
  );
});

Deno.test("/docs shows every operation and loads nothing", async () => {
  const response = await setUp().send("/docs");
  assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
  assert.match(response.headers.get("content-security-policy")!, /^default-src 'none';/);
  const page = await response.text();
  for (const [method, path] of operationsOf(await documentOf())) {
    assert.ok(page.includes(`<b>${method}</b> <code>${path}</code>`), `${method} ${path}`);
  }
  assert.doesNotMatch(page, /<script|<link|<img|https?:\/\/|src=/);
});
