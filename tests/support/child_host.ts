/** Hosts of state in processes of their own, as their test sees them. */
import { fileURLToPath } from "node:url";
import type { ChildOrders, Line } from "./state_child.ts";
import { rounds } from "./long.ts";
import { until } from "./until.ts";

const PROGRAM = fileURLToPath(new URL("state_child.ts", import.meta.url));

/** In the long form many hosts share the processors. */
const PATIENCE_MS = rounds(30_000, 1_800_000);

export class ChildHost implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  #stderr = "";

  constructor(orders: ChildOrders) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", PROGRAM, JSON.stringify(orders)],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#read = this.#follow();
  }

  async #follow(): Promise<void> {
    const errors = (async () => void (this.#stderr = await new Response(this.#child.stderr).text()))();
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      for (const part of parts) this.lines.push(JSON.parse(part));
    }
    await errors;
  }

  said(what: Line["say"]): number {
    return this.lines.filter(({ say }) => say === what).length;
  }

  async untilSaid(what: Line["say"], times = 1): Promise<void> {
    await until(() => this.said(what) >= times, `the host says ${what}`, PATIENCE_MS);
  }

  signal(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch {
      // It has ended already.
    }
  }

  /** Lets a host that waits go on. */
  async tell(): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new Uint8Array([10]));
    writer.releaseLock();
  }

  /** Its end; rejects when it broke otherwise than by a signal. */
  async ended(): Promise<void> {
    const { code, signal } = await this.#child.status;
    await this.#read;
    await this.#child.stdin.close().catch(() => {});
    if (code !== 0 && signal === null) throw new Error(`the host ended with ${code}: ${this.#stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.ended();
  }
}
