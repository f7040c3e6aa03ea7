/** `faaslet calls`: what became of calls. */
import { FaasletError } from "../errors.ts";
import {
  type CallView,
  cancelCall,
  getCall,
  getCallLogs,
  getCallTree,
  getResult,
  listCalls,
  waitForEnd,
} from "./call_requests.ts";
import { printCallTree } from "./call_tree.ts";
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { count, duration, isGiven, text } from "./option_kinds.ts";
import type { Output } from "./output.ts";
import { readAction } from "./read_action.ts";
import { showBytes, showMicroseconds } from "./units.ts";
import { defineVerb, type ValuesOf } from "./verb.ts";

const OPTIONS = {
  function: text("--function <name>", "list: of this function only"),
  status: text("--status <status>", "list: queued, running, ok, guest-error, trap, timeout, cancelled, host-lost"),
  failed: isGiven("--failed", "list: those that did not end well"),
  since: text("--since <time>", "list: accepted since then, e.g. 12h or 2026-01-31T08:00:00Z"),
  limit: count("-n, --limit <calls>", "list: so many at most (20)"),
  tree: isGiven("--tree", "status: with the calls that it led to, and what they cost together"),
  wait: duration("--wait <duration>", "status, result: wait for the end so long"),
};

const ACTIONS = ["list", "status", "result", "logs", "cancel"] as const;

export const calls = defineVerb({
  name: "calls",
  summary: "list calls, or show one: its life, result or logs; or cancel it",
  words: [
    { word: "<action>", summary: "list, status, result, logs or cancel", choices: ACTIONS },
    { word: "[id]", summary: "the call, for all but list" },
  ],
  options: OPTIONS,
  async run({ arguments: [action, id], options, globals, output }) {
    const client = new Client(globals.gateway);
    const known = readAction(action!, ACTIONS);
    if (known === "list") {
      if (id !== undefined) throw new FaasletError("ERR_USAGE", "cannot list one call: use `faaslet calls status`");
      return await list(client, output, options);
    }
    if (id === undefined) throw new FaasletError("ERR_USAGE", `cannot ${known} nothing: name a call's id`);
    if (options.wait !== undefined) await waitForEnd(client, id, options.wait);
    if (known === "status" && options.tree === true) printCallTree(output, await getCallTree(client, id));
    else if (known === "status") show(output, await getCall(client, id));
    else if (known === "result") output.bytes(await getResult(client, id));
    else if (known === "logs") printLogs(output, await getCallLogs(client, id));
    else {
      await cancelCall(client, id);
      if (output.format === "json") output.json({ cancelled: id });
      else if (output.format === "name") output.line(id);
      else output.note(`cancelled ${id}`);
    }
    return EXIT.ok;
  },
});

async function list(client: Client, output: Output, options: ValuesOf<typeof OPTIONS>): Promise<number> {
  const query = new URLSearchParams();
  if (options.failed === true && options.status !== undefined) {
    throw new FaasletError("ERR_USAGE", "cannot use --failed and --status together");
  }
  const status = options.failed === true ? "failed" : options.status;
  if (status !== undefined) query.set("status", status);
  if (options.function !== undefined) query.set("function", options.function);
  if (options.since !== undefined) query.set("since", options.since);
  const found = await listCalls(client, query, options.limit ?? 20);
  if (output.format === "json") output.json(found);
  else if (output.format === "name") { for (const { callId } of found) output.line(callId); }
  else {
    const rows = found.map((call) => [
      call.callId,
      call.function,
      call.status,
      call.start ?? "",
      call.execUs === undefined ? "" : showMicroseconds(call.execUs),
      call.acceptedAt,
    ]);
    output.table([["CALL", "FUNCTION", "STATUS", "START", "EXEC", "ACCEPTED"], ...rows]);
  }
  return EXIT.ok;
}

function show(output: Output, call: CallView): void {
  if (output.format === "json") return output.json(call);
  if (output.format === "name") return output.line(call.status);
  const microseconds = (us: number | undefined) => us === undefined ? [] : [showMicroseconds(us)];
  const size = (bytes: number | undefined) => bytes === undefined ? [] : [showBytes(bytes)];
  const rows = [
    ["function", `${call.function}, version ${call.version}`],
    ["accepted", `${call.acceptedAt} (${call.kind})`],
    ["ended", ...(call.endedAt === undefined ? [] : [call.endedAt])],
    ["start", ...(call.start === undefined ? [] : [call.start])],
    ["waited", ...microseconds(call.queueUs)],
    ["made ready in", ...microseconds(call.startUs)],
    ["ran", ...microseconds(call.execUs)],
    ["processor time", ...microseconds(call.cpuUs)],
    ["memory", ...size(call.memoryBytes)],
    ["input", ...size(call.inputBytes)],
    ["output", ...size(call.outputBytes)],
    ["stdout", ...size(call.stdoutBytes)],
    ["stderr", ...size(call.stderrBytes)],
    ["return value", ...(call.returnValue ? [String(call.returnValue)] : [])],
    ...(call.error === undefined
      ? []
      : call.error.message.split("\n").map((line, at) => [at === 0 ? "error" : "", line])),
  ];
  output.table([["CALL", `${call.callId}: ${call.status}`], ...rows.filter((row) => row.length > 1)]);
}

/** Both streams where they belong. */
function printLogs(output: Output, logs: { stdout: string; stderr: string }): void {
  if (output.format === "json") return output.json(logs);
  output.bytes(new TextEncoder().encode(logs.stdout));
  output.foreign(logs.stderr);
}
