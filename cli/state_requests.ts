/** What the subcommands ask a host about state. */
import { FaasletError } from "../errors.ts";
import type { Client } from "./client.ts";

/** How much of a value a host has in memory. */
export interface HereView {
  readonly bytes: number;
  readonly mayBeChanged: boolean;
  readonly isCurrent: boolean;
  /** What it was made from; absent for what functions made there. */
  readonly version?: string;
}

/** A value in a list. */
export interface ValueView {
  readonly key: string;
  /** Absent, as what follows from it: it is in the host's memory alone. */
  readonly version?: string;
  readonly bytes: number;
  readonly storedBytes?: number;
  readonly writtenAt?: string;
  readonly here?: HereView;
}

/** What a write did. */
export interface WrittenView {
  readonly key: string;
  readonly version: string;
  readonly bytes: number;
  readonly sentBytes: number;
  readonly sentChunks: number;
}

/** What a pull or push did. */
export interface MovedView {
  readonly key: string;
  readonly version?: string;
  readonly bytes?: number;
  readonly here?: HereView;
}

/** A value's bytes, unread. */
export interface ValueAnswer {
  readonly version: string;
  /** Of the whole value. */
  readonly bytes: number;
  /** Of the answer. */
  readonly length: number;
  readonly body: AsyncIterable<Uint8Array>;
}

interface Page {
  readonly values: ValueView[];
  readonly usage: { readonly bytes: number; readonly keys: number };
  readonly next?: string;
}

const PAGE = 1_000;

/** Values whose keys begin with `prefix`, and what all values take. */
export async function listValues(client: Client, prefix: string, limit: number) {
  const values: ValueView[] = [];
  let after: string | undefined;
  for (;;) {
    const query = new URLSearchParams({ prefix, limit: String(Math.max(1, Math.min(PAGE, limit - values.length))) });
    if (after !== undefined) query.set("after", after);
    const page = await client.requestJson<Page>("GET", `/v1/state?${query}`);
    values.push(...page.values);
    if (page.next === undefined || values.length >= limit) return { values, usage: page.usage };
    after = page.next;
  }
}

export async function getValue(client: Client, key: string, range: string | undefined): Promise<ValueAnswer> {
  const headers = new Headers();
  if (range !== undefined) headers.set("range", `bytes=${range}`);
  const response = await client.request("GET", statePath(key), { headers });
  const length = Number(response.headers.get("content-length"));
  const whole = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
  return {
    version: (response.headers.get("etag") ?? "").replaceAll('"', ""),
    bytes: whole === undefined ? length : Number(whole),
    length,
    body: piecesOf(response.body, length),
  };
}

/** The pieces of a body; whoever breaks it off does so without a word. */
async function* piecesOf(body: ReadableStream<Uint8Array> | null, length: number): AsyncIterable<Uint8Array> {
  let received = 0;
  try {
    for await (const piece of body ?? []) {
      received += piece.length;
      yield piece;
    }
  } catch (cause) {
    throw brokenOff(received, length, cause);
  }
  if (received < length) throw brokenOff(received, length);
}

function brokenOff(received: number, length: number, cause?: unknown): FaasletError {
  const why = "somebody wrote the value meanwhile, or the host went away; try again";
  return new FaasletError("ERR_CONFLICT", `cannot read on after ${received} of ${length} bytes: ${why}`, { cause });
}

/** `ifVersion`: a version, or `none` for a value that must not be there. */
export async function putValue(
  client: Client,
  key: string,
  body: ReadableStream<Uint8Array>,
  ifVersion: string | undefined,
): Promise<WrittenView> {
  const headers = conditions(ifVersion);
  headers.set("content-type", "application/octet-stream");
  return await client.requestJson("PUT", statePath(key), { body, headers });
}

export async function deleteValue(client: Client, key: string, ifVersion: string | undefined): Promise<void> {
  const response = await client.request("DELETE", statePath(key), { headers: conditions(ifVersion) });
  await response.body?.cancel();
}

export async function moveValue(client: Client, key: string, action: "pull" | "push"): Promise<MovedView> {
  return await client.requestJson("POST", `${statePath(key)}?action=${action}`);
}

function conditions(ifVersion: string | undefined): Headers {
  if (ifVersion === undefined) return new Headers();
  return new Headers(ifVersion === "none" ? { "if-none-match": "*" } : { "if-match": `"${ifVersion}"` });
}

/** A key in a path: its slashes are the path's. What a path would lose is refused by the host's grammar, so it is not sent bare. */
function statePath(key: string): string {
  if (key.split("/").some((part) => part === "." || part === "..")) {
    throw new FaasletError(
      "ERR_NAME_INVALID",
      `cannot use the state key ${JSON.stringify(key)}: it has a . or .. part`,
    );
  }
  return `/v1/state/${key.split("/").map(encodeURIComponent).join("/")}`;
}
