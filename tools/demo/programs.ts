/**
 * Programs that the demo starts: each in a process group of its own, so that Ctrl-C reaches the demo alone, and it can end
 * them and everything that they started in their turn.
 */
import { join } from "node:path";
import { ROOT } from "../project.ts";

const ENDS_MS_MAX = 5_000;
const STDERR_LINES_SHOWN = 8;

/** A host on a free port, with its data in the demo's directory. */
export interface Host {
  readonly url: string;
  /** Lets it end by itself, and sees to it that it does. */
  stop(): Promise<void>;
}

/** Starts a host. Rejects with what it said when it ends at once. */
export async function startHost(directory: string, signal: AbortSignal): Promise<Host> {
  signal.throwIfAborted();
  const child = command(directory, [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--data",
    join(directory, "data"),
    "-o",
    "name",
  ], {
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const said = textOf(child.stderr);
  const url = await firstLineOf(child.stdout);
  if (url === "") {
    await child.status;
    const why = (await said).trimEnd().split("\n").slice(-STDERR_LINES_SHOWN).join("\n");
    throw new Error(`cannot start a host: it ended at once\n${why}`);
  }
  return { url, stop: () => end(child) };
}

/** Runs `faaslet WORDS...` with its notes shown; gives its standard output. Rejects when it fails. */
export async function faaslet(
  directory: string,
  url: string,
  words: readonly string[],
  signal: AbortSignal,
): Promise<Uint8Array> {
  signal.throwIfAborted();
  const child = command(directory, ["--gateway", url, ...words], { stdout: "piped", stderr: "inherit" }).spawn();
  const kill = () => killGroup(child.pid);
  signal.addEventListener("abort", kill);
  try {
    const { success, stdout } = await child.output();
    signal.throwIfAborted();
    if (!success) throw new Error(`\`faaslet ${words.join(" ")}\` failed`);
    return stdout;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

/** Whatever the program and its tools write for a while, they write below the demo's directory. */
function command(directory: string, words: readonly string[], pipes: Pick<Deno.CommandOptions, "stdout" | "stderr">) {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--allow-all", join(ROOT, "main.ts"), ...words],
    cwd: ROOT,
    env: { TMPDIR: directory },
    stdin: "null",
    detached: true,
    ...pipes,
  });
}

async function end(child: Deno.ChildProcess): Promise<void> {
  const timer = setTimeout(() => killGroup(child.pid), ENDS_MS_MAX);
  try {
    child.kill("SIGTERM");
  } catch (thrown) {
    // It has ended already.
    if (!(thrown instanceof TypeError || thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  await child.status;
  clearTimeout(timer);
}

function killGroup(leader: number): void {
  try {
    Deno.kill(-leader, "SIGKILL");
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}

/** The rest is read and dropped: a full pipe would block the writer. */
async function firstLineOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  void (async () => {
    let text = "";
    for await (const piece of stream.pipeThrough(new TextDecoderStream())) {
      text += text.includes("\n") ? "" : piece;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    }
    resolve("");
  })();
  return await promise;
}

async function textOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}
