/**
 * A host's HTTP API, as the subcommands ask it: problem documents become `FaasletError`s again.
 *
 * @module
 */
import { type ErrorCode, FaasletError, isErrorCode } from "../errors.ts";
import type { DeployResult, FunctionRecord, GuestFile, VersionSummary } from "../runtime/mod.ts";

/** A function in a list. */
export interface FunctionRow {
  readonly tenant: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly bytes: number;
  readonly style: string;
  readonly createdAt: string;
}

/** What `/healthz` says. */
export interface Health {
  readonly status: string;
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly running: number;
  readonly queued: number;
}

/** A call's answer, unread. */
export interface Answer {
  readonly headers: Headers;
  readonly body: ReadableStream<Uint8Array>;
}

/** A deploy, as the API takes it. */
export interface Deploy {
  readonly name: string;
  readonly wasm: Uint8Array;
  readonly settings: Record<string, unknown>;
  readonly files: readonly GuestFile[];
  readonly isDryRun: boolean;
}

/** The failure of a call, with what the problem document says beside its code. */
export class CallFailure extends FaasletError {
  readonly stderr: string;
  readonly returnValue: number;

  constructor(code: ErrorCode, message: string, details: readonly string[], stderr: string, returnValue: number) {
    super(code, message, { details });
    this.stderr = stderr;
    this.returnValue = returnValue;
  }
}

/** Asks one host. Every method rejects with a `FaasletError`; `ERR_UNREACHABLE` when nobody answers. */
export class Client {
  readonly gateway: string;

  constructor(gateway: string) {
    this.gateway = gateway;
  }

  async health(): Promise<Health> {
    return await this.#json(await this.#ask("GET", "/healthz"));
  }

  async list(): Promise<FunctionRow[]> {
    const { functions } = await this.#json<{ functions: FunctionRow[] }>(await this.#ask("GET", "/v1/functions"));
    return functions;
  }

  async describe(name: string): Promise<FunctionRecord> {
    return await this.#json(await this.#ask("GET", functionPath(name)));
  }

  async remove(name: string): Promise<void> {
    await (await this.#ask("DELETE", functionPath(name))).body?.cancel();
  }

  /** Newest first. */
  async versions(name: string): Promise<VersionSummary[]> {
    const answer = await this.#ask("GET", `${functionPath(name)}/versions`);
    return (await this.#json<{ versions: VersionSummary[] }>(answer)).versions;
  }

  /** Gives the version that is live then; without a number, the one before. */
  async rollback(name: string, version?: number): Promise<FunctionRecord> {
    const body = JSON.stringify(version === undefined ? {} : { version });
    const headers = { "content-type": "application/json" };
    return await this.#json(await this.#ask("POST", `${functionPath(name)}/rollback`, { body, headers }));
  }

  async deploy(deploy: Deploy): Promise<DeployResult> {
    const form = new FormData();
    form.append("module", blobOf(deploy.wasm), "module.wasm");
    form.append("settings", JSON.stringify(deploy.settings));
    for (const { path, bytes } of deploy.files) form.append("file", blobOf(bytes ?? new Uint8Array(0)), path);
    const query = deploy.isDryRun ? "?dryRun=1" : "";
    const response = await this.#ask("PUT", `${functionPath(deploy.name)}${query}`, { body: form });
    const { outcome, function: record } = await this.#json<
      { outcome: DeployResult["outcome"]; function: FunctionRecord }
    >(
      response,
    );
    return { outcome, record };
  }

  /** Calls a function. `timeoutMs` is how long this side waits; the function's own deadline is the host's matter. */
  async invoke(name: string, input: Uint8Array, options: { timeoutMs?: number | undefined } = {}): Promise<Answer> {
    const { timeoutMs } = options;
    const signal = timeoutMs === undefined ? {} : { signal: AbortSignal.timeout(timeoutMs) };
    const headers = { "content-type": "application/octet-stream" };
    const init = { body: new Uint8Array(input), headers, ...signal };
    const response = await this.#ask("POST", `/function/${inPath(name)}`, init);
    return { headers: response.headers, body: response.body ?? new ReadableStream({ start: (it) => it.close() }) };
  }

  /** Where a function is called. */
  urlOf(name: string): string {
    return `${this.gateway}/function/${name}`;
  }

  /** Asks for what has no method of its own here. */
  async request(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return await this.#ask(method, path, init);
  }

  /** The same, for an answer that is JSON. */
  async requestJson<T>(method: string, path: string, init: RequestInit = {}): Promise<T> {
    return await this.#json(await this.#ask(method, path, init));
  }

  async #ask(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(this.gateway + path, { ...init, method, redirect: "manual" });
    } catch (cause) {
      throw this.#notReached(cause);
    }
    if (response.ok) return response;
    throw await this.#failureOf(response);
  }

  async #json<T>(response: Response): Promise<T> {
    try {
      return await response.json();
    } catch (cause) {
      throw new FaasletError(
        "ERR_UNREACHABLE",
        `cannot read the answer of ${this.gateway}: it is not a faaslet host's`,
        {
          cause,
        },
      );
    }
  }

  #notReached(cause: unknown): FaasletError {
    if (cause instanceof DOMException && cause.name === "TimeoutError") {
      return new FaasletError("ERR_CALL_TIMEOUT", "cannot wait any longer: the answer did not come in time", { cause });
    }
    return new FaasletError(
      "ERR_UNREACHABLE",
      `cannot reach ${this.gateway}: no host answers there; start one with \`faaslet serve\``,
      { cause },
    );
  }

  async #failureOf(response: Response): Promise<FaasletError> {
    const problem = readProblem(await response.text().catch(() => ""));
    if (problem !== undefined) return problem;
    const code = CODE_OF_STATUS[response.status] ?? "ERR_UNREACHABLE";
    return new FaasletError(code, `${this.gateway} answered ${response.status}, and not as a faaslet host does`);
  }
}

/** For what stands between this program and the host. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: "ERR_UNAUTHENTICATED",
  403: "ERR_FORBIDDEN",
  404: "ERR_NOT_FOUND",
  413: "ERR_REQUEST_TOO_LARGE",
  504: "ERR_CALL_TIMEOUT",
};

function readProblem(text: string): FaasletError | undefined {
  let problem: unknown;
  try {
    problem = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof problem !== "object" || problem === null) return undefined;
  const { code, detail, details, stderr, returnValue } = problem as Record<string, unknown>;
  if (typeof code !== "string" || typeof detail !== "string") return undefined;
  const lines = Array.isArray(details) ? details.map(String) : [];
  // A newer host may know more codes than this program.
  if (!isErrorCode(code)) return new FaasletError("ERR_BUG", `${detail} (${code})`, { details: lines });
  return new CallFailure(
    code,
    detail,
    lines,
    typeof stderr === "string" ? stderr : "",
    typeof returnValue === "number" ? returnValue : 0,
  );
}

export function functionPath(name: string): string {
  return `/v1/functions/${inPath(name)}`;
}

/** A name as one segment of a path. The host checks its grammar, but these two would not get there: they shorten the path. */
export function inPath(name: string): string {
  if (name !== "." && name !== "..") return encodeURIComponent(name);
  throw new FaasletError("ERR_NAME_INVALID", `cannot use the name ${JSON.stringify(name)}: it is a step in a path`);
}

function blobOf(bytes: Uint8Array): Blob {
  return new Blob([new Uint8Array(bytes)]);
}
