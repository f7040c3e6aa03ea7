/** What a function learns about its request: CGI variables (RFC 3875). */
import { FaasletError } from "../errors.ts";
import { FUNCTION_LIMITS } from "../limits.ts";
import type { Origin } from "./origins.ts";

/** The parts of a request that the call's handler has taken apart already. */
export interface CgiRequest {
  readonly method: string;
  readonly headers: Headers;
  readonly origin: Origin;
  readonly remoteAddress: string;
  /** As in the URL, e.g. `/function/echo`. */
  readonly scriptName: string;
  /** As in the URL: still encoded, empty or with a slash first. */
  readonly pathInfo: string;
  /** Without the question mark. */
  readonly query: string;
  readonly inputBytes: number;
}

/**
 * Headers that become no HTTP_ variable: they have a variable of their own, belong to the connection, would be taken
 * for the guest's proxy setting (httpoxy), or hold a secret meant for this server (RFC 3875 4.1.18).
 */
const LEFT_OUT = new Set([
  "content-length",
  "content-type",
  "proxy",
  "authorization",
  "proxy-authorization",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
]);

/** Only these: `x_a` and `x-a` would be one variable, and whoever sends both would choose which one counts. */
const HEADER_NAME = /^[a-z0-9-]+$/;

/** Header names repeat; clients choose them, hence the bound. */
const VARIABLES_MAX = 512;
const variables = new Map<string, string>();

/** The variables, and about how many bytes they are. */
export interface CgiEnvironment {
  readonly variables: Record<string, string>;
  /** Not less than what they are in UTF-8. */
  readonly bytes: number;
}

/** The variables. Throws `ERR_REQUEST_TOO_LARGE` over the limit and `ERR_REQUEST_INVALID` for a path that has no text. */
export function cgiEnvironment(request: CgiRequest): CgiEnvironment {
  const environment: Record<string, string> = {
    GATEWAY_INTERFACE: "CGI/1.1",
    REQUEST_METHOD: request.method,
    SCRIPT_NAME: request.scriptName,
    PATH_INFO: request.pathInfo.includes("%") ? decodePath(request.pathInfo) : request.pathInfo,
    QUERY_STRING: request.query,
    SERVER_PROTOCOL: "HTTP/1.1",
    SERVER_SOFTWARE: "faaslet",
    SERVER_NAME: request.origin.name,
    SERVER_PORT: request.origin.port,
    REMOTE_ADDR: request.remoteAddress,
  };
  let bytes = 256 + 3 * environment["PATH_INFO"]!.length +
    request.query.length + request.scriptName.length + request.method.length;
  for (const [name, value] of request.headers) {
    const variable = variables.get(name) ?? variableOf(name);
    if (variable === "") {
      if (name !== "content-type") continue;
      environment["CONTENT_TYPE"] = value;
    } else {
      environment[variable] = value;
    }
    // Header values are Latin-1: two bytes each at most, once they are UTF-8.
    bytes += name.length + 7 + 2 * value.length;
  }
  if (request.inputBytes > 0) {
    environment["CONTENT_LENGTH"] = String(request.inputBytes);
  }
  if (bytes > FUNCTION_LIMITS.environmentBytesMax) {
    const limit = FUNCTION_LIMITS.environmentBytesMax;
    throw new FaasletError("ERR_REQUEST_TOO_LARGE", `cannot pass on the request's head: the limit is ${limit} bytes`);
  }
  return { variables: environment, bytes };
}

/** The variable of a header, or "" when it has none. */
function variableOf(header: string): string {
  const isPassedOn = HEADER_NAME.test(header) && !LEFT_OUT.has(header);
  const variable = isPassedOn ? "HTTP_" + header.toUpperCase().replaceAll("-", "_") : "";
  if (variables.size < VARIABLES_MAX && header.length <= 64) {
    variables.set(header, variable);
  }
  return variable;
}

function decodePath(path: string): string {
  let decoded = "\0";
  try {
    decoded = decodeURIComponent(path);
  } catch { /* answered below */ }
  if (!decoded.includes("\0")) return decoded;
  throw new FaasletError("ERR_REQUEST_INVALID", "cannot pass on the path: it is not UTF-8 text without NUL");
}
