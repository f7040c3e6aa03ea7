/** What the subcommands ask a host about calls. */
import { type Client, functionPath, inPath } from "./client.ts";

/** A call as `/v1/calls` shows it. */
export interface CallView {
  readonly callId: string;
  readonly kind: "sync" | "async";
  readonly function: string;
  readonly version: number;
  readonly status: string;
  readonly acceptedAt: string;
  readonly endedAt?: string;
  readonly returnValue?: number;
  readonly error?: { readonly code: string; readonly message: string };
  readonly start?: string;
  readonly queueUs?: number;
  readonly startUs?: number;
  readonly execUs?: number;
  readonly cpuUs?: number;
  readonly memoryBytes?: number;
  readonly inputBytes?: number;
  readonly outputBytes?: number;
  readonly stdoutBytes?: number;
  readonly stderrBytes?: number;
}

/** A call with those that it made. */
export interface CallTreeView extends CallView {
  readonly children: readonly CallTreeView[];
}

/** What a call led to, and what all of it cost. */
export interface TreeView {
  readonly tree: CallTreeView;
  readonly cost: {
    readonly calls: number;
    readonly open: number;
    readonly failed: number;
    readonly execUs: number;
    readonly cpuUs: number;
    readonly inputBytes: number;
    readonly outputBytes: number;
  };
  /** False when there are more calls than one answer holds. */
  readonly isWhole: boolean;
}

/** A line of a function's log. */
export interface LogLine {
  readonly time: string;
  readonly function: string;
  readonly callId: string;
  readonly stream: string;
  readonly text: string;
}

/** The longest that a host is asked to wait at once. */
const WAIT_MS = 30_000;

/** Hands a call over without waiting. */
export async function submit(
  client: Client,
  name: string,
  input: Uint8Array,
  key: string | undefined,
): Promise<{ callId: string; isReplay: boolean }> {
  const headers = new Headers({ "content-type": "application/octet-stream" });
  if (key !== undefined) headers.set("idempotency-key", key);
  const init = { body: new Uint8Array(input), headers };
  const response = await client.request("POST", `/async-function/${inPath(name)}`, init);
  const { callId } = await response.json() as { callId: string };
  return { callId, isReplay: response.headers.get("idempotency-replayed") === "true" };
}

export async function getCall(client: Client, id: string): Promise<CallView> {
  return await client.requestJson("GET", `/v1/calls/${inPath(id)}`);
}

export async function getCallTree(client: Client, id: string): Promise<TreeView> {
  return await client.requestJson("GET", `/v1/calls/${inPath(id)}/tree`);
}

/** The call once it has ended, or as it is after `forMs`. */
export async function waitForEnd(client: Client, id: string, forMs: number): Promise<CallView> {
  const end = performance.now() + forMs;
  for (;;) {
    const left = Math.max(0, Math.min(WAIT_MS, end - performance.now()));
    const call = await client.requestJson<CallView>("GET", `/v1/calls/${inPath(id)}?wait=${Math.ceil(left)}ms`);
    if (call.endedAt !== undefined || performance.now() >= end) return call;
  }
}

/** What an asynchronous call answered. Throws what it failed with. */
export async function getResult(client: Client, id: string): Promise<Uint8Array> {
  return await (await client.request("GET", `/v1/calls/${inPath(id)}/result`)).bytes();
}

export async function getCallLogs(client: Client, id: string): Promise<{ stdout: string; stderr: string }> {
  return await client.requestJson("GET", `/v1/calls/${inPath(id)}/logs`);
}

export async function cancelCall(client: Client, id: string): Promise<void> {
  await (await client.request("DELETE", `/async-function/${inPath(id)}`)).body?.cancel();
}

/** Calls, newest first: pages until there are `limit`. */
export async function listCalls(client: Client, query: URLSearchParams, limit: number): Promise<CallView[]> {
  const found: CallView[] = [];
  const page = new URLSearchParams(query);
  while (found.length < limit) {
    page.set("limit", String(Math.min(1_000, limit - found.length)));
    const { calls, cursor } = await client.requestJson<{ calls: CallView[]; cursor?: string }>(
      "GET",
      `/v1/calls?${page}`,
    );
    found.push(...calls);
    if (cursor === undefined) break;
    page.set("cursor", cursor);
  }
  return found;
}

/** A function's log lines; with `follow` in the query they go on until the host stops, or somebody gives the signal. */
export async function* readLogs(
  client: Client,
  name: string,
  query: URLSearchParams,
  init: { readonly signal?: AbortSignal } = {},
): AsyncGenerator<LogLine> {
  const response = await client.request("GET", `${functionPath(name)}/logs?${query}`, init);
  let rest = "";
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line !== "") yield JSON.parse(line) as LogLine;
  }
}
