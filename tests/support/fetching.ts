/** A function that makes one HTTP request a call, and says what came of it. */
import { RootCalls } from "../../hostif/mod.ts";
import { type CallOutcome, type CallRequest, EmbeddedGroup, type HostCall, networkRules } from "../../runtime/mod.ts";
import { guest, imageOf, type ImageOptions } from "./guests.ts";

export interface Wanted {
  readonly method?: string;
  readonly url: string;
  /** Lines. */
  readonly headers?: string;
  readonly body?: Uint8Array;
  /** A header of the answer to look at. */
  readonly header?: string;
}

export interface Fetched {
  /** WASI's; 0 when all went well. */
  readonly errno: number;
  /** 0 without an answer. */
  readonly status: number;
  /** Undefined when it was not there. */
  readonly header: string | undefined;
  readonly body: string;
  readonly outcome: CallOutcome;
}

export interface FetcherOptions extends ImageOptions {
  /** `HOST:PORT` rules. */
  readonly rules: readonly string[];
  /** Addresses of names; a list a look-up, the last one stays. */
  readonly names?: Readonly<Record<string, readonly (readonly string[])[]>>;
  /** Certificates as PEM; without it whatever the machine believes. */
  readonly roots?: Uint8Array;
}

/** WASI's numbers. */
export const ERRNO = {
  TOOBIG: 1,
  ACCES: 2,
  AGAIN: 6,
  CONNREFUSED: 14,
  CONNRESET: 15,
  INVAL: 28,
  FBIG: 22,
  LOOP: 32,
  MSGSIZE: 35,
  NOENT: 44,
  PERM: 63,
  PROTO: 65,
  TIMEDOUT: 73,
} as const;

export class Fetcher implements AsyncDisposable {
  readonly group = new EmbeddedGroup({ threadsMax: 8 });
  /** Names that were looked up. */
  readonly asked: string[] = [];
  readonly #options: FetcherOptions;
  #id = 0;

  private constructor(options: FetcherOptions) {
    this.#options = options;
    this.group.listen((call) => void this.#answer(call));
  }

  static async open(options: FetcherOptions): Promise<Fetcher> {
    const fetcher = new Fetcher(options);
    const image = { network: networkRules(options.rules), ...options.image };
    await fetcher.group.install(imageOf(1, guest("fetch"), { ...options, image }));
    return fetcher;
  }

  async fetch(wanted: Wanted | string, request: Partial<CallRequest> = {}): Promise<Fetched> {
    const { method = "GET", url, headers, body, header } = typeof wanted === "string" ? { url: wanted } : wanted;
    const input = inputOf(method, url, headers, body, header);
    const outcome = await this.group.call({ id: ++this.#id, functionId: 1, input, timeoutMs: 30_000, ...request });
    if (outcome.output.length === 0) return { errno: -1, status: 0, header: undefined, body: "", outcome };
    const view = new DataView(outcome.output.buffer, outcome.output.byteOffset);
    const size = view.getInt32(8, true);
    const text = (from: number, to: number) => new TextDecoder("latin1").decode(outcome.output.subarray(from, to));
    return {
      errno: view.getUint32(0, true),
      status: view.getUint32(4, true),
      header: header === undefined || size < 0 ? undefined : text(12, 12 + size),
      body: text(1_024, outcome.output.length),
      outcome,
    };
  }

  async #answer({ callId, ticket, operation, text }: HostCall): Promise<void> {
    if (operation === "roots") {
      const { roots } = this.#options;
      const answer = roots === undefined
        ? await (await RootCalls.open(undefined)).answer()
        : { value: 0, bytes: roots };
      this.group.answer({ callId, ticket, ...answer });
      return;
    }
    const lists = this.#options.names?.[text] ?? [];
    const times = this.asked.filter((name) => name === text).length;
    this.asked.push(text);
    const found = lists[Math.min(times, lists.length - 1)];
    const bytes = new TextEncoder().encode(found?.join("\n"));
    this.group.answer({ callId, ticket, ...(found === undefined ? { value: 1 } : { value: 0, bytes }) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.group.close();
  }
}

/** As `tests/guests/fetch.wat` reads it. */
function inputOf(method: string, url: string, headers?: string, body?: Uint8Array, header?: string): Uint8Array {
  const START = 0x1000;
  const words = new Uint32Array(6);
  const bytes: number[] = [];
  const put = (part: Uint8Array): number => {
    bytes.push(...part);
    return START + words.byteLength + bytes.length - part.length;
  };
  const text = (part: string) => put(new TextEncoder().encode(`${part}\0`));
  words[0] = text(method);
  words[1] = text(url);
  if (headers !== undefined) words[2] = text(headers);
  if (body !== undefined) words[3] = put(body);
  words[4] = body?.length ?? 0;
  if (header !== undefined) words[5] = text(header);
  return new Uint8Array([...new Uint8Array(words.buffer), ...bytes]);
}
