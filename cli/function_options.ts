/** The options that say what a function is: those of `deploy` and of `up`. */
import { basename } from "node:path";
import { FaasletError } from "../errors.ts";
import { bytes, count, duration, list, pathPairs, text, variables } from "./option_kinds.ts";
import type { ValuesOf } from "./verb.ts";

export const FUNCTION_OPTIONS = {
  name: text("--name <name>", "what the function is called (the file's name)"),
  memory: bytes("--memory <size>", "what its memory may be, e.g. 64MiB"),
  timeout: duration("--timeout <duration>", "a call's deadline, e.g. 500ms, 2s, 1m"),
  initTimeout: duration("--init-timeout <duration>", "the initialiser's deadline"),
  concurrency: count("--concurrency <calls>", "calls that run at once"),
  queue: count("--queue <calls>", "calls that wait; more are refused"),
  idle: count("--idle <faaslets>", "idle Faaslets that are kept"),
  env: variables("-e, --env <name=value>", "an environment variable (repeatable)"),
  arg: list("--arg <word>", "an argument of the program (repeatable)"),
  file: pathPairs("--file <host:guest>", ":", "a file or directory that the function brings, read-only (repeatable)"),
  allowNet: list("--allow-net <host:port>", "what its sockets may reach: an address, ADDRESS/PREFIX or * (repeatable)"),
  entry: text("--entry <export>", "the function that a call runs"),
  init: text("--init <export>", "the function that runs once, before the snapshot"),
  contentType: text("--content-type <type>", "the media type of its answers"),
  set: list("--set <setting=value>", "any other setting of the API, e.g. logBytes=65536 (repeatable)"),
};

type Given = ValuesOf<typeof FUNCTION_OPTIONS>;

/** The settings as the API takes them; what was not given is not in it. Throws `ERR_USAGE`. */
export function settingsOf(given: Given): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const word of given.set ?? []) {
    const at = word.indexOf("=");
    if (at < 1) throw new FaasletError("ERR_USAGE", `cannot use --set ${JSON.stringify(word)}: write SETTING=VALUE`);
    settings[word.slice(0, at)] = valueOf(word.slice(at + 1));
  }
  const named = {
    memoryBytes: given.memory,
    timeoutMs: given.timeout,
    initTimeoutMs: given.initTimeout,
    concurrency: given.concurrency,
    queue: given.queue,
    idle: given.idle,
    environment: given.env,
    arguments: given.arg,
    allowNet: given.allowNet,
    entry: given.entry,
    init: given.init,
    contentType: given.contentType,
  };
  for (const [name, value] of Object.entries(named)) if (value !== undefined) settings[name] = value;
  return settings;
}

/** The name that was given, or one made of the file's: `Word_Freq.c` becomes `word-freq`. */
export function nameOf(given: Given, path: string): string {
  if (given.name !== undefined) return given.name;
  const stem = basename(path).replace(/(?<=.)\..*$/, "");
  const name = stem.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  if (name !== "") return name;
  throw new FaasletError("ERR_USAGE", `cannot make a name of ${JSON.stringify(path)}: use --name`);
}

/** A number or truth value where the word is one; else text. */
function valueOf(word: string): unknown {
  return /^(\d+|true|false)$/.test(word) ? JSON.parse(word) : word;
}
