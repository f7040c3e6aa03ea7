/** `faaslet version`. */
import { VERSION } from "../version.ts";
import { EXIT } from "./exit_code.ts";
import { defineVerb } from "./verb.ts";

export const version = defineVerb({
  name: "version",
  summary: "print the version of this program and of what it runs on",
  needs: ["env"],
  options: {},
  run({ output }) {
    const versions = { faaslet: VERSION, deno: Deno.version.deno, v8: Deno.version.v8, platform: Deno.build.target };
    if (output.format === "json") output.json(versions);
    else if (output.format === "name") output.line(versions.faaslet);
    else for (const [name, value] of Object.entries(versions)) output.line(`${name} ${value}`);
    return Promise.resolve(EXIT.ok);
  },
});
