import { FaasletError } from "../errors.ts";
import { isLoopback } from "./loopback.ts";

/** The authority that a request named, and where its path begins in the URL. */
export interface Origin {
  /** `http://authority`; the path begins at its length. */
  readonly prefix: string;
  /** For CGI's SERVER_NAME, as in the URL: an IPv6 address keeps its brackets. */
  readonly name: string;
  readonly port: string;
}

/** Anything else in a Host header could move the path's beginning, or lie to who reads SERVER_NAME. */
const AUTHORITY = /^([A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/;

/**
 * Accepts requests that name this host only.
 *
 * The server listens on loopback and asks for no token. A web page can point a name of its own at 127.0.0.1 (DNS
 * rebinding) and would then be of the same origin as this API; its Host header gives it away.
 */
export class Origins {
  readonly #extra: ReadonlySet<string>;
  #last: Origin = { prefix: "\0", name: "", port: "" };

  /** `names` are accepted beside loopback, e.g. the name that a proxy in front is asked by. */
  constructor(names: readonly string[] = []) {
    this.#extra = new Set(names.map((name) => name.toLowerCase()));
  }

  /** Throws `ERR_HOST_HEADER`. */
  check(url: string): Origin {
    const last = this.#last;
    if (url.startsWith(last.prefix) && url.charCodeAt(last.prefix.length) === 0x2f) return last;
    const from = url.indexOf("://") + 3;
    const slash = url.indexOf("/", from);
    const authority = url.slice(from, slash < 0 ? url.length : slash);
    const parts = AUTHORITY.exec(authority);
    const name = parts?.[1]?.toLowerCase() ?? "";
    if (parts === null || !(isLoopback(name) || this.#extra.has(name))) {
      const shown = JSON.stringify(authority.slice(0, 80));
      throw new FaasletError("ERR_HOST_HEADER", `cannot answer for the host ${shown}: it is not one of this server's`);
    }
    const port = parts[2] ?? (url.startsWith("https") ? "443" : "80");
    return this.#last = { prefix: url.slice(0, from) + authority, name, port };
  }
}
