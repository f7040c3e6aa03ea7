/** `/v1/calls` and `DELETE /async-function/{id}`: the life of calls, what they left, and their end by request. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { FaasletError } from "../errors.ts";
import { CALL_LIMITS } from "../limits.ts";
import type { AsyncCall, CallRecord, CallTree, OpenCall } from "../scheduler/mod.ts";
import { problemOfResult, responseOf } from "./answer.ts";
import { documentCallResources } from "./calls_docs.ts";
import type { AppContext } from "./context.ts";
import { hasEnded, logResponse, withLogs } from "./logs.ts";
import { checkName, DEFAULT_TENANT } from "../names.ts";
import { problemResponse } from "./problem.ts";
import { parseCount, parseDuration, parseSince } from "./times.ts";

const STATUSES = "queued running ok guest-error trap timeout cancelled refused host-lost failed".split(" ");

/** Adds the resources. */
export function addCalls(app: OpenAPIHono, context: AppContext): void {
  const { history, calls, dispatcher, clock, registry } = context;
  documentCallResources(app.openAPIRegistry);

  app.get("/v1/calls", ({ req, json }) => {
    const status = req.query("status");
    if (status !== undefined && !STATUSES.includes(status)) {
      throw new FaasletError("ERR_REQUEST_INVALID", `cannot read status: it is one of ${STATUSES.join(", ")}`);
    }
    const [name, since, before, limitText] = ["function", "since", "cursor", "limit"].map((one) => req.query(one));
    const limit = limitText === undefined
      ? CALL_LIMITS.pageDefault
      : parseCount(limitText, "limit", CALL_LIMITS.pageMax);
    const found = history.list({
      tenant: DEFAULT_TENANT,
      limit,
      ...(name !== undefined && { function: checkName(name) }),
      ...(status !== undefined && { status }),
      ...(before !== undefined && { before }),
      ...(since !== undefined && { sinceMs: parseSince(since, clock.epochMs()) }),
    });
    // A full page may have another one behind it.
    const cursor = found.length === limit ? found.at(-1)?.callId : undefined;
    return json({ calls: found.map(callView), ...(cursor !== undefined && { cursor }) });
  });

  app.get("/v1/calls/:id", async ({ req, json }) => {
    const id = req.param("id");
    await waitFor(req.query("wait"), id);
    return json(callView(known(id)));
  });

  app.get("/v1/calls/:id/tree", ({ req, json }) => {
    const found = history.tree(DEFAULT_TENANT, req.param("id"));
    if (found === undefined) throw unknownCall();
    const { tree, cost, isWhole } = found;
    return json({ tree: treeView(tree), cost, isWhole });
  });

  app.get("/v1/calls/:id/result", async ({ req }) => {
    const id = req.param("id");
    await waitFor(req.query("wait"), id);
    const found = known(id);
    if (!hasEnded(found)) throw new FaasletError("ERR_CONFLICT", `cannot give the result: the call is ${found.status}`);
    return await resultOf(found, calls.get(id));
  });

  app.get("/v1/calls/:id/logs", async ({ req, json }) => {
    const found = known(req.param("id"));
    if (!hasEnded(found)) throw new FaasletError("ERR_CONFLICT", `cannot give the logs: the call is ${found.status}`);
    const record = await withLogs(found, calls);
    const stream = req.query("stream");
    if (stream === undefined) {
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      const { stdoutBytes, stderrBytes } = record;
      return json({ stdout: text(record.stdout), stdoutBytes, stderr: text(record.stderr), stderrBytes });
    }
    if (stream !== "stdout" && stream !== "stderr") {
      throw new FaasletError("ERR_REQUEST_INVALID", "cannot read stream: it is stdout or stderr");
    }
    const response = context.outbox.response(record[stream]);
    response.headers.set("content-type", "application/octet-stream");
    return response;
  });

  app.delete("/async-function/:id", ({ req, body }) => {
    const found = known(req.param("id"));
    if (hasEnded(found) || !dispatcher.cancel(found.callId)) {
      throw new FaasletError("ERR_CONFLICT", "cannot cancel the call: it has ended");
    }
    return body(null, 202);
  });

  app.get("/v1/functions/:name/logs", async ({ req }) => {
    const name = checkName(req.param("name"));
    if (await registry.describe(DEFAULT_TENANT, name) === undefined) {
      throw new FaasletError("ERR_NOT_FOUND", `cannot find ${name}: there is no such function`);
    }
    const [since, tail, follow] = ["since", "tail", "follow"].map((one) => req.query(one));
    return await logResponse(context, {
      tenant: DEFAULT_TENANT,
      name,
      sinceMs: since === undefined ? undefined : parseSince(since, clock.epochMs()),
      tail: tail === undefined ? undefined : parseCount(tail, "tail", 1_000_000),
      isFollowed: follow !== undefined && follow !== "0" && follow !== "false",
    }, (line) => line);
  });

  /** The same for a call that never was and for one that is another's. */
  function known(id: string): CallRecord | OpenCall {
    const found = history.get(DEFAULT_TENANT, id);
    if (found !== undefined) return found;
    throw unknownCall();
  }

  async function waitFor(text: string | undefined, id: string): Promise<void> {
    if (text === undefined) return;
    known(id);
    await calls.wait(id, Math.min(parseDuration(text, "wait"), CALL_LIMITS.waitMsMax));
  }

  /** As the answer to a synchronous call would have been. */
  async function resultOf(record: CallRecord, call: AsyncCall | undefined): Promise<Response> {
    const { callId, status, returnValue, code, message, tenant, function: name } = record;
    context.outbox.checkRoom();
    const result = call && await calls.result(call);
    if (status !== "ok") {
      const error = code === undefined ? undefined : { code, message: message ?? "" };
      const stderr = result?.stderr ?? record.stderr;
      return problemResponse(
        problemOfResult({ callId, status, returnValue, error, stderr, stderrBytes: record.stderrBytes }),
      );
    }
    if (result === undefined) throw new FaasletError("ERR_NOT_FOUND", "cannot give the result: it is not kept");
    const live = registry.live(tenant, name);
    const response = responseOf({ ...result, callId }, live, context.outbox);
    response.headers.set("x-call-id", callId);
    response.headers.set("x-function-version", String(record.version));
    return response;
  }
}

/** A call as clients see it: without its logs. */
export function callView(call: CallRecord | OpenCall): Record<string, unknown> {
  const { callId, kind, tenant, function: name, version, status, acceptedAtMs } = call;
  const view = { callId, kind, tenant, function: name, version, status, acceptedAt: timeOf(acceptedAtMs) };
  if (!hasEnded(call)) return view;
  const { parentId, rootId, code, message, endedAtMs } = call;
  return {
    ...view,
    endedAt: timeOf(endedAtMs),
    returnValue: call.returnValue,
    ...(code !== undefined && { error: { code, message: message ?? "" } }),
    start: call.start,
    queueUs: call.queueUs,
    startUs: call.startUs,
    execUs: call.execUs,
    cpuUs: call.cpuUs,
    memoryBytes: call.memoryBytes,
    inputBytes: call.inputBytes,
    outputBytes: call.outputBytes,
    stdoutBytes: call.stdoutBytes,
    stderrBytes: call.stderrBytes,
    ...(parentId !== undefined && { parentId, rootId }),
  };
}

function treeView({ call, children }: CallTree): Record<string, unknown> {
  return { ...callView(call), children: children.map(treeView) };
}

function unknownCall(): FaasletError {
  return new FaasletError("ERR_NOT_FOUND", "cannot find the call: there is none of that id, or it is no longer kept");
}

function timeOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
