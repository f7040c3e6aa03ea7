/** `faaslet describe`. */
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { recordRows } from "./report.ts";
import { defineVerb } from "./verb.ts";

export const describe = defineVerb({
  name: "describe",
  summary: "show a function: its module, settings, snapshot",
  words: [{ word: "<name>", summary: "the function" }],
  options: {},
  async run({ arguments: [name], globals, output }) {
    const client = new Client(globals.gateway);
    const record = await client.describe(name!);
    if (output.format === "json") output.json(record);
    else if (output.format === "name") output.line(record.name);
    else output.table([["FUNCTION", record.name], ["url", client.urlOf(record.name)], ...recordRows(record)]);
    return EXIT.ok;
  },
});
