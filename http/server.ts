/** Listening: loopback only, until there are tokens. */
import { FaasletError } from "../errors.ts";
import type { RequestInfo } from "./context.ts";
import { isLoopback } from "./loopback.ts";

/** What a server is started with. */
export interface ServerOptions {
  readonly handler: (request: Request, info: RequestInfo) => Response | Promise<Response>;
  /** A loopback address, or `localhost`. */
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Told when the machine refuses to take connections; the server listens again as soon as it can. */
  readonly onFault?: (thrown: unknown) => void;
}

/** How long a server that could take no connection waits before it listens again; who holds descriptors needs time to go. */
const LISTEN_AGAIN_MS = 100;

export interface Server {
  readonly hostname: string;
  /** The one that was taken, when 0 was asked for. */
  readonly port: number;
  readonly url: string;
  /** Resolves when the server has stopped, for whatever reason. */
  readonly finished: Promise<void>;
  /** Stops listening, closes idle connections, and resolves when requests that are being answered have their answer. */
  shutdown(): Promise<void>;
  /** Closes everything at once. Does nothing once the server stops: its last connections close with their answers. */
  abort(): void;
}

/** Starts to listen. Throws `ERR_USAGE` for what is no loopback address of this machine, `ERR_CONFLICT` for a taken port. */
export function startServer(options: ServerOptions): Server {
  const { handler, hostname, port } = options;
  if (!isLoopback(hostname)) {
    throw new FaasletError(
      "ERR_USAGE",
      `cannot listen on ${hostname}: there is no access control yet, so only 127.0.0.0/8, ::1 and localhost are allowed`,
    );
  }
  const address = { handler, hostname: hostname.replace(/^\[|\]$/g, "") };
  const first = listen({ ...address, port });
  let current: Listening | undefined = first;
  let isStopping = false;
  const { port: taken } = first.server.addr;
  const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;

  /** The platform's server ends for good when it cannot accept, for example without a free descriptor; a host does not. */
  async function outlive(): Promise<void> {
    while (!isStopping) {
      try {
        return await current?.server.finished;
      } catch (thrown) {
        current = undefined;
        options.onFault?.(thrown);
      }
      while (current === undefined && !isStopping) {
        await new Promise((resolve) => setTimeout(resolve, LISTEN_AGAIN_MS));
        // Stopped meanwhile, or still refused, of which enough was said.
        if (!isStopping) current = tryListen({ ...address, port: taken });
      }
    }
  }

  const finished = outlive();
  return {
    hostname,
    port: taken,
    url: `http://${host}:${taken}`,
    finished,
    async shutdown() {
      if (!isStopping) {
        isStopping = true;
        await current?.server.shutdown();
      }
      await finished;
    },
    abort() {
      // The platform throws, where nobody can catch it, when a server that shuts down is aborted.
      if (!isStopping) current?.stop.abort();
      isStopping = true;
    },
  };
}

interface Listening {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly stop: AbortController;
}

type Address = Pick<ServerOptions, "handler" | "hostname" | "port">;

function tryListen(address: Address): Listening | undefined {
  try {
    return listen(address);
  } catch {
    return undefined;
  }
}

function listen({ handler, hostname, port }: Address): Listening {
  const stop = new AbortController();
  try {
    return { server: Deno.serve({ hostname, port, signal: stop.signal, onListen() {} }, handler), stop };
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      const what = `cannot listen on ${hostname}, port ${port}: another program does; port 0 takes a free one`;
      throw new FaasletError("ERR_CONFLICT", what, { cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FaasletError("ERR_USAGE", `cannot listen on ${hostname}, port ${port}: ${why}`, { cause });
  }
}
