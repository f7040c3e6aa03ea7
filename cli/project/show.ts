/** What became of a project, for people and for programs. */
import { FaasletError } from "../../errors.ts";
import { EXIT } from "../exit_code.ts";
import type { Output } from "../output.ts";
import type { Applied, AppliedFunction } from "./apply.ts";
import type { Change } from "./difference.ts";

/** Characters of a digest that tell it from another one to a person. */
const DIGEST_SHOWN = 12;
/** What a dry run says instead. */
const WOULD = { created: "create", updated: "update", unchanged: "unchanged", failed: "failed" } as const;

/** Prints it; gives the exit code. `more` stands in the JSON document as well. */
export function showApplied(output: Output, applied: Applied, more: Readonly<Record<string, unknown>> = {}): number {
  const { functions, others, project, isDryRun } = applied;
  if (output.format === "json") output.json({ ...applied, functions: functions.map(asJson), ...more });
  else if (output.format === "name") {
    for (const { name, outcome } of functions) if (outcome !== "failed") output.line(name);
  } else {
    output.table(functions.flatMap((one) => rowsOf(one, isDryRun)));
    if (others.length > 0) output.note(`left alone, on the host but not in ${project}: ${others.join(", ")}`);
    if (isDryRun) output.note("a dry run: nothing was kept");
  }
  // With JSON they stand in the document.
  if (output.format !== "json") {
    for (const { name, error } of functions) {
      if (error) output.error(about(name, error));
    }
  }
  return functions.some(({ error }) => error !== undefined) ? EXIT.failure : EXIT.ok;
}

/** The same, of one function. */
export function asJson({ error, ...one }: AppliedFunction): Record<string, unknown> {
  if (error === undefined) return one;
  const { code, message, details } = error;
  return { ...one, error: { code, message, details } };
}

/** A function's failure, by its name. */
export function about(name: string, error: FaasletError): FaasletError {
  return new FaasletError(error.code, `${name}: ${error.message}`, { details: error.details, cause: error });
}

function rowsOf({ name, source, outcome, url, version, changes }: AppliedFunction, isDryRun: boolean): string[][] {
  const where = outcome === "failed" || (isDryRun && outcome === "created") ? source : url;
  const which = version === undefined ? "" : `version ${version}`;
  return [
    [isDryRun ? WOULD[outcome] : outcome, name, which, where],
    ...changes.map((change) => ["", change.what, "", `${shown(change, change.from)} -> ${shown(change, change.to)}`]),
  ];
}

function shown({ what }: Change, value: unknown): string {
  if (value === undefined) return "none";
  if (what === "module" || what.startsWith("file ")) return String(value).slice(0, DIGEST_SHOWN);
  return typeof value === "string" ? value : JSON.stringify(value);
}
