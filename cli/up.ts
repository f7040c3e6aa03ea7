/** `faaslet up`: from a file to an answer. */
import { startBackgroundHost } from "./background_host.ts";
import { Client } from "./client.ts";
import { defaultDataDirectory } from "./data_directory.ts";
import { prepareDeploy, sendDeploy } from "./deploy.ts";
import { EXIT } from "./exit_code.ts";
import { FUNCTION_OPTIONS } from "./function_options.ts";
import { printAnswer, readInput } from "./invoke.ts";
import { text } from "./option_kinds.ts";
import { during } from "./progress.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import { PROGRAM_WORD } from "./read_program.ts";
import { defineVerb } from "./verb.ts";

export const up = defineVerb({
  name: "up",
  summary: "build a file, start a host if none answers, deploy, call once",
  needs: [...CLIENT_NEEDS, "write", "run"],
  words: [PROGRAM_WORD],
  options: {
    ...FUNCTION_OPTIONS,
    data: text("-d, --data <data>", "the input of the call; @FILE reads a file (nothing)"),
    hostData: text("--host-data <directory>", "where a host that has to be started keeps functions"),
  },
  async run({ arguments: [path], options, globals, output }) {
    const client = new Client(globals.gateway);
    const input = await readInput(options.data ?? "");
    const prepared = await prepareDeploy(output, path!, options, false);
    const dataDirectory = options.hostData ?? defaultDataDirectory();
    const started = await during(output, "starting a host", startBackgroundHost(client, dataDirectory));
    if (started !== undefined) {
      output.note(
        `started a host at ${client.gateway}; it writes to ${started.logPath}, \`kill ${started.pid}\` stops it`,
      );
    }
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
