/**
 * What a host logs: one line a record on standard error, to be read by people or by programs. What guests and the network
 * say ends up in it, so that no control character is ever written as it is, and no text begins a line of its own.
 *
 * @module
 */
import {
  configureSync,
  getConsoleSink,
  getLogger,
  getTextFormatter,
  type Logger,
  type LogRecord,
} from "@logtape/logtape";
import { toFaasletError } from "../errors.ts";
import { escapeJson, escapeLine } from "./escape.ts";

/** How a record is written. */
export type LogFormat = keyof typeof FORMATTERS;
export const LOG_FORMATS = ["text", "json"] as const;

/** What each record has, and the word that messages are made of: as fields they would say nothing new. */
const OWN_FIELDS = new Set(["time", "level", "category", "message", "what"]);
/** Causes of causes that are written; a chain may be endless. */
const CAUSES_MAX = 8;

const withoutColour = getTextFormatter({ lineEnding: "lf" });
const FORMATTERS = { text: formatText, json: formatJson } as const;

/** Sets up the logs of this process. */
export function openLog(format: LogFormat): Logger {
  // Standard output is for data, whatever the level.
  const levelMap = {
    trace: "error",
    debug: "error",
    info: "error",
    warning: "error",
    error: "error",
    fatal: "error",
  } as const;
  configureSync({
    sinks: { console: getConsoleSink({ formatter: FORMATTERS[format], levelMap }) },
    loggers: [
      { category: ["faaslet"], lowestLevel: "info", sinks: ["console"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["console"] },
    ],
  });
  return getLogger(["faaslet"]);
}

/** A record for people, with its fields behind the message. */
export function formatText(record: LogRecord): string {
  const fields = Object.entries(fieldsOf(record)).filter(([name, value]) => name !== "thrown" && value !== undefined)
    .map(([name, value]) => ` ${name}=${isPlain(value) ? value : stringify(value)}`);
  return escapeLine(withoutColour(record).trimEnd() + fields.join(""));
}

/** A record as one JSON object. */
export function formatJson(record: LogRecord): string {
  const { timestamp, level, category, message } = record;
  const shown = {
    time: new Date(timestamp).toISOString(),
    level,
    category: category.join("."),
    message: message.map((part) => part instanceof Error ? part.message : String(part)).join(""),
    ...fieldsOf(record),
  };
  return escapeJson(stringify(shown));
}

/** Whether a field's value cannot be taken for more than one field. */
function isPlain(value: unknown): value is string {
  return typeof value === "string" && /^[\w.:/-]+$/.test(value);
}

function stringify(value: unknown): string {
  return JSON.stringify(value, (_, inner) => typeof inner === "bigint" ? String(inner) : inner);
}

/** The fields of a record; what was thrown has its code among them, so that one field is enough to count by. */
function fieldsOf({ properties }: LogRecord): Record<string, unknown> {
  const { thrown } = properties;
  const code = thrown === undefined ? {} : { code: toFaasletError(thrown).code };
  const fields = Object.entries<unknown>({ ...code, ...properties }).filter(([name]) => !OWN_FIELDS.has(name));
  return Object.fromEntries(fields.map(([name, value]) => [name, value instanceof Error ? describe(value) : value]));
}

function describe(error: Error, depth = 0): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const hasCause = cause instanceof Error && depth < CAUSES_MAX;
  return { name, message, stack, ...(hasCause && { cause: describe(cause, depth + 1) }) };
}
