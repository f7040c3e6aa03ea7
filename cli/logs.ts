/** `faaslet logs`: what a function's calls wrote. */
import { type LogLine, readLogs } from "./call_requests.ts";
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { count, isGiven, text } from "./option_kinds.ts";
import { defineVerb } from "./verb.ts";

export const logs = defineVerb({
  name: "logs",
  summary: "show what the calls of a function wrote to their standard streams, and why they failed",
  words: [{ word: "<name>", summary: "the function" }],
  options: {
    follow: isGiven("-f, --follow", "go on with calls to come, until Ctrl-C"),
    since: text("--since <time>", "of calls accepted since then, e.g. 12h or 2026-01-31T08:00:00Z"),
    tail: count("-n, --tail <lines>", "the last lines only"),
    times: isGiven("--times", "the time of each line in front of it"),
  },
  async run({ arguments: [name], options, globals, output }) {
    const client = new Client(globals.gateway);
    const query = new URLSearchParams();
    if (options.follow === true) query.set("follow", "1");
    if (options.since !== undefined) query.set("since", options.since);
    if (options.tail !== undefined) query.set("tail", String(options.tail));
    for await (const line of readLogs(client, name!, query)) {
      // A line of JSON each: a document of all of them would never end.
      if (output.format === "json") output.line(JSON.stringify(line));
      else if (output.format === "name") output.line(line.callId);
      else output.line(`${options.times === true ? `${line.time} ` : ""}${showLogLine(line)}`);
    }
    return EXIT.ok;
  },
});

/** A line with the stream that it came by, unless that is standard output. */
export function showLogLine({ stream, text }: LogLine): string {
  return stream === "stdout" ? text : `${stream}: ${text}`;
}
