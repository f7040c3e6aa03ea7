/** Cloudflare's open-source server for JavaScript functions, with a worker that answers with what it was sent. */
import { join } from "node:path";
import { fetchPackage } from "./_npm.ts";
import { until } from "../tests/support/until.ts";

const VERSION = "1.20261117.1";
/** The package that holds the program itself. */
const PACKAGE = "@cloudflare/workerd-linux-64";

export const WORKERD = `workerd ${VERSION}`;

export interface Workerd extends AsyncDisposable {
  readonly url: string;
}

/** Starts it on a free port. Gives why it cannot be had as a text. */
export async function startWorkerd(): Promise<Workerd | string> {
  const fetched = await fetchPackage(PACKAGE, VERSION);
  if (fetched === undefined) return `npm does not give ${PACKAGE}@${VERSION}`;
  const port = freePort();
  await Deno.writeTextFile(join(fetched.directory, "config.capnp"), configOf(port));
  const child = new Deno.Command(join(fetched.directory, "bin", "workerd"), {
    args: ["serve", "config.capnp"],
    cwd: fetched.directory,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    try {
      child.kill("SIGKILL");
    } catch { /* It has ended by itself. */ }
    await child.status;
    await fetched[Symbol.asyncDispose]();
  };
  try {
    await until(() => fetch(url, { method: "POST", body: "x" }).then(isEcho, () => false), "workerd answers");
    return { url, [Symbol.asyncDispose]: stop };
  } catch {
    await stop();
    return "it does not answer";
  }
}

async function isEcho(response: Response): Promise<boolean> {
  return await response.text() === "x";
}

/** Free at this moment; nobody else is expected to take it. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}

function configOf(port: number): string {
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "echo", worker = .echo)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "echo")],
);
const echo :Workerd.Worker = (
  modules = [(name = "echo.js", esModule =
    "export default { async fetch(request) { return new Response(await request.arrayBuffer()); } };")],
  compatibilityDate = "2026-01-01",
);
`;
}
