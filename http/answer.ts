/** Ends of calls as HTTP answers. */
import type { ErrorCode } from "../errors.ts";
import type { CallStatus, LiveFunction } from "../runtime/mod.ts";
import type { CallResult } from "../scheduler/mod.ts";
import { type Left, parseHeadedAnswer } from "./headed_answer.ts";
import type { Outbox } from "./outbox.ts";
import { BUG_DETAIL, type Problem, problemOf, problemOfThrown, problemResponse } from "./problem.ts";

/** How much of a failed call's standard error its answer quotes: the end, where the reason is. */
const STDERR_TAIL_BYTES = 4_096;

/** Answers for a call that was dispatched. */
export function answerOf(result: CallResult, live: LiveFunction, outbox: Outbox): Response {
  let response: Response;
  if (result.status === "ok") {
    response = responseOf(result, live, outbox);
  } else {
    response = problemResponse(problemOfResult(result), result.retryAfterSeconds);
  }
  const { headers } = response;
  headers.set("x-call-id", result.callId);
  headers.set("x-function-version", String(result.version));
  if (result.didRun) headers.set("x-start", result.start);
  headers.set("x-duration-seconds", (result.totalUs / 1_000_000).toFixed(6));
  headers.set(
    "server-timing",
    `queue;dur=${milliseconds(result.queueUs)}, start;dur=${milliseconds(result.startUs)}, exec;dur=${
      milliseconds(result.execUs)
    }`,
  );
  if (result.returnValue !== 0) {
    headers.set("x-return-value", String(result.returnValue));
  }
  return response;
}

/** What a call that ended well answers with, whether its caller waited or asks later. */
export function responseOf(left: Left & { callId: string }, live: LiveFunction | undefined, outbox: Outbox): Response {
  const isCgi = live?.record.settings.http === "cgi";
  if (isCgi || left.head !== undefined) return headedResponse(left, isCgi, live, outbox);
  const response = outbox.response(left.output);
  response.headers.set("content-type", contentTypeOf(live));
  return response;
}

/** The answer with the head that the function gave it; a problem when it is none. */
function headedResponse(
  left: Left & { callId: string },
  isCgi: boolean,
  live: LiveFunction | undefined,
  outbox: Outbox,
): Response {
  try {
    const { status, headers, body } = parseHeadedAnswer(left, isCgi);
    const hasNoBody = status === 204 || status === 304;
    const sent = hasNoBody ? new Response(null) : outbox.response(body);
    const response = new Response(sent.body, { status, headers: sent.headers });
    if (!hasNoBody) response.headers.set("content-type", contentTypeOf(live));
    for (const [name, value] of headers) {
      if (name === "content-type") response.headers.set(name, value);
      else response.headers.append(name, value);
    }
    return response;
  } catch (thrown) {
    return problemResponse(problemOfThrown(thrown, left.callId));
  }
}

/** Answers for a request that did not become a call. */
export function answerWithoutCall(thrown: unknown, callId: string, totalMs: number, live?: LiveFunction): Response {
  const response = problemResponse(problemOfThrown(thrown, callId));
  response.headers.set("x-call-id", callId);
  response.headers.set("x-duration-seconds", (totalMs / 1_000).toFixed(6));
  if (live !== undefined) {
    response.headers.set("x-function-version", String(live.record.version));
  }
  return response;
}

const CODE_OF_STATUS: Record<Exclude<CallStatus, "ok">, ErrorCode> = {
  "guest-error": "ERR_GUEST_EXIT",
  "trap": "ERR_GUEST_TRAP",
  "timeout": "ERR_CALL_TIMEOUT",
  "cancelled": "ERR_CALL_CANCELLED",
  "refused": "ERR_CAPACITY",
  "host-lost": "ERR_WORKER_LOST",
};

/** What is looked at of a call that failed. */
type Failed = Pick<CallResult, "callId" | "status" | "error" | "returnValue" | "stderr" | "stderrBytes">;

/** The problem document of a call that did not end well. */
export function problemOfResult(result: Failed): Problem {
  const code = result.error?.code ?? CODE_OF_STATUS[result.status as Exclude<CallStatus, "ok">];
  // After a trap, the lines below the first are the guest's frames, innermost first.
  const [first, ...frames] = (result.error?.message ?? `the function returned ${result.returnValue}`).split("\n");
  const isOurs = code === "ERR_BUG";
  return problemOf(code, isOurs ? BUG_DETAIL : first!, {
    callId: result.callId,
    ...(frames.length > 0 && !isOurs && { details: frames.map((frame) => frame.trim()) }),
    ...(result.returnValue !== 0 && { returnValue: result.returnValue }),
    ...(result.stderr.length > 0 && { stderr: tailOf(result) }),
  });
}

/**
 * The last bytes that were kept as text, and how many were not; what is not UTF-8, a character cut in two included, becomes
 * U+FFFD.
 */
function tailOf({ stderr, stderrBytes }: Pick<Failed, "stderr" | "stderrBytes">): string {
  const text = new TextDecoder().decode(stderr.subarray(-STDERR_TAIL_BYTES));
  return stderrBytes > stderr.length ? `${text}\n(${stderrBytes - stderr.length} more bytes were not kept)` : text;
}

/** The media type of answers. A command writes text for people; what else a function returns, only its owner knows. */
function contentTypeOf(live: LiveFunction | undefined): string {
  return live?.record.settings.contentType ??
    (live?.record.report.style === "command" ? "text/plain; charset=utf-8" : "application/octet-stream");
}

function milliseconds(us: number): string {
  return (us / 1_000).toFixed(3);
}
