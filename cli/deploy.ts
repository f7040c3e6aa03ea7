/** `faaslet deploy`. */
import type { DeployResult } from "../runtime/mod.ts";
import { buildModule } from "./build/mod.ts";
import { Client } from "./client.ts";
import { readDeployedFiles } from "./deployed_files.ts";
import { EXIT } from "./exit_code.ts";
import { FUNCTION_OPTIONS, nameOf, settingsOf } from "./function_options.ts";
import { isGiven } from "./option_kinds.ts";
import type { Output } from "./output.ts";
import { during } from "./progress.ts";
import { recordRows } from "./report.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import { defineVerb, type ValuesOf } from "./verb.ts";

export const deploy = defineVerb({
  name: "deploy",
  summary: "put a module, or a source file that is built first, on a host and print what the host found",
  words: [{ word: "<file>", summary: "a module, a .c, .cpp, .go, .rs or .as.ts file, or a directory of one of them" }],
  needs: [...CLIENT_NEEDS, "write", "run"],
  options: {
    ...FUNCTION_OPTIONS,
    dryRun: isGiven("--dry-run", "check, compile and initialise, but keep nothing"),
  },
  async run({ arguments: [path], options, globals, output }) {
    const client = new Client(globals.gateway);
    const { outcome, record } = await deployFile(client, output, path!, options, options.dryRun === true);
    const url = client.urlOf(record.name);
    if (output.format === "json") output.json({ outcome, url, function: record });
    else if (output.format === "name") output.line(record.name);
    else output.table([["FUNCTION", `${record.name} (${outcome})`], ["url", url], ...recordRows(record)]);
    return EXIT.ok;
  },
});

/** Builds if there is something to build, and deploys. */
export async function deployFile(
  client: Client,
  output: Output,
  path: string,
  options: ValuesOf<typeof FUNCTION_OPTIONS>,
  isDryRun: boolean,
): Promise<DeployResult> {
  const name = nameOf(options, path);
  const settings = settingsOf(options);
  const { files, skipped } = await readDeployedFiles(options.file ?? []);
  for (const one of skipped) output.note(`note: left out ${one}: neither a file nor a directory`);
  const { wasm, tool } = await during(output, `building ${path}`, buildModule(path, (text) => output.note(text)));
  if (tool !== undefined && output.isVerbose) output.note(`built with ${tool}`);
  const work = client.deploy({ name, wasm, settings, files, isDryRun });
  return await during(output, `deploying ${name}`, work);
}
