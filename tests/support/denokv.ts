/** A KV server of a test's own, in a process of its own: the store that many hosts share. */
import { denokvPath } from "../../tools/denokv.ts";
import { Scratch } from "./scratch.ts";
import { until } from "./until.ts";

/** Why tests with a KV server cannot run, in words; undefined: they can. */
export const DENOKV_MISSING: string | undefined = isThere(denokvPath())
  ? undefined
  : "there is no denokv; `deno run -A tools/denokv.ts` builds it";

/** Deno's client takes the token from the environment, one for the whole process: so all servers of a test run share it. */
const TOKEN_NAME = "DENO_KV_ACCESS_TOKEN";

export class DenoKvServer implements AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly #scratch: Scratch;
  readonly #port: number;
  #child: Deno.ChildProcess;

  private constructor(scratch: Scratch, port: number, token: string) {
    this.#scratch = scratch;
    this.#port = port;
    this.token = token;
    this.url = `http://127.0.0.1:${port}`;
    this.#child = this.#spawn();
  }

  /** Starts one on a free port with a store of its own. */
  static async start(): Promise<DenoKvServer> {
    const token = Deno.env.get(TOKEN_NAME) ?? crypto.randomUUID();
    Deno.env.set(TOKEN_NAME, token);
    const server = new DenoKvServer(new Scratch(), freePort(), token);
    await server.#started();
    return server;
  }

  open(): Promise<Deno.Kv> {
    return Deno.openKv(this.url);
  }

  /** Ends it without notice; `restart` brings the same store back on the same port. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  async restart(): Promise<void> {
    this.#child = this.#spawn();
    await this.#started();
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  #spawn(): Deno.ChildProcess {
    return new Deno.Command(denokvPath(), {
      args: ["--sqlite-path", `${this.#scratch.path}/kv.sqlite3`, "serve", "--addr", `127.0.0.1:${this.#port}`],
      env: { [TOKEN_NAME]: this.token },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }

  async #started(): Promise<void> {
    await until(async () => {
      try {
        using connection = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
        return connection !== undefined;
      } catch {
        return false;
      }
    }, "the KV server listens");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    this.#scratch[Symbol.dispose]();
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
