/** Answers whose head the function wrote: as CGI has it, before its output (RFC 3875 6), or by host calls. */
import { FaasletError } from "../errors.ts";
import { HTTP_LIMITS } from "../limits.ts";

/** A function's answer, taken apart. */
export interface HeadedAnswer {
  readonly status: number;
  /** In the order in which they were written; names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** A token (RFC 9110 5.6.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Visible characters, blanks and tabs in Latin-1: no line end can be in it, nor anything that some reader takes for one. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const STATUS = /^([2-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** They belong to the connection, which is ours, or say what the body's length is, which we know. */
const OURS = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-authenticate",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** What a function left of its answer. */
export interface Left {
  readonly output: Uint8Array;
  /** Header lines that it set by host calls, each with a line feed. */
  readonly head?: Uint8Array | undefined;
}

/**
 * The head that host calls set; and with `isCgi` the output taken apart: header lines, an empty line, the body. Throws
 * `ERR_GUEST_MISUSE` for what is no head.
 */
export function parseHeadedAnswer({ output, head }: Left, isCgi: boolean): HeadedAnswer {
  const written = isCgi ? splitHead(output) : { lines: [], body: output };
  const lines = head === undefined ? written.lines : [...latin1(head).split("\n").slice(0, -1), ...written.lines];
  const headers: [string, string][] = [];
  let status: number | undefined;
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon)).toLowerCase();
    const value = line.slice(colon + 1).replace(/^[\t ]+|[\t ]+$/g, "");
    if (!NAME.test(name) || !VALUE.test(value)) throw misuse(`${JSON.stringify(line.slice(0, 80))} is no header line`);
    if (name === "status") {
      const code = STATUS.exec(value)?.[1];
      if (code === undefined || status !== undefined) throw misuse("Status is one number from 200 to 599, once");
      status = Number(code);
    } else if (OURS.has(name)) throw misuse(`${name} is not for the function to set`);
    else if (headers.length >= HTTP_LIMITS.answerHeadersMax) {
      throw misuse(`its head has more than ${HTTP_LIMITS.answerHeadersMax} headers`);
    } else headers.push([name, value]);
  }
  const isRedirect = headers.some(([name]) => name === "location");
  return { status: status ?? (isRedirect ? 302 : 200), headers, body: written.body };
}

/** The lines before the first empty one; they end with a line feed, or a carriage return before it. */
function splitHead(output: Uint8Array): { lines: string[]; body: Uint8Array } {
  const max = Math.min(output.length, HTTP_LIMITS.answerHeadBytesMax);
  const lines: string[] = [];
  let from = 0;
  for (let at = 0; at < max; at++) {
    if (output[at] !== 0x0a) continue;
    const end = at > from && output[at - 1] === 0x0d ? at - 1 : at;
    if (end === from) return { lines, body: output.subarray(at + 1) };
    lines.push(latin1(output.subarray(from, end)));
    from = at + 1;
  }
  const limit = HTTP_LIMITS.answerHeadBytesMax;
  throw misuse(`there is no empty line after a head in its first ${limit} bytes (its setting http is cgi)`);
}

/** As headers are sent: a byte is a character. `TextDecoder("latin1")` means Windows-1252, which is another thing. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function misuse(why: string): FaasletError {
  return new FaasletError("ERR_GUEST_MISUSE", `cannot use the function's answer: ${why}`);
}
