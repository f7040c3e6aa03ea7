/** `faaslet up`: from a file to an answer. */
import { type BackgroundHost, startBackgroundHost } from "./background_host.ts";
import { Client } from "./client.ts";
import { defaultDataDirectory } from "./data_directory.ts";
import { prepareDeploy, sendDeploy } from "./deploy.ts";
import { EXIT } from "./exit_code.ts";
import { FaasletError } from "../errors.ts";
import { findProject } from "./find_project.ts";
import { FUNCTION_OPTIONS, type Given, wantedOf } from "./function_options.ts";
import { printAnswer, readInput } from "./invoke.ts";
import { text } from "./option_kinds.ts";
import { during } from "./progress.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import type { Output } from "./output.ts";
import { PROGRAM_OR_PROJECT_WORD } from "./read_program.ts";
import { defineVerb, type Globals } from "./verb.ts";

export const up = defineVerb({
  name: "up",
  summary: "build a file, start a host if none answers, deploy, call once; or deploy a project's functions",
  needs: [...CLIENT_NEEDS, "write", "run"],
  words: [PROGRAM_OR_PROJECT_WORD],
  takesProject: true,
  options: {
    ...FUNCTION_OPTIONS,
    data: text("-d, --data <data>", "the input of the call; @FILE reads a file (nothing; a project: no call)"),
    hostData: text("--host-data <directory>", "where a host that has to be started keeps functions"),
  },
  async run({ arguments: [path], options, globals, output }) {
    const host: HostPlace = { globals, dataDirectory: options.hostData };
    const project = await findProject(path, globals.config);
    if (project !== undefined) return await upProject(project, options, host, output);
    const input = await readInput(options.data ?? "");
    const prepared = await prepareDeploy(output, wantedOf(path!, options), false);
    const { client } = await reachHost(host, output);
    const { outcome, record } = await sendDeploy(client, output, prepared);
    const url = client.urlOf(record.name);
    output.note(`${outcome} ${record.name}, version ${record.version}: ${url}`);
    if (output.format === "json") {
      const { headers, body } = await client.invoke(record.name, input);
      const answer = await new Response(body).text();
      output.json({ url, outcome, function: record, start: headers.get("x-start"), answer });
    } else if (output.format === "name") output.line(record.name);
    else await printAnswer(client, output, record.name, input, { showsHeaders: false });
    return EXIT.ok;
  },
});

/** A host, and where it keeps functions if it has to be started. */
export interface HostPlace {
  readonly globals: Globals;
  readonly dataDirectory: string | undefined;
}

/** Starts a host when none answers, and says so. Throws `ERR_UNREACHABLE`. */
export async function reachHost(
  { globals, dataDirectory }: HostPlace,
  output: Output,
): Promise<{ client: Client; started: BackgroundHost | undefined }> {
  const client = new Client(globals.gateway);
  const starting = startBackgroundHost(client, dataDirectory ?? defaultDataDirectory());
  const started = await during(output, "starting a host", starting);
  if (started !== undefined) {
    output.note(
      `started a host at ${client.gateway}; it writes to ${started.logPath}, \`kill ${started.pid}\` stops it`,
    );
  }
  return { client, started };
}

async function upProject(
  path: string,
  options: Given & { readonly data?: string | undefined },
  host: HostPlace,
  output: Output,
): Promise<number> {
  // Late: most commands read no such file.
  const { applyProject, readProject, showApplied } = await import("./project/mod.ts");
  const project = await readProject(path, options);
  if (options.data !== undefined && project.functions.length > 1) {
    throw new FaasletError(
      "ERR_USAGE",
      "cannot call with --data: the project has several functions; --name chooses one",
    );
  }
  const input = options.data === undefined ? undefined : await readInput(options.data);
  const { client } = await reachHost(host, output);
  const applied = await applyProject(client, output, project, false);
  const [only] = applied.functions;
  if (input === undefined || only?.error !== undefined || output.format === "name") return showApplied(output, applied);
  if (output.format === "json") {
    const { headers, body } = await client.invoke(only!.name, input);
    const answer = { start: headers.get("x-start"), answer: await new Response(body).text() };
    return showApplied(output, applied, answer);
  }
  output.note(`${only!.outcome} ${only!.name}, version ${only!.version}: ${only!.url}`);
  await printAnswer(client, output, only!.name, input, { showsHeaders: false });
  return EXIT.ok;
}
