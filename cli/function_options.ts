/** The options that say what a function is: those of `deploy` and of `up`. */
import { basename } from "node:path";
import { FaasletError } from "../errors.ts";
import {
  bytes,
  choice,
  count,
  duration,
  isGiven,
  list,
  type PathPair,
  pathPairs,
  text,
  variables,
} from "./option_kinds.ts";
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
  http: choice("--http <form>", ["raw", "cgi"], "the output is the answer, or has a head with its status and headers"),
  cors: list("--cors <origin>", "an origin whose pages may read the answers, or * (repeatable)"),
  idempotent: isGiven("--idempotent", "an asynchronous call may run again when its host went away during it"),
  set: list("--set <setting=value>", "any other setting of the API, e.g. logBytes=65536 (repeatable)"),
};

/** Options by the setting of the API that each stands for. */
const SETTING_OF = {
  memory: "memoryBytes",
  timeout: "timeoutMs",
  initTimeout: "initTimeoutMs",
  concurrency: "concurrency",
  queue: "queue",
  idle: "idle",
  env: "environment",
  arg: "arguments",
  allowNet: "allowNet",
  entry: "entry",
  init: "init",
  contentType: "contentType",
  http: "http",
  cors: "cors",
  idempotent: "idempotent",
} as const satisfies Readonly<Record<Exclude<keyof typeof FUNCTION_OPTIONS, "name" | "file" | "set">, string>>;

/** Values of these options; those that were not given need not be there. */
export type Given = Partial<ValuesOf<typeof FUNCTION_OPTIONS>>;

/** A function as somebody wants to have it. */
export interface Wanted {
  readonly name: string;
  /** Its source or module. */
  readonly path: string;
  /** As the API takes them. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly files: readonly PathPair[];
}

/** What a command line that names a file asks for. Throws `ERR_USAGE`. */
export function wantedOf(path: string, given: Given): Wanted {
  return { name: given.name ?? nameOf(path), path, settings: settingsOf(given), files: given.file ?? [] };
}

/** The settings as the API takes them; what was not given is not in it. Throws `ERR_USAGE`. */
export function settingsOf(given: Given): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const word of given.set ?? []) {
    const at = word.indexOf("=");
    if (at < 1) throw new FaasletError("ERR_USAGE", `cannot use --set ${JSON.stringify(word)}: write SETTING=VALUE`);
    settings[word.slice(0, at)] = valueOf(word.slice(at + 1));
  }
  for (const [option, setting] of Object.entries(SETTING_OF)) {
    const value = given[option as keyof typeof SETTING_OF];
    if (value !== undefined) settings[setting] = value;
  }
  return settings;
}

/** A name made of a file's: `Word_Freq.c` becomes `word-freq`. */
function nameOf(path: string): string {
  const stem = basename(path).replace(/(?<=.)\..*$/, "");
  const name = stem.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  if (name !== "") return name;
  throw new FaasletError("ERR_USAGE", `cannot make a name of ${JSON.stringify(path)}: use --name`);
}

/** A number or truth value where the word is one; else text. */
function valueOf(word: string): unknown {
  return /^(\d+|true|false)$/.test(word) ? JSON.parse(word) : word;
}
