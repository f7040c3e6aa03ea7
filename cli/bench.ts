/** `faaslet bench`: what calls of a function cost, over HTTP. */
import { Client, inPath } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { readInput } from "./invoke.ts";
import { choice, count, text } from "./option_kinds.ts";
import { during } from "./progress.ts";
import { showMicroseconds } from "./units.ts";
import { defineVerb } from "./verb.ts";

const CALLS_DEFAULT = 1_000;
const CONCURRENCY_DEFAULT = 8;

export const bench = defineVerb({
  name: "bench",
  summary: "call a function many times and say what a call costs",
  words: [{ word: "<name>", summary: "the function" }],
  options: {
    data: text("-d, --data <data>", "the input of each call; @FILE reads a file (nothing)"),
    calls: count("-n, --calls <calls>", `how many calls (${CALLS_DEFAULT})`),
    concurrency: count("-c, --concurrency <calls>", `how many at once (${CONCURRENCY_DEFAULT})`),
    start: choice("--start <start>", ["cold", "proto", "warm"], "at most as warm as this"),
  },
  async run({ arguments: [name], options, globals, output }) {
    const client = new Client(globals.gateway);
    const body = new Uint8Array(await readInput(options.data ?? ""));
    const total = Math.max(1, options.calls ?? CALLS_DEFAULT);
    const headers = new Headers({ "content-type": "application/octet-stream" });
    if (options.start !== undefined) headers.set("x-start", options.start);
    const timesUs: number[] = [];
    const starts: Record<string, number> = {};
    let failed = 0;
    let left = total;
    async function caller(): Promise<void> {
      while (left-- > 0) {
        const from = performance.now();
        const answer = await fetch(`${client.gateway}/function/${inPath(name!)}`, { method: "POST", body, headers });
        await answer.body?.cancel();
        timesUs.push((performance.now() - from) * 1_000);
        if (!answer.ok) failed++;
        const start = answer.headers.get("x-start") ?? "none";
        starts[start] = (starts[start] ?? 0) + 1;
      }
    }
    // The first one tells whether there is such a function, and loads it.
    await (await client.invoke(name!, body)).body.cancel();
    const from = performance.now();
    const callers = Array.from({ length: Math.min(total, options.concurrency ?? CONCURRENCY_DEFAULT) }, caller);
    await during(output, `calling ${name}`, Promise.all(callers));
    const seconds = (performance.now() - from) / 1_000;
    timesUs.sort((a, b) => a - b);
    const at = (share: number) => timesUs[Math.min(timesUs.length - 1, Math.floor(share * timesUs.length))]!;
    const found = {
      calls: total,
      failed,
      seconds,
      callsPerSecond: total / seconds,
      p50Us: at(0.5),
      p90Us: at(0.9),
      p99Us: at(0.99),
      maxUs: timesUs.at(-1)!,
      starts,
    };
    if (output.format === "json") output.json(found);
    else if (output.format === "name") output.line(found.callsPerSecond.toFixed(0));
    else {
      output.table([
        ["CALLS", `${total} in ${seconds.toFixed(2)} s, ${failed} of them failed`],
        ["a second", found.callsPerSecond.toFixed(0)],
        ["median", showMicroseconds(found.p50Us)],
        ["90 %", showMicroseconds(found.p90Us)],
        ["99 %", showMicroseconds(found.p99Us)],
        ["longest", showMicroseconds(found.maxUs)],
        ["starts", Object.entries(starts).map(([start, calls]) => `${start} ${calls}`).join(", ")],
      ]);
    }
    return failed === 0 ? EXIT.ok : EXIT.functionFailed;
  },
});
