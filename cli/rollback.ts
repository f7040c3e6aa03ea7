/** `faaslet rollback`. */
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { count } from "./option_kinds.ts";
import { defineVerb } from "./verb.ts";

export const rollback = defineVerb({
  name: "rollback",
  summary: "make an earlier version of a function live again; running calls end as they would have",
  words: [{ word: "<name>", summary: "the function" }],
  options: { to: count("--to <version>", "the version, see `faaslet versions` (the one before the live one)") },
  async run({ arguments: [name], options, globals, output }) {
    const record = await new Client(globals.gateway).rollback(name!, options.to);
    if (output.format === "json") output.json(record);
    else if (output.format === "name") output.line(String(record.version));
    else output.note(`${record.name} is at version ${record.version} of ${record.createdAt}`);
    return EXIT.ok;
  },
});
