/** What functions wrote to their standard streams, as lines; those of calls to come as they end. */
import { FaasletError } from "../errors.ts";
import { CALL_LIMITS } from "../limits.ts";
import type { CallRecord, OpenCall } from "../scheduler/mod.ts";
import type { AppContext } from "./context.ts";

/** One line of a log. */
export interface LogLine {
  /** Of the call's end: nothing leaves a call before. */
  readonly time: string;
  readonly function: string;
  readonly version: number;
  readonly callId: string;
  readonly stream: "stdout" | "stderr" | "faaslet";
  readonly text: string;
}

/** Which lines somebody wants. */
export interface LogQuery {
  readonly tenant: string;
  readonly name: string;
  readonly sinceMs: number | undefined;
  /** The last lines only. */
  readonly tail: number | undefined;
  readonly isFollowed: boolean;
}

/** Of each stream of a call, for those who follow: all of them get each. */
const FOLLOWED_LINES_MAX = 1_000;
let followers = 0;

/** An answer with one line of JSON for each line of a log. Throws `ERR_CAPACITY` when too many follow already. */
export async function logResponse(
  context: AppContext,
  query: LogQuery,
  show: (line: LogLine) => unknown,
): Promise<Response> {
  const past = await pastLines(context, query);
  const headers = { "content-type": "application/x-ndjson", "cache-control": "no-store" };
  const encode = (line: LogLine) => new TextEncoder().encode(JSON.stringify(show(line)) + "\n");
  if (!query.isFollowed) {
    context.outbox.checkRoom();
    const response = context.outbox.response(concatenated(past.map(encode)));
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  }
  if (followers >= CALL_LIMITS.followersMax) {
    throw new FaasletError("ERR_CAPACITY", `cannot follow the logs: ${followers} clients do already`);
  }
  let stop = () => {};
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      followers++;
      for (const line of past) controller.enqueue(encode(line));
      const unlisten = context.dispatcher.records.listen((record) => {
        if (record.tenant !== query.tenant || record.function !== query.name) return;
        for (const line of linesOf(record, FOLLOWED_LINES_MAX)) {
          // What a slow reader has no room for is left out.
          if ((controller.desiredSize ?? 0) <= 0) return;
          controller.enqueue(encode(line));
        }
      });
      context.streams.add(end);
      function end(): void {
        stop();
        controller.close();
      }
      stop = () => {
        stop = () => {};
        followers--;
        unlisten();
        context.streams.delete(end);
      };
    },
    cancel: () => stop(),
  }, new ByteLengthQueuingStrategy({ highWaterMark: CALL_LIMITS.followerBytesMax }));
  return new Response(stream, { headers });
}

/** The lines of a call that has ended, the last `max` of each stream; a failure adds one of ours. */
export function linesOf(record: CallRecord, max: number = CALL_LIMITS.logLinesMax): LogLine[] {
  const { callId, function: name, version, endedAtMs, status, code, message } = record;
  const time = new Date(endedAtMs).toISOString();
  const line = (stream: LogLine["stream"], text: string) => ({ time, function: name, version, callId, stream, text });
  const lines = [
    ...textLines(record.stdout, record.stdoutBytes, max).map((text) => line("stdout", text)),
    ...textLines(record.stderr, record.stderrBytes, max).map((text) => line("stderr", text)),
  ];
  if (status !== "ok") {
    lines.push(line("faaslet", `${status}${code === undefined ? "" : ` ${code}`}: ${reasonOf(record)}`));
  }
  return lines;
  function reasonOf({ returnValue }: CallRecord): string {
    return message ?? `the function returned ${returnValue}`;
  }
}

async function pastLines({ history, calls }: AppContext, query: LogQuery): Promise<LogLine[]> {
  const found = history.list({
    tenant: query.tenant,
    function: query.name,
    limit: CALL_LIMITS.pageMax,
    ...(query.sinceMs !== undefined && { sinceMs: query.sinceMs }),
  });
  const linesMax = Math.min(query.tail ?? CALL_LIMITS.logLinesMax, CALL_LIMITS.logLinesMax);
  const lines: LogLine[][] = [];
  let [count, bytes] = [0, 0];
  for (const record of found) {
    if (!hasEnded(record)) continue;
    if (count >= linesMax || bytes >= CALL_LIMITS.logAnswerBytesMax) break;
    const logged = await withLogs(record, calls);
    bytes += logged.stdout.length + logged.stderr.length;
    const own = linesOf(logged, linesMax);
    lines.push(own);
    count += own.length;
  }
  const all = lines.reverse().flat();
  return all.slice(Math.max(0, all.length - linesMax));
}

/** The logs of an asynchronous call are in the store. */
export async function withLogs(record: CallRecord, calls: AppContext["calls"]): Promise<CallRecord> {
  const call = record.kind === "async" ? calls.get(record.callId) : undefined;
  const result = call && await calls.result(call);
  return result === undefined ? record : { ...record, stdout: result.stdout, stderr: result.stderr };
}

export function hasEnded(call: CallRecord | OpenCall): call is CallRecord {
  return "endedAtMs" in call;
}

/** The last lines, and whether there were more. */
function textLines(bytes: Uint8Array, written: number, max: number): string[] {
  if (bytes.length === 0) return written > 0 ? [`(${written} bytes, no longer kept)`] : [];
  const text = new TextDecoder().decode(bytes).replace(/\n$/, "");
  let from = text.length;
  for (let count = 0; count < max && from >= 0; count++) {
    from = from === 0 ? -1 : text.lastIndexOf("\n", from - 1);
  }
  const lines = text.slice(from + 1).split("\n");
  if (from >= 0) lines.unshift(`(${from + 1} earlier characters are left out)`);
  if (written > bytes.length) lines.push(`(${written - bytes.length} more bytes were not kept)`);
  return lines;
}

function concatenated(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
