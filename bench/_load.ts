/** Load on an HTTP server, from a process of its own. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tryTool } from "../cli/build/mod.ts";

/** What makes the load. */
export interface LoadGenerator extends AsyncDisposable {
  readonly name: string;
  /** Answers a second to POST requests with a small body, from so many connections. Throws when one is not 2xx. */
  perSecond(url: string, seconds: number): Promise<number>;
}

export const CONNECTIONS = 32;
const BODY = "hello, function";

/** wrk where it is installed: it takes little of the processors that the server needs. Else autocannon. */
export async function loadGenerator(): Promise<LoadGenerator> {
  return await tryTool("wrk", ["-v"]) === undefined ? autocannon() : await wrk();
}

async function wrk(): Promise<LoadGenerator> {
  const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
  const script = join(directory, "post.lua");
  await Deno.writeTextFile(script, `wrk.method = "POST"\nwrk.body = "${BODY}"\n`);
  return {
    name: "wrk",
    async perSecond(url, seconds) {
      const words = ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "-s", script, url];
      const result = await tryTool("wrk", words);
      const rate = /^Requests\/sec:\s+([\d.]+)/m.exec(result?.words ?? "")?.[1];
      if (rate === undefined || /Non-2xx|Socket errors/.test(result!.words)) throw new Error(`wrk: ${result?.words}`);
      return Number(rate);
    },
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

function autocannon(): LoadGenerator {
  // The package's own command, started by this very runtime with the project's versions.
  const config = fileURLToPath(new URL("../deno.json", import.meta.url));
  return {
    name: "autocannon",
    async perSecond(url, seconds) {
      const words = ["run", "--quiet", "--allow-all", "--config", config, "npm:autocannon", "--json", "--no-progress"];
      const load = ["-m", "POST", "-b", BODY, "-c", String(CONNECTIONS), "-d", String(seconds), url];
      const result = await tryTool(Deno.execPath(), [...words, ...load]);
      if (result?.isOk !== true) throw new Error(`autocannon: ${result?.words}`);
      const { requests, non2xx, errors } = JSON.parse(result.stdout);
      if (non2xx + errors > 0) throw new Error(`autocannon: ${non2xx} answers that are not 2xx, ${errors} errors`);
      return requests.average;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
