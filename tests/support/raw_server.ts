/** A server that says what a test wants, in the clear or under TLS: HTTP as it is on the wire, right or wrong. */
import type { Certificate } from "./certificates.ts";

/** One connection, with the request that came over it. */
export interface Exchange {
  /** Request line and headers, as they came. */
  readonly head: string;
  readonly body: Uint8Array;
  /** Sends bytes; false when the other side is gone. */
  send(bytes: string | Uint8Array): Promise<boolean>;
  /** Resolves when the other side has closed the connection. */
  readonly closed: Promise<void>;
}

export interface RawServerOptions {
  readonly hostname?: string;
  /** Default: a free one. */
  readonly port?: number;
  readonly certificate?: Certificate;
}

const TEXT = new TextEncoder();

export class RawServer implements AsyncDisposable {
  readonly port: number;
  connections = 0;
  /** Heads of all requests. */
  readonly heads: string[] = [];
  /** Connections that are open now. */
  open = 0;
  readonly #listener: Deno.Listener<Deno.Conn>;
  readonly #served = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  /** Answers each request by `respond`, then closes the connection. */
  constructor(respond: (exchange: Exchange) => unknown, options: RawServerOptions = {}) {
    const where = { hostname: options.hostname ?? "127.0.0.1", port: options.port ?? 0 };
    this.#listener = options.certificate === undefined
      ? Deno.listen(where)
      : Deno.listenTls({ ...where, ...options.certificate });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accepting = this.#accept(respond);
  }

  async #accept(respond: (exchange: Exchange) => unknown): Promise<void> {
    for await (const connection of this.#listener) {
      this.connections++;
      this.open++;
      const serving: Promise<void> = this.#serve(connection, respond).catch(() => {}).finally(() => {
        this.open--;
        this.#served.delete(serving);
        try {
          connection.close();
        } catch {
          // It is closed.
        }
      });
      this.#served.add(serving);
    }
  }

  async #serve(connection: Deno.Conn, respond: (exchange: Exchange) => unknown): Promise<void> {
    const { head, body } = await readRequest(connection);
    this.heads.push(head);
    const closed = untilClosed(connection);
    await respond({
      head,
      body,
      closed,
      async send(bytes) {
        const all = typeof bytes === "string" ? TEXT.encode(bytes) : bytes;
        try {
          for (let at = 0; at < all.length;) at += await connection.write(all.subarray(at));
          return true;
        } catch {
          return false;
        }
      },
    });
    await connection.closeWrite().catch(() => {});
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await Promise.all(this.#served);
  }
}

async function readRequest(connection: Deno.Conn): Promise<{ head: string; body: Uint8Array }> {
  let bytes = new Uint8Array(0);
  const piece = new Uint8Array(65_536);
  for (;;) {
    const text = new TextDecoder("latin1").decode(bytes);
    const end = text.indexOf("\r\n\r\n");
    const length = Number(/^content-length: (\d+)$/mi.exec(text)?.[1] ?? 0);
    if (end >= 0 && bytes.length >= end + 4 + length) {
      return { head: text.slice(0, end), body: bytes.subarray(end + 4, end + 4 + length) };
    }
    const count = await connection.read(piece);
    if (count === null) throw new Error("the other side closed before its request was whole");
    const longer = new Uint8Array(bytes.length + count);
    longer.set(bytes);
    longer.set(piece.subarray(0, count), bytes.length);
    bytes = longer;
  }
}

async function untilClosed(connection: Deno.Conn): Promise<void> {
  const piece = new Uint8Array(1_024);
  try {
    while (await connection.read(piece) !== null);
  } catch {
    // It is.
  }
}
