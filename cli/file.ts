/** `faaslet file`: files that functions share and open as `faasm://PATH`. */
import { FaasletError } from "../errors.ts";
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { readFile } from "./read_file.ts";
import { readAction } from "./read_action.ts";
import { showBytes } from "./units.ts";
import { CLIENT_NEEDS } from "./permissions.ts";
import { defineVerb } from "./verb.ts";

const ACTIONS = ["put", "get", "list", "rm"] as const;

interface FileView {
  readonly path: string;
  readonly bytes: number;
  readonly digest: string;
  readonly modifiedAt: string;
}

export const file = defineVerb({
  name: "file",
  summary: "put, get, list or remove a file that functions open as faasm://PATH",
  words: [
    { word: "<action>", summary: "put, get, list or rm", choices: ACTIONS },
    { word: "[path]", summary: "the shared file's path; for list, what paths begin with" },
    { word: "[source]", summary: "put: the file of this machine, or - for standard input" },
  ],
  needs: [...CLIENT_NEEDS, "write"],
  options: {},
  async run({ arguments: [action, path, source], globals, output }) {
    const client = new Client(globals.gateway);
    const known = readAction(action!, ACTIONS);
    if (known === "list") {
      const query = path === undefined ? "" : `?${new URLSearchParams({ prefix: path })}`;
      const { files } = await client.requestJson<{ files: FileView[] }>("GET", `/v1/files${query}`);
      if (output.format === "json") output.json(files);
      else if (output.format === "name") { for (const one of files) output.line(one.path); }
      else {
        const rows = files.map((one) => [one.path, showBytes(one.bytes), one.digest.slice(0, 12), one.modifiedAt]);
        output.table([["PATH", "SIZE", "DIGEST", "MODIFIED"], ...rows]);
      }
      return EXIT.ok;
    }
    if (path === undefined) throw new FaasletError("ERR_USAGE", `cannot ${known} nothing: name a shared file's path`);
    const url = urlOf(path);
    if (known === "get") output.bytes(await (await client.request("GET", url)).bytes());
    else if (known === "rm") {
      await (await client.request("DELETE", url)).body?.cancel();
      if (output.format === "json") output.json({ removed: path });
      else if (output.format === "name") output.line(path);
      else output.note(`removed ${path}`);
    } else {
      if (source === undefined) {
        throw new FaasletError("ERR_USAGE", "cannot put nothing: name a file, or - for standard input");
      }
      const bytes = source === "-" ? await new Response(Deno.stdin.readable).bytes() : await readFile(source);
      const written = await client.requestJson<FileView>("PUT", url, { body: bytes as Uint8Array<ArrayBuffer> });
      if (output.format === "json") output.json(written);
      else if (output.format === "name") output.line(path);
      else output.note(`put ${path}: ${showBytes(written.bytes)}, ${written.digest.slice(0, 12)}`);
    }
    return EXIT.ok;
  },
});

/** Slashes are part of the path; all else is encoded, and dots would shorten it on the way. */
function urlOf(path: string): string {
  const parts = path.split("/");
  if (parts.some((part) => part === "." || part === "..")) {
    throw new FaasletError("ERR_NAME_INVALID", `cannot use the path ${JSON.stringify(path)}: it has steps in it`);
  }
  return `/v1/files/${parts.map(encodeURIComponent).join("/")}`;
}
