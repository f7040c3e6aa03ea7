/** Options that every subcommand takes, and where they come from when they are not given. */
import { FaasletError } from "../errors.ts";
import { OUTPUT_FORMATS } from "./output.ts";
import { choice, isGiven, text } from "./option_kinds.ts";
import type { Globals, ValuesOf } from "./verb.ts";

const GATEWAY_DEFAULT = "http://127.0.0.1:8080";

export const GLOBAL_OPTIONS = {
  gateway: text("-g, --gateway <url>", `the host to ask (FAASLET_URL, OPENFAAS_URL, the file's; ${GATEWAY_DEFAULT})`),
  config: text("-c, --config <file>", "the project's file, with its functions and its gateway (faaslet.toml here)"),
  output: choice("-o, --output <format>", OUTPUT_FORMATS, "how to show data"),
  json: isGiven("-j, --json", "the same as --output json"),
  quiet: isGiven("-q, --quiet", "no notes, only data and errors"),
  verbose: isGiven("-v, --verbose", "more notes, and causes of errors"),
};

/** Where options come from that were not given; `file` reads the project's. */
export interface Surroundings {
  readonly environment: (name: string) => string | undefined;
  readonly file: (config: string | undefined) => Promise<{ readonly gateway?: string | undefined }>;
}

/** Puts options, environment and file together; the first of them that says something wins. Throws `ERR_USAGE`. */
export async function resolveGlobals(
  given: Partial<ValuesOf<typeof GLOBAL_OPTIONS>>,
  { environment, file }: Surroundings,
): Promise<Globals> {
  const gateway = given.gateway || environment("FAASLET_URL") || environment("OPENFAAS_URL") ||
    (await file(given.config)).gateway || GATEWAY_DEFAULT;
  if (given.json === true && given.output !== undefined && given.output !== "json") {
    throw new FaasletError("ERR_USAGE", `cannot use --json and --output ${given.output} together`);
  }
  return {
    gateway: checkGateway(gateway),
    config: given.config,
    format: given.json === true ? "json" : given.output ?? "table",
    isQuiet: given.quiet === true,
    isVerbose: given.verbose === true,
  };
}

function checkGateway(gateway: string): string {
  const url = URL.parse(gateway);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:") && url.search === "" && url.hash === "") {
    return (url.origin + url.pathname).replace(/\/+$/, "");
  }
  const shown = JSON.stringify(gateway);
  throw new FaasletError("ERR_USAGE", `cannot use ${shown} as the gateway: write a URL, e.g. ${GATEWAY_DEFAULT}`);
}
