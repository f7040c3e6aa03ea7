/** `faaslet versions`. */
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { showBytes } from "./units.ts";
import { defineVerb } from "./verb.ts";

export const versions = defineVerb({
  name: "versions",
  summary: "list the versions of a function that are kept, newest first",
  words: [{ word: "<name>", summary: "the function" }],
  options: {},
  async run({ arguments: [name], globals, output }) {
    const found = await new Client(globals.gateway).versions(name!);
    if (output.format === "json") output.json(found);
    else if (output.format === "name") { for (const { version } of found) output.line(String(version)); }
    else {
      const rows = found.map(({ version, isLive, bytes, digest, createdAt }) => [
        String(version),
        isLive ? "live" : "",
        showBytes(bytes),
        digest.slice(0, 12),
        createdAt,
      ]);
      output.table([["VERSION", "", "MODULE", "DIGEST", "CREATED"], ...rows]);
    }
    return EXIT.ok;
  },
});
