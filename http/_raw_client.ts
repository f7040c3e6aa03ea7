/** A client that sends bytes as they are: no library corrects what a hostile one would send. For tests only. */
const CONNECT_TO = "127.0.0.1";

/** An answer, taken apart; header names are in lower case. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** One connection; `using` closes it. */
export class RawClient {
  readonly #connection: Deno.Conn;
  #received = "";

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  static async connect(port: number): Promise<RawClient> {
    return new RawClient(await Deno.connect({ hostname: CONNECT_TO, port }));
  }

  /** Sends each character as one byte. */
  async send(text: string): Promise<void> {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }

  /** Says that nothing more comes, and still listens. */
  async sendEnd(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** The next answer; undefined when the server closed the connection without one. */
  async receive(): Promise<RawAnswer | undefined> {
    const headEnd = await this.#receiveUntil(() => this.#received.indexOf("\r\n\r\n"));
    if (headEnd < 0) return undefined;
    const [first, ...lines] = this.#received.slice(0, headEnd).split("\r\n");
    const headers = new Map(lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }));
    const bodyAt = headEnd + 4;
    const bodyEnd = bodyAt + Number(headers.get("content-length") ?? 0);
    await this.#receiveUntil(() => this.#received.length >= bodyEnd ? 0 : -1);
    const body = this.#received.slice(bodyAt, bodyEnd);
    this.#received = this.#received.slice(bodyEnd);
    return { status: Number(first!.split(" ")[1]), headers, body };
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch { /* the server was faster */ }
  }

  async #receiveUntil(find: () => number): Promise<number> {
    const piece = new Uint8Array(65_536);
    for (;;) {
      const found = find();
      if (found >= 0) return found;
      // A reset counts as an end: the server closes on what it has not read.
      const length = await this.#connection.read(piece).catch(() => null);
      if (length === null) return -1;
      this.#received += String.fromCharCode(...piece.subarray(0, length));
    }
  }
}

/** Sends one request on a connection of its own. */
export async function sendRaw(port: number, text: string): Promise<RawAnswer | undefined> {
  using client = await RawClient.connect(port);
  await client.send(text);
  return await client.receive();
}
