/** Errors as RFC 9457 problem documents. */
import { type ErrorCode, ERRORS, toFaasletError } from "../errors.ts";

/** The media type of every error's body. */
export const PROBLEM_TYPE = "application/problem+json";

/** The document; members that are absent do not apply. */
export interface Problem {
  /** Where the code is explained: a reference relative to this host. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable; what programs should look at. */
  readonly code: ErrorCode;
  readonly callId?: string;
  /** Every single thing that is wrong, e.g. each unknown import; for a trap, the guest's frames, innermost first. */
  readonly details?: readonly string[];
  readonly returnValue?: number;
  /** The end of what the function wrote to its standard error. */
  readonly stderr?: string;
}

/** What is said of a bug of ours: its message stays in the log, since it may quote internals. */
export const BUG_DETAIL = "an unexpected failure; the host's log says more";

/** When to come back, if the error itself does not know. */
const RETRY_AFTER_SECONDS_DEFAULT = 1;

export function problemOf(code: ErrorCode, detail: string, more: Partial<Problem> = {}): Problem {
  const { status, title } = ERRORS[code];
  return { type: `/docs#${code}`, title, status, detail, code, ...more };
}

/** Whatever was thrown, as a document. */
export function problemOfThrown(thrown: unknown, callId?: string): Problem {
  const error = toFaasletError(thrown);
  const detail = error.code === "ERR_BUG" ? BUG_DETAIL : error.message;
  return problemOf(error.code, detail, {
    ...(callId !== undefined && { callId }),
    ...(error.details.length > 0 && { details: error.details }),
  });
}

export function problemResponse(problem: Problem, retryAfterSeconds?: number): Response {
  const response = new Response(JSON.stringify(problem), { status: problem.status });
  response.headers.set("content-type", PROBLEM_TYPE);
  if (problem.status === 429 || problem.status === 503) {
    response.headers.set("retry-after", String(retryAfterSeconds ?? RETRY_AFTER_SECONDS_DEFAULT));
  }
  return response;
}
