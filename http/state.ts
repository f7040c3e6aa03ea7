/** `/v1/state`: values of the global tier, for people and their programs. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { FaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import { checkStateKey, type StateHead, type StateKey, type Written } from "../state/mod.ts";
import type { AppContext } from "./context.ts";
import { DEFAULT_TENANT } from "../names.ts";
import { hereOf, listState, regionsHere } from "./state_list.ts";
import { etagOf, mayAnswerRange, readCondition, writeCondition } from "./preconditions.ts";
import { type ByteRange, contentRange, parseContentRange, parseRange } from "./ranges.ts";
import { documentState } from "./state_docs.ts";
import { parseCount } from "./times.ts";

const PREFIX = "/v1/state/";
const PAGE_DEFAULT = 100;

/** Adds the resource. */
export function addState(app: OpenAPIHono, context: AppContext): void {
  const { state } = context;
  documentState(app.openAPIRegistry);

  app.get("/v1/state", async ({ req, json }) => {
    const limit = parseCount(req.query("limit") ?? String(PAGE_DEFAULT), "limit", STATE_LIMITS.pageMax);
    const [prefix, after] = [req.query("prefix") ?? "", req.query("after") ?? ""];
    const [page, usage] = await Promise.all([
      listState(context, DEFAULT_TENANT, { prefix, after, limit }),
      state.usage(DEFAULT_TENANT),
    ]);
    return json({ ...page, usage });
  });

  // A key may have slashes; the first pattern is the documented one.
  for (const path of ["/v1/state/:key", "/v1/state/*"]) {
    app.get(path, ({ req }) => read(context, keyOf(req.raw), req.raw));
    app.put(path, ({ req }) => write(context, keyOf(req.raw), req.raw));
    app.patch(path, ({ req }) => patch(context, keyOf(req.raw), req.raw));
    app.delete(path, ({ req }) => remove(context, keyOf(req.raw), req.raw));
    app.post(path, ({ req }) => move(context, keyOf(req.raw), req.query("action")));
  }
}

/** As it stands in the path, where a slash needs no escape. Throws `ERR_NAME_INVALID`. */
function keyOf({ url }: Request): StateKey {
  const { pathname } = new URL(url);
  let key: string;
  try {
    key = decodeURIComponent(pathname.slice(PREFIX.length));
  } catch (cause) {
    throw new FaasletError("ERR_NAME_INVALID", "cannot use the state key: its escapes are not UTF-8", { cause });
  }
  return { tenant: DEFAULT_TENANT, key: checkStateKey(key) };
}

async function read(context: AppContext, key: StateKey, request: Request): Promise<Response> {
  const { state, outbox } = context;
  const head = await state.head(key);
  if (head === undefined) throw notFound(key);
  const { headers } = request;
  if (readCondition(headers, head) === "not-modified") {
    return new Response(null, { status: 304, headers: { etag: etagOf(head.version) } });
  }
  const asked = mayAnswerRange(headers, head) ? parseRange(headers.get("range") ?? undefined, head.bytes) : undefined;
  const { start, end } = asked ?? { start: 0, end: head.bytes };
  if (request.method === "HEAD") return new Response(null, { headers: valueHeaders(head, { start, end }, asked) });
  const found = await state.read(key, { offset: start, length: end - start });
  // It was replaced in between: the conditions were about another version.
  if (found?.head.version !== head.version) {
    await found?.bytes.cancel();
    return await read(context, key, request);
  }
  const body = end === start ? null : outbox.passing(found.bytes);
  return new Response(body, {
    status: asked === undefined ? 200 : 206,
    headers: valueHeaders(head, { start, end }, asked),
  });
}

function valueHeaders(head: StateHead, { start, end }: ByteRange, asked: ByteRange | undefined): Headers {
  return new Headers({
    "content-type": "application/octet-stream",
    "content-length": String(end - start),
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    etag: etagOf(head.version),
    ...(asked !== undefined && { "content-range": contentRange(asked, head.bytes) }),
  });
}

async function write({ state, bodies }: AppContext, key: StateKey, request: Request): Promise<Response> {
  if (request.headers.has("content-range")) {
    throw new FaasletError("ERR_REQUEST_INVALID", "cannot replace the value by a part: PATCH writes one");
  }
  const condition = await writeCondition(request.headers, () => state.head(key));
  const written = await state.set(key, bodies.pieces(request, STATE_LIMITS.valueBytesMax), condition);
  return writtenResponse(key, written);
}

async function patch({ state, bodies }: AppContext, key: StateKey, request: Request): Promise<Response> {
  const { start, end } = parseContentRange(request.headers.get("content-range") ?? undefined);
  const condition = await writeCondition(request.headers, () => state.head(key));
  const part = await bodies.read(request, STATE_LIMITS.partBytesMax);
  try {
    if (part.length !== end - start) {
      const why = `Content-Range names ${end - start} bytes, ${part.length} came`;
      throw new FaasletError("ERR_REQUEST_INVALID", `cannot write the part: ${why}`);
    }
    return writtenResponse(key, await state.write(key, start, part, condition));
  } finally {
    bodies.release(part.length);
  }
}

function writtenResponse({ key }: StateKey, { head, sentBytes, sentChunks }: Written): Response {
  const { version, bytes } = head;
  return Response.json({ key, version, bytes, sentBytes, sentChunks }, { headers: { etag: etagOf(version) } });
}

async function remove({ state }: AppContext, key: StateKey, request: Request): Promise<Response> {
  const condition = await writeCondition(request.headers, () => state.head(key));
  if (!await state.delete(key, condition)) throw notFound(key);
  return new Response(null, { status: 204 });
}

/** Moves a value between this host's memory and the global tier. */
async function move(context: AppContext, key: StateKey, action: string | undefined): Promise<Response> {
  if (action !== "pull" && action !== "push") {
    throw new FaasletError("ERR_REQUEST_INVALID", "cannot read action: it is pull or push");
  }
  const local = context.localState(key.tenant);
  if (local === undefined) throw new FaasletError("ERR_NOT_FOUND", `cannot ${action} the value: none is on this host`);
  if (!await (action === "pull" ? local.pull(key.key) : local.push(key.key))) throw notFound(key);
  const head = await context.state.head(key);
  const region = (await regionsHere(context, key.tenant)).get(key.key);
  if (head === undefined && region === undefined) throw notFound(key);
  return Response.json({
    key: key.key,
    ...(head !== undefined && { version: head.version, bytes: head.bytes }),
    ...(region !== undefined && { here: hereOf(region, head?.version) }),
  });
}

function notFound({ key }: StateKey): FaasletError {
  return new FaasletError("ERR_NOT_FOUND", `cannot find ${JSON.stringify(key.slice(0, 80))}: there is no such value`);
}
