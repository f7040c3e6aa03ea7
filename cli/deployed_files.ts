/** Files that a function brings with it. */
import { join } from "node:path";
import { FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS } from "../limits.ts";
import type { GuestFile } from "../runtime/mod.ts";
import type { PathPair } from "./option_kinds.ts";
import { readFile } from "./read_file.ts";

/** Reads the files and, of directories, everything beneath; links and devices are named in `skipped`. */
export async function readDeployedFiles(
  pairs: readonly PathPair[],
): Promise<{ files: GuestFile[]; skipped: string[] }> {
  const files: GuestFile[] = [];
  const skipped: string[] = [];
  let left: number = FUNCTION_LIMITS.deployedFileBytesMax;
  async function add(host: string, guest: string): Promise<void> {
    const info = await Deno.stat(host).catch(() => undefined);
    if (info?.isDirectory === true) {
      for await (const { name, isFile, isDirectory } of Deno.readDir(host)) {
        if (isFile || isDirectory) await add(join(host, name), `${guest === "/" ? "" : guest}/${name}`);
        else skipped.push(join(host, name));
      }
      return;
    }
    left -= info?.size ?? 0;
    if (left < 0 || files.length >= FUNCTION_LIMITS.filesMax) throw tooMuch();
    files.push({ path: guest, bytes: await readFile(host) });
  }
  for (const { host, guest } of pairs) await add(host, guest.replace(/(?<=.)\/+$/, ""));
  return { files, skipped };
}

function tooMuch(): FaasletError {
  const { deployedFileBytesMax, filesMax } = FUNCTION_LIMITS;
  const limits = `${filesMax} files and ${deployedFileBytesMax} bytes`;
  return new FaasletError("ERR_REQUEST_TOO_LARGE", `cannot take the files: a function brings at most ${limits}`);
}
