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
}

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
  const stop = new AbortController();
  const server = listen({ handler, hostname: hostname.replace(/^\[|\]$/g, ""), port, signal: stop.signal });
  let isStopping = false;
  const { port: taken } = server.addr;
  const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  return {
    hostname,
    port: taken,
    url: `http://${host}:${taken}`,
    finished: server.finished,
    async shutdown() {
      if (!isStopping) {
        isStopping = true;
        await server.shutdown();
      }
      await server.finished;
    },
    abort() {
      // The platform throws, where nobody can catch it, when a server that shuts down is aborted.
      if (!isStopping) stop.abort();
      isStopping = true;
    },
  };
}

function listen(options: ServerOptions & { signal: AbortSignal }): Deno.HttpServer<Deno.NetAddr> {
  const { handler, hostname, port, signal } = options;
  try {
    return Deno.serve({ hostname, port, signal, onListen() {} }, handler);
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      const what = `cannot listen on ${hostname}, port ${port}: another program does; port 0 takes a free one`;
      throw new FaasletError("ERR_CONFLICT", what, { cause });
    }
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FaasletError("ERR_USAGE", `cannot listen on ${hostname}, port ${port}: ${why}`, { cause });
  }
}
