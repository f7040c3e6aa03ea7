/** `faaslet list`. */
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { showBytes } from "./units.ts";
import { defineVerb } from "./verb.ts";

export const list = defineVerb({
  name: "list",
  alias: "ls",
  summary: "list the functions",
  options: {},
  async run({ globals, output }) {
    const functions = await new Client(globals.gateway).list();
    if (output.format === "json") output.json(functions);
    else if (output.format === "name") { for (const { name } of functions) output.line(name); }
    else {
      const rows = functions.map(({ name, version, style, bytes, createdAt }) => [
        name,
        String(version),
        style,
        showBytes(bytes),
        createdAt,
      ]);
      output.table([["NAME", "VERSION", "STYLE", "MODULE", "CREATED"], ...rows]);
    }
    return EXIT.ok;
  },
});
