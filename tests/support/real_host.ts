/** A host as its users have it: `faaslet serve` in a process of its own. */
import { type Ran, spawnFaaslet } from "./cli.ts";
import { until } from "./until.ts";

export class RealHost implements AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly dataDirectory: string;
  readonly #child: Deno.ChildProcess;
  readonly #said: { stdout: string; stderr: string };
  readonly #ended: Promise<void>;

  private constructor(
    child: Deno.ChildProcess,
    said: { stdout: string; stderr: string },
    ended: Promise<void>,
    started: { url: string; dataDirectory: string },
  ) {
    this.#child = child;
    this.#said = said;
    this.#ended = ended;
    this.pid = child.pid;
    this.url = started.url;
    this.dataDirectory = started.dataDirectory;
  }

  /** Starts one on a free port; it has started when it says where it listens. `words` are more of its options. */
  static async start(dataDirectory: string, words: readonly string[] = []): Promise<RealHost> {
    const child = spawnFaaslet(["serve", "--listen", "127.0.0.1:0", "--data", dataDirectory, "--json", ...words]);
    const said = { stdout: "", stderr: "" };
    const { promise: started, resolve, reject } = Promise.withResolvers<{ url: string; dataDirectory: string }>();
    const ended = Promise.all([
      follow(child.stdout, (text) => {
        said.stdout += text;
        if (said.stdout.endsWith("}\n")) resolve(JSON.parse(said.stdout));
      }),
      follow(child.stderr, (text) => void (said.stderr += text)),
    ]).then(() => reject(new Error(`the host ended at once: ${said.stderr}`)));
    started.catch(() => {});
    return new RealHost(child, said, ended, await started);
  }

  /** Standard error so far. */
  get stderr(): string {
    return this.#said.stderr;
  }

  /**
   * Calls a function until its Faaslet started as wanted: one is idle again only after its answer has gone out. The answer
   * is read by the caller.
   */
  async call(name: string, start: "cold" | "proto" | "warm", body: string): Promise<Response> {
    let answer: Response | undefined;
    await until(async () => {
      await answer?.body?.cancel();
      answer = await fetch(`${this.url}/function/${name}`, { method: "POST", body, headers: { "x-start": start } });
      return answer.headers.get("x-start") === start;
    }, `a call of ${name} starts ${start}`);
    return answer!;
  }

  kill(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. */
  async ended(): Promise<Ran> {
    const { code, signal } = await this.#child.status;
    await this.#ended;
    return { code, signal, ...this.#said, bytes: new TextEncoder().encode(this.#said.stdout) };
  }

  /** Lets running calls end, and waits for it. */
  async stop(): Promise<Ran> {
    this.kill("SIGTERM");
    return await this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.ended();
  }
}

async function follow(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}
