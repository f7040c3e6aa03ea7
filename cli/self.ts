/** This very program, to be started again. */
import { fileURLToPath } from "node:url";

/** Program and arguments that run a subcommand of this program, compiled or from source. */
export function selfCommand(...words: readonly string[]): string[] {
  if (Deno.build.standalone) return [Deno.execPath(), ...words];
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  return [Deno.execPath(), "run", "--quiet", "--allow-all", main, ...words];
}
