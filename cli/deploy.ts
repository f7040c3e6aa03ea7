/** `faaslet deploy`. */
import type { DeployResult } from "../runtime/mod.ts";
import { Client, type Deploy } from "./client.ts";
import { readDeployedFiles } from "./deployed_files.ts";
import { EXIT } from "./exit_code.ts";
import { FUNCTION_OPTIONS, nameOf, settingsOf } from "./function_options.ts";
import { isGiven } from "./option_kinds.ts";
import type { Output } from "./output.ts";
import { during } from "./progress.ts";
import { PROGRAM_WORD, readProgram } from "./read_program.ts";
import { recordRows } from "./report.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import { defineVerb, type ValuesOf } from "./verb.ts";

export const deploy = defineVerb({
  name: "deploy",
  summary: "put a module, or a source file that is built first, on a host and print what the host found",
  needs: [...CLIENT_NEEDS, "write", "run"],
  words: [PROGRAM_WORD],
  options: {
    ...FUNCTION_OPTIONS,
    dryRun: isGiven("--dry-run", "check, compile and initialise, but keep nothing"),
  },
  async run({ arguments: [path], options, globals, output }) {
    const client = new Client(globals.gateway);
    const prepared = await prepareDeploy(output, path!, options, options.dryRun === true);
    const { outcome, record } = await sendDeploy(client, output, prepared);
    const url = client.urlOf(record.name);
    if (output.format === "json") output.json({ outcome, url, function: record });
    else if (output.format === "name") output.line(record.name);
    else output.table([["FUNCTION", `${record.name} (${outcome})`], ["url", url], ...recordRows(record)]);
    return EXIT.ok;
  },
});

/** Builds if there is something to build, and reads the files: what does not work out leaves the host alone. */
export async function prepareDeploy(
  output: Output,
  path: string,
  options: ValuesOf<typeof FUNCTION_OPTIONS>,
  isDryRun: boolean,
): Promise<Deploy> {
  const name = nameOf(options, path);
  const settings = settingsOf(options);
  const { files, skipped } = await readDeployedFiles(options.file ?? []);
  for (const one of skipped) output.note(`note: left out ${one}: neither a file nor a directory`);
  return { name, wasm: await readProgram(output, path), settings, files, isDryRun };
}

/** Puts it on the host. */
export async function sendDeploy(client: Client, output: Output, deploy: Deploy): Promise<DeployResult> {
  return await during(output, `deploying ${deploy.name}`, client.deploy(deploy));
}
