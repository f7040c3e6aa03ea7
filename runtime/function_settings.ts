/**
 * What whoever deploys a function may choose, with defaults and maxima from `limits.ts`. Unknown settings are refused: a
 * mistyped one would otherwise be a limit that does not hold.
 *
 * @module
 */
import { z } from "zod";
import { FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS as LIMITS, HTTP_LIMITS, WASM_PAGE_BYTES } from "../limits.ts";
import { networkProblem } from "./network_rules.ts";
import type { FaasletLimits } from "./worker_group.ts";

const TEXT = new TextEncoder();
/** No more than somebody reads: the client chooses how many there are, and how long. */
const PROBLEMS_MAX = 50;
const PROBLEM_CHARACTERS_MAX = 1_000;

/** The settings as they are kept: every field has a value. */
export const FUNCTION_SETTINGS_SCHEMA = z.strictObject({
  entry: exportName().describe("Export that runs once a call; found from the module's exports when absent"),
  init: exportName().describe("Export that runs once before the snapshot"),
  timeoutMs: count(1, LIMITS.timeoutMsMax, LIMITS.timeoutMsDefault, "A call's deadline, milliseconds"),
  initTimeoutMs: count(1, LIMITS.initTimeoutMsMax, LIMITS.initTimeoutMsDefault, "The initialiser's, milliseconds"),
  memoryBytes: count(0, LIMITS.memoryBytesMax, LIMITS.memoryBytesDefault, "Linear memory, whole pages of 64 KiB")
    .refine((bytes) => bytes % WASM_PAGE_BYTES === 0, `has to be a multiple of ${WASM_PAGE_BYTES}`),
  inputBytes: count(0, LIMITS.inputBytesMax, LIMITS.inputBytesMax, "A call's input"),
  outputBytes: count(0, LIMITS.outputBytesMax, LIMITS.outputBytesDefault, "A call's output"),
  logBytes: count(0, LIMITS.logBytesMax, LIMITS.logBytesDefault, "Kept of standard output and of standard error, each"),
  concurrency: count(1, LIMITS.concurrencyMax, LIMITS.concurrencyDefault, "Calls that run at once"),
  queue: count(0, LIMITS.queueMax, LIMITS.queueDefault, "Calls that wait; more are refused with 429"),
  idle: count(0, LIMITS.idleMax, LIMITS.idleDefault, "Idle Faaslets that are kept"),
  fileBytes: count(0, LIMITS.fileBytesMax, LIMITS.fileBytesDefault, "What a call may write to its private files"),
  files: count(0, LIMITS.filesMax, LIMITS.filesDefault, "Private files and directories of a call"),
  descriptors: count(4, LIMITS.descriptorsMax, LIMITS.descriptorsDefault, "Open files of a call"),
  clockResolutionUs: count(
    LIMITS.clockResolutionUsMin,
    LIMITS.clockResolutionUsMax,
    LIMITS.clockResolutionUsDefault,
    "What all clocks are multiples of, microseconds, unless the host lets them be coarser only",
  ),
  environment: z.record(z.string().regex(/^[^=\0]+$/, "a variable's name has no = and no NUL"), withoutNul())
    .refine(
      (all) => bytesOf(Object.entries(all).flat()) <= LIMITS.environmentBytesMax,
      tooLarge(LIMITS.environmentBytesMax),
    )
    .default({}).describe("Environment variables; nothing is inherited"),
  arguments: z.array(withoutNul())
    .refine((all) => bytesOf(all) <= LIMITS.argumentsBytesMax, tooLarge(LIMITS.argumentsBytesMax))
    .default([]).describe("Arguments after the program's name"),
  allowNet: z.array(
    z.string().refine((rule) => networkProblem(rule) === undefined, {
      error: ({ input }) => networkProblem(String(input))!,
    }),
  )
    .max(LIMITS.networkRulesMax).default([])
    .describe(
      "What sockets may reach, as HOST:PORT: an address, ADDRESS/PREFIX, [IPv6], localhost, or * for all public ones",
    ),
  cgi: z.boolean().default(true).describe("Whether a request's method, path and headers reach the guest (RFC 3875)"),
  idempotent: z.boolean().default(false)
    .describe("Whether an asynchronous call may run again when its host went away during it"),
  http: z.enum(["raw", "cgi"]).default("raw")
    .describe("Whether an answer is the output as it is, or begins with a head of its own: Status and header lines"),
  cors: z.array(z.string().max(300).regex(/^(\*|https?:\/\/[^\s/?#]+)$/, "is no origin, e.g. https://a.example, or *"))
    .max(HTTP_LIMITS.corsOriginsMax).default([]).describe("Origins whose pages may read the answers"),
  contentType: z.string().max(200).regex(/^[\w.+*-]+\/[\w.+*-]+(?: *; *[\w-]+=[\w."+/-]+)*$/, "is not a media type")
    .default("application/octet-stream").describe("Of the answers"),
});

/** A function's settings, complete. */
export type FunctionSettings = z.infer<typeof FUNCTION_SETTINGS_SCHEMA>;

/** Reads settings as a client wrote them. Throws `ERR_SETTINGS_INVALID` with every problem in `details`. */
export function parseSettings(written: unknown): FunctionSettings {
  checkEntries(written);
  const result = FUNCTION_SETTINGS_SCHEMA.safeParse(written ?? {});
  if (result.success) return result.data;
  const details = result.error.issues.slice(0, PROBLEMS_MAX).map((issue) => {
    const name = issue.path.map(String).join(".");
    return shortened(name === "" ? issue.message : `${name}: ${issue.message}`);
  });
  throw new FaasletError("ERR_SETTINGS_INVALID", `cannot use the settings: ${details[0]}`, { details });
}

/** Before anything looks at each of them. */
function checkEntries(written: unknown): void {
  if (typeof written !== "object" || written === null) return;
  for (const name of ["environment", "arguments"]) {
    const entries: unknown = Object.hasOwn(written, name) ? (written as Record<string, unknown>)[name] : undefined;
    const count = typeof entries === "object" && entries !== null ? Object.keys(entries).length : 0;
    if (count > LIMITS.entriesMax) {
      const problem = `${name}: ${count} entries are over ${LIMITS.entriesMax}`;
      throw new FaasletError("ERR_SETTINGS_INVALID", `cannot use the settings: ${problem}`, { details: [problem] });
    }
  }
}

/** The part of the settings that a worker group enforces. */
export function faasletLimits(settings: FunctionSettings): FaasletLimits {
  const { initTimeoutMs, memoryBytes, outputBytes, logBytes, fileBytes, files, descriptors, clockResolutionUs, idle } =
    settings;
  return { initTimeoutMs, memoryBytes, outputBytes, logBytes, fileBytes, files, descriptors, clockResolutionUs, idle };
}

function shortened(text: string): string {
  return text.length > PROBLEM_CHARACTERS_MAX ? `${text.slice(0, PROBLEM_CHARACTERS_MAX)}…` : text;
}

function count(least: number, most: number, usual: number, what: string) {
  return z.int().min(least).max(most).default(usual).describe(`${what}; at most ${most}`);
}

function exportName() {
  return z.string().min(1).max(1_000).optional();
}

function withoutNul() {
  return z.string().regex(/^[^\0]*$/, "holds a NUL byte");
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + TEXT.encode(text).length + 1, 0);
}

function tooLarge(max: number): string {
  return `is larger than ${max} bytes`;
}
