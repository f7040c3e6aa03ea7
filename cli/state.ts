/** `faaslet state`: values, from and to files. */
import { FaasletError } from "../errors.ts";
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { count, text } from "./option_kinds.ts";
import type { Output } from "./output.ts";
import { Counter } from "./progress.ts";
import {
  deleteValue,
  getValue,
  type HereView,
  listValues,
  type MovedView,
  moveValue,
  putValue,
  type WrittenView,
} from "./state_requests.ts";
import { readAction } from "./read_action.ts";
import { showBytes } from "./units.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import { defineVerb, type ValuesOf } from "./verb.ts";

const OPTIONS = {
  range: text("--range <bytes>", "get: this part only, e.g. 0-99, 100- or -100 for the end"),
  ifVersion: text(
    "--if-version <version>",
    "put, delete: only if the value is of this version; none: only if there is none",
  ),
  limit: count("-n, --limit <values>", "list: so many at most (1000)"),
};

const ACTIONS = ["get", "put", "list", "delete", "pull", "push"] as const;
const LIST_DEFAULT = 1_000;

interface Asked {
  readonly client: Client;
  readonly output: Output;
  readonly options: ValuesOf<typeof OPTIONS>;
  readonly file: string | undefined;
}

export const state = defineVerb({
  name: "state",
  summary: "read, write and list values of state, or move them between a host's memory and the store",
  words: [
    { word: "<action>", summary: "get, put, list, delete, pull or push", choices: ACTIONS },
    { word: "[key]", summary: "the value's key; of list, what keys begin with" },
    { word: "[file]", summary: "get: where to (standard output); put: where from (standard input)" },
  ],
  needs: [...CLIENT_NEEDS, "write"],
  options: OPTIONS,
  async run({ arguments: [action, key, file], options, globals, output }) {
    const known = readAction(action!, ACTIONS);
    if (file !== undefined && known !== "get" && known !== "put") {
      throw new FaasletError("ERR_USAGE", `cannot use ${JSON.stringify(file)}: ${known} takes no file`);
    }
    const asked: Asked = { client: new Client(globals.gateway), output, options, file };
    if (known === "list") return await list(asked, key ?? "");
    if (key === undefined) throw new FaasletError("ERR_USAGE", `cannot ${known} nothing: name a key`);
    if (known === "get") await get(asked, key);
    else if (known === "put") await put(asked, key);
    else if (known === "delete") await remove(asked, key);
    else showMoved(output, await moveValue(asked.client, key, known), known);
    return EXIT.ok;
  },
});

async function list({ client, output, options }: Asked, prefix: string): Promise<number> {
  const { values, usage } = await listValues(client, prefix, options.limit ?? LIST_DEFAULT);
  if (output.format === "json") output.json({ values, usage });
  else if (output.format === "name") { for (const { key } of values) output.line(key); }
  else {
    const rows = values.map(({ key, bytes, storedBytes, here, version, writtenAt }) => {
      const stored = storedBytes === undefined ? "-" : showBytes(storedBytes);
      return [key, showBytes(bytes), stored, showHere(here, bytes), version ?? "-", writtenAt ?? "-"];
    });
    output.table([["KEY", "SIZE", "STORED", "IN MEMORY HERE", "VERSION", "WRITTEN"], ...rows]);
    output.note(`${usage.keys} values of ${showBytes(usage.bytes)} in the store`);
  }
  return EXIT.ok;
}

function showHere(here: HereView | undefined, bytes: number): string {
  if (here === undefined) return "-";
  const part = here.bytes >= bytes ? "all" : showBytes(here.bytes);
  const notes = [
    ...(here.isCurrent ? [] : [here.version === undefined ? "never pushed" : `old: ${here.version}`]),
    ...(here.mayBeChanged ? ["may be changed"] : []),
  ];
  return notes.length === 0 ? part : `${part} (${notes.join(", ")})`;
}

async function get({ client, output, options, file }: Asked, key: string): Promise<void> {
  const { body, bytes, length, version } = await getValue(client, key, options.range);
  const counter = new Counter(output, `getting ${key}`, length);
  const pieces = counter.of(body);
  if (file === undefined) {
    const print = output.stream();
    for await (const piece of pieces) print.write(piece);
    print.end();
  } else {
    await writeWhole(file, pieces);
    if (output.format === "json") output.json({ key, version, bytes, file });
    else output.note(`${showBytes(length)} of ${key}, version ${version}, are in ${file}`);
  }
}

/** The file is there when all of it is. */
async function writeWhole(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const part = `${path}.part-${Deno.pid}`;
  try {
    using file = await Deno.open(part, { write: true, create: true, truncate: true });
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
    }
    await Deno.rename(part, path);
  } catch (thrown) {
    await Deno.remove(part).catch(() => {});
    if (thrown instanceof FaasletError) throw thrown;
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new FaasletError("ERR_STORAGE", `cannot write ${path}: ${why}`, { cause: thrown });
  }
}

async function put({ client, output, options, file }: Asked, key: string): Promise<void> {
  const source = await openSource(file);
  const counter = new Counter(output, `putting ${key}`, source.bytes);
  const body = ReadableStream.from(counter.of(source.stream));
  const written = await putValue(client, key, body, options.ifVersion).finally(() => counter.end());
  showWritten(output, written);
}

async function openSource(path: string | undefined) {
  if (path === undefined) {
    if (!Deno.stdin.isTerminal()) return { stream: Deno.stdin.readable, bytes: undefined };
    throw new FaasletError("ERR_USAGE", "cannot put nothing: name a file, or give the value on standard input");
  }
  try {
    const file = await Deno.open(path);
    return { stream: file.readable, bytes: (await Deno.stat(path)).size };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FaasletError("ERR_USAGE", `cannot read ${path}: ${why}`, { cause });
  }
}

function showWritten(output: Output, written: WrittenView): void {
  if (output.format === "json") return output.json(written);
  if (output.format === "name") return output.line(written.version);
  const sent = written.sentBytes < 0.9 * written.bytes ? ` (${showBytes(written.sentBytes)} sent)` : "";
  output.line(`${written.key}: ${showBytes(written.bytes)}${sent}, version ${written.version}`);
}

async function remove({ client, output, options }: Asked, key: string): Promise<void> {
  await deleteValue(client, key, options.ifVersion);
  if (output.format === "json") output.json({ deleted: key });
  else if (output.format === "name") output.line(key);
  else output.note(`deleted ${key}`);
}

function showMoved(output: Output, moved: MovedView, action: "pull" | "push"): void {
  if (output.format === "json") return output.json(moved);
  if (output.format === "name") return output.line(moved.version ?? "");
  const size = moved.bytes === undefined
    ? "nothing in the store"
    : `${showBytes(moved.bytes)}, version ${moved.version}`;
  output.line(`${moved.key}: ${size}; in memory here: ${showHere(moved.here, moved.bytes ?? 0)}`);
  if (action === "push" && moved.here === undefined) output.note("nothing of it was in this host's memory");
}
