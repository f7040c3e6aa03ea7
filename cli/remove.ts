/** `faaslet remove`. */
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { defineVerb } from "./verb.ts";

export const remove = defineVerb({
  name: "remove",
  alias: "rm",
  summary: "remove a function with all its versions",
  words: [{ word: "<name>", summary: "the function" }],
  options: {},
  async run({ arguments: [name], globals, output }) {
    await new Client(globals.gateway).remove(name!);
    if (output.format === "json") output.json({ removed: name });
    else if (output.format === "name") output.line(name!);
    else output.note(`removed ${name}`);
    return EXIT.ok;
  },
});
