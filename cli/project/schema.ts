/**
 * What may stand in a project's file. Its keys for a function are the options of `faaslet deploy`: `--init-timeout 3s` is
 * `init-timeout = "3s"`.
 *
 * @module
 */
import { z } from "zod";
import { FaasletError } from "../../errors.ts";
import { isName, NAME_GRAMMAR } from "../../names.ts";
import { FUNCTION_OPTIONS, type Given, settingsOf, type Wanted } from "../function_options.ts";
import { nearest } from "../nearest.ts";
import type { OptionSpec } from "../verb.ts";

/** How an option is written in the file. */
type Shape = "word" | "switch" | "words" | "variables" | "paths" | "settings";
type Name = Exclude<keyof typeof FUNCTION_OPTIONS, "name">;

const SHAPES: Readonly<Record<Name, Shape>> = {
  memory: "word",
  timeout: "word",
  initTimeout: "word",
  concurrency: "word",
  queue: "word",
  idle: "word",
  env: "variables",
  arg: "words",
  file: "paths",
  allowNet: "words",
  entry: "word",
  init: "word",
  contentType: "word",
  http: "word",
  cors: "words",
  idempotent: "switch",
  set: "settings",
};

const NAMES = Object.keys(SHAPES) as Name[];
const KEY_OF = Object.fromEntries(NAMES.map((name) => [name, keyOf(name)])) as Readonly<Record<Name, string>>;

const FUNCTION_SCHEMA = z.strictObject({
  source: z.string().min(1),
  ...Object.fromEntries(NAMES.map((name) => [KEY_OF[name], schemaOf(FUNCTION_OPTIONS[name], SHAPES[name]).optional()])),
});

const PROJECT_SCHEMA = z.strictObject({
  gateway: z.string().min(1).optional(),
  functions: z.record(z.string().refine(isName, `a name is ${NAME_GRAMMAR}`), FUNCTION_SCHEMA).default({}),
});

/** Its functions, in the order of the file. Throws `ERR_USAGE` with every problem in `details`. */
export function parseProject(path: string, toml: unknown): Wanted[] {
  const result = PROJECT_SCHEMA.safeParse(toml);
  if (result.success) return Object.entries(result.data.functions).map(([name, written]) => wantedOf(name, written));
  const details = result.error.issues.flatMap(problemsOf);
  throw new FaasletError("ERR_USAGE", `cannot use ${path}: ${details[0]}`, { details });
}

function wantedOf(name: string, written: { readonly source: string; readonly [key: string]: unknown }): Wanted {
  const { set, file, ...given } = Object.fromEntries(NAMES.map((one) => [one, written[KEY_OF[one]]]));
  const pairs = Object.entries((file ?? {}) as Record<string, string>).map(([guest, host]) => ({ host, guest }));
  const settings = { ...(set as Record<string, unknown> | undefined), ...settingsOf(given as Given) };
  return { name, path: written.source, settings, files: pairs };
}

/** The long flag of an option, without its dashes. */
function keyOf(name: Name): string {
  return /--([a-z-]+)/.exec(FUNCTION_OPTIONS[name].flags)![1]!;
}

// deno-lint-ignore no-explicit-any -- Options of any value type.
function schemaOf(spec: OptionSpec<any>, shape: Shape): z.ZodType {
  switch (shape) {
    case "word":
      return z.union([z.string(), z.number()], "is text or a number").transform((value, context) => {
        try {
          return spec.read!(String(value), undefined);
        } catch (thrown) {
          if (!(thrown instanceof FaasletError)) throw thrown;
          context.addIssue({ code: "custom", message: thrown.message });
          return z.NEVER;
        }
      });
    case "switch":
      return z.boolean();
    case "words":
      return z.array(z.string());
    case "variables":
      return z.record(z.string(), z.string());
    case "paths":
      return z.record(z.string().regex(/^\//, "a path of the guest begins with /"), z.string());
    case "settings":
      return z.record(z.string(), z.unknown());
  }
}

function problemsOf(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.map(String).join(".");
  if (issue.code === "unrecognized_keys") {
    const known = issue.path.length === 0 ? Object.keys(PROJECT_SCHEMA.shape) : Object.keys(FUNCTION_SCHEMA.shape);
    return issue.keys.map((key) => {
      const meant = nearest(key, known);
      const hint = meant === undefined ? `it is one of ${known.join(", ")}` : `did you mean ${meant}?`;
      return `${place === "" ? "" : `${place}: `}unknown key ${JSON.stringify(key)}; ${hint}`;
    });
  }
  if (issue.code === "invalid_key") return [`${place}: ${issue.issues.map(({ message }) => message).join("; ")}`];
  if (issue.code === "invalid_type" && issue.input === undefined && / undefined$/.test(issue.message)) {
    return [`${place}: is missing`];
  }
  return [`${place}: ${issue.message}`];
}
