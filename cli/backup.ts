/** `faaslet backup` and `faaslet restore`: the functions of a host that runs, in a file, and back. */
import { type BackedUp, readBackup, writeBackup } from "./backup_file.ts";
import { Client, functionPath } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import { during } from "./progress.ts";
import { readFile } from "./read_file.ts";
import { defineVerb } from "./verb.ts";

export const backup = defineVerb({
  name: "backup",
  summary: "write the live version of every function to a file, while the host runs",
  words: [{ word: "<file>", summary: "where to; replaced when it is whole" }],
  needs: [...CLIENT_NEEDS, "write"],
  options: {},
  async run({ arguments: [path], globals, output }) {
    const client = new Client(globals.gateway);
    const functions = await during(output, `backing up to ${path}`, writeBackup(path!, bundles(client)));
    if (output.format === "json") output.json({ file: path, functions });
    else if (output.format === "name") output.line(path!);
    else output.note(`wrote ${functions} functions to ${path}`);
    return EXIT.ok;
  },
});

export const restore = defineVerb({
  name: "restore",
  summary: "deploy every function of a backup; those that are as they were stay as they are",
  words: [{ word: "<file>", summary: "a file that `faaslet backup` wrote" }],
  options: {},
  async run({ arguments: [path], globals, output }) {
    const client = new Client(globals.gateway);
    // All of it is checked before the first one is deployed.
    const functions = readBackup(await readFile(path!));
    const outcomes: Record<string, string> = {};
    for (const { name, contentType, form } of functions) {
      const init = { body: new Uint8Array(form), headers: { "content-type": contentType } };
      const work = client.requestJson<{ outcome: string }>("PUT", functionPath(name), init);
      outcomes[name] = (await during(output, `restoring ${name}`, work)).outcome;
      if (output.format === "name") output.line(name);
      else if (output.format === "table") output.note(`${outcomes[name]} ${name}`);
    }
    if (output.format === "json") output.json(outcomes);
    return EXIT.ok;
  },
});

async function* bundles(client: Client): AsyncGenerator<BackedUp> {
  for (const { name } of await client.list()) {
    const response = await client.request("GET", `${functionPath(name)}/bundle`);
    yield { name, contentType: response.headers.get("content-type") ?? "", form: await response.bytes() };
  }
}
