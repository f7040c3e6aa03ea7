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
  ): Promise<{ child: Child; first: string }> {
    const command = new Deno.Command(program, {
      args: [...words],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    });
    const child = new Child(name, command.spawn());
    return { child, first: await child.#line() };
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Sends a line; gives the answer. */
  async ask<T>(question: string): Promise<T> {
    await this.#writer.write(new TextEncoder().encode(`${question}\n`));
    return JSON.parse(await this.#line()) as T;
  }

  /** Closes its input, after which it ends by itself, or sends it a signal; one that does not end is killed. */
  async end(signal?: Deno.Signal, withinMs = 10_000): Promise<void> {
    await this.#writer.close().catch(() => {});
    if (signal !== undefined) this.#process.kill(signal);
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), withinMs);
    await this.#process.status;
    clearTimeout(timer);
  }

  async #line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (!done) return value;
    const { code, signal } = await this.#process.status;
    throw new Error(`${this.#name} ended with ${signal ?? code}`);
  }
}

/** Starts this very runtime with a script, named from this folder. */
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
