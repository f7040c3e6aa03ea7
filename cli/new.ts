/** `faaslet new`: a directory with a first function. */
import { basename, join, resolve } from "node:path";
import { FaasletError } from "../errors.ts";
import { checkName } from "../names.ts";
import { EXIT } from "./exit_code.ts";
import { choice } from "./option_kinds.ts";
import { type Language, projectFiles, TEMPLATES } from "./templates/mod.ts";
import { defineVerb } from "./verb.ts";

const LANGUAGES = Object.keys(TEMPLATES) as Language[];

export const newProject = defineVerb({
  name: "new",
  summary: "write a directory with a first function and its faaslet.toml",
  words: [{ word: "<name>", summary: "the directory; the function is called as its last part" }],
  needs: ["read", "write", "env"],
  options: { lang: choice("-l, --lang <language>", LANGUAGES, "what it is written in (c)") },
  async run({ arguments: [path], options, output }) {
    const directory = resolve(path!);
    const name = checkName(basename(directory));
    const language = options.lang ?? "c";
    const files = projectFiles(name, language);
    await makeEmpty(path!, directory);
    for (const [file, text] of Object.entries(files)) {
      await Deno.writeTextFile(join(directory, file), text, { createNew: true });
    }
    if (output.format === "json") output.json({ name, language, directory, files: Object.keys(files) });
    else if (output.format === "name") output.line(name);
    else for (const file of Object.keys(files)) output.line(join(path!, file));
    output.note(`next: cd ${path}, then faaslet dev, or faaslet up -d Ada`);
    return EXIT.ok;
  },
});

/** Nothing of anybody's is written over. */
async function makeEmpty(path: string, directory: string): Promise<void> {
  try {
    await Deno.mkdir(directory, { recursive: true });
    for await (const _ of Deno.readDir(directory)) {
      throw new FaasletError("ERR_CONFLICT", `cannot make ${path}: it is there, and not empty`);
    }
  } catch (cause) {
    if (cause instanceof FaasletError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FaasletError("ERR_CONFLICT", `cannot make ${path}: ${why}`, { cause });
  }
}
