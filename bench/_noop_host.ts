import { startScript } from "./_child.ts";
import { guest } from "./_guests.ts";

/** A host as anybody starts it, with one function; `more` are further options of `serve`. Gives the function's address. */
export async function startNoopHost(
  parts: AsyncDisposableStack,
  dataDirectory: string,
  ...more: string[]
): Promise<string> {
  const words = ["serve", "--listen", "127.0.0.1:0", "--data", dataDirectory, "--quiet", "-o", "name", ...more];
  const { child, first: url } = await startScript("../main.ts", words);
  parts.defer(() => child.end("SIGTERM"));
  const deployed = await fetch(`${url}/v1/functions/noop`, {
    method: "PUT",
    headers: { "content-type": "application/wasm" },
    body: guest("noop") as Uint8Array<ArrayBuffer>,
  });
  if (!deployed.ok) throw new Error(`cannot deploy: ${await deployed.text()}`);
  await deployed.body?.cancel();
  return `${url}/function/noop`;
}
