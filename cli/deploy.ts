/** `faaslet deploy`. */
import type { DeployResult } from "../runtime/mod.ts";
import { Client, type Deploy } from "./client.ts";
import { readDeployedFiles } from "./deployed_files.ts";
import { EXIT } from "./exit_code.ts";
import { FUNCTION_OPTIONS, type Wanted, wantedOf } from "./function_options.ts";
import { isGiven } from "./option_kinds.ts";
import type { Output } from "./output.ts";
import { during } from "./progress.ts";
import { PROGRAM_OR_PROJECT_WORD, readProgram } from "./read_program.ts";
import { recordRows } from "./report.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import { findProject } from "./find_project.ts";
import { defineVerb } from "./verb.ts";

export const deploy = defineVerb({
  name: "deploy",
  summary: "put a module, a source that is built first, or a project's functions on a host",
  needs: [...CLIENT_NEEDS, "write", "run"],
  words: [PROGRAM_OR_PROJECT_WORD],
  takesProject: true,
  options: {
    ...FUNCTION_OPTIONS,
    dryRun: isGiven("--dry-run", "build, check, compile and initialise, say what would change, but keep nothing"),
  },
  async run({ arguments: [path], options, globals, output }) {
    const client = new Client(globals.gateway);
    const isDryRun = options.dryRun === true;
    const project = await findProject(path, globals.config);
    if (project !== undefined) {
      // Late: most commands read no such file.
      const { applyProject, readProject, showApplied } = await import("./project/mod.ts");
      const applied = await applyProject(client, output, await readProject(project, options), isDryRun);
      return showApplied(output, applied);
    }
    const prepared = await prepareDeploy(output, wantedOf(path!, options), isDryRun);
    const { outcome, record } = await sendDeploy(client, output, prepared);
    const url = client.urlOf(record.name);
    if (output.format === "json") output.json({ outcome, url, function: record });
    else if (output.format === "name") output.line(record.name);
    else output.table([["FUNCTION", `${record.name} (${outcome})`], ["url", url], ...recordRows(record)]);
    return EXIT.ok;
  },
});

/** Builds if there is something to build, and reads the files: what does not work out leaves the host alone. */
export async function prepareDeploy(output: Output, wanted: Wanted, isDryRun: boolean): Promise<Deploy> {
  const { name, path, settings } = wanted;
  const { files, skipped } = await readDeployedFiles(wanted.files);
  for (const one of skipped) output.note(`note: left out ${one}: neither a file nor a directory`);
  return { name, wasm: await readProgram(output, path), settings, files, isDryRun };
}

/** Puts it on the host. */
export async function sendDeploy(client: Client, output: Output, deploy: Deploy): Promise<DeployResult> {
  return await during(output, `deploying ${deploy.name}`, client.deploy(deploy));
}
