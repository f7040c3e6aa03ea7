/** Child processes that are asked in lines and answer in lines of JSON: each side of a comparison in its own process. */

/** A child; asked one question at a time. */
export class Child {
  readonly #name: string;
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;

  private constructor(name: string, process: Deno.ChildProcess) {
    this.#name = name;
    this.#process = process;
    this.#writer = process.stdin.getWriter();
    this.#lines = linesOf(process.stdout);
  }

  /** Starts a program and waits for its first line, which says that it is ready. */
  static async start(
    name: string,
    program: string,
    words: readonly string[],
  ): Promise<{ child: Child; first: unknown }> {
    const command = new Deno.Command(program, {
      args: [...words],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    const child = new Child(name, command.spawn());
    return { child, first: await child.#answer() };
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Sends a line; gives the answer. */
  async ask<T>(question: string): Promise<T> {
    await this.#writer.write(new TextEncoder().encode(`${question}\n`));
    return await this.#answer() as T;
  }

  /** Closes its input, after which it ends by itself; one that does not is killed. */
  async end(withinMs = 10_000): Promise<void> {
    await this.#writer.close().catch(() => {});
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), withinMs);
    await this.#process.status;
    clearTimeout(timer);
  }

  async #answer(): Promise<unknown> {
    const { done, value } = await this.#lines.next();
    if (!done) return JSON.parse(value);
    const { code, signal } = await this.#process.status;
    throw new Error(`${this.#name} ended with ${signal ?? code}`);
  }
}

/** Starts this very runtime with a script of this folder. */
export function startScript(script: string, words: readonly string[] = []) {
  const path = new URL(script, import.meta.url).pathname;
  return Child.start(script, Deno.execPath(), ["run", "--quiet", "--allow-all", "--frozen", path, ...words]);
}

/** For the child's side: answers each line of standard input, until it is closed. */
export async function answerLines(first: unknown, answer: (question: string) => Promise<unknown>): Promise<void> {
  say(first);
  const lines = linesOf(Deno.stdin.readable);
  for (let line = await lines.next(); !line.done; line = await lines.next()) say(await answer(line.value));
}

function say(value: unknown): void {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}
