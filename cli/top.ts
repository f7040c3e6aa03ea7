/** `faaslet top`: what the host does now, again and again. */
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { type Metrics, readMetrics } from "./metrics_text.ts";
import { count, duration } from "./option_kinds.ts";
import { showBytes } from "./units.ts";
import { defineVerb } from "./verb.ts";

const EVERY_MS_DEFAULT = 2_000;

export const top = defineVerb({
  name: "top",
  summary: "show what the host does, and which functions are called, until Ctrl-C",
  options: {
    every: duration("--every <duration>", "how often (2s)"),
    times: count("-n, --times <times>", "end after so many"),
  },
  async run({ options, globals, output }) {
    const client = new Client(globals.gateway);
    const everyMs = options.every ?? EVERY_MS_DEFAULT;
    let before = await scrape(client);
    for (let round = 0; round < (options.times ?? Infinity); round++) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      const now = await scrape(client);
      const shown = differences(before, now);
      if (output.format === "json") output.line(JSON.stringify(shown));
      else if (output.format === "name") { for (const { name } of shown.functions) output.line(name); }
      else {
        if (round > 0) output.line("");
        const { running, queued, idleFaaslets, residentBytes } = shown;
        output.line(`${running} run, ${queued} wait, ${idleFaaslets} idle Faaslets, ${showBytes(residentBytes)}`);
        const rows = shown.functions.map((one) => [
          one.name,
          one.callsPerSecond.toFixed(1),
          one.failedPerSecond.toFixed(1),
        ]);
        output.table([["FUNCTION", "CALLS/S", "FAILED/S"], ...rows]);
      }
      before = now;
    }
    return EXIT.ok;
  },
});

interface Scrape {
  readonly metrics: Metrics;
  readonly atMs: number;
}

async function scrape(client: Client): Promise<Scrape> {
  const metrics = readMetrics(await (await client.request("GET", "/metrics")).text());
  return { metrics, atMs: performance.now() };
}

/** What happened between two scrapes; the busiest functions first. */
function differences(before: Scrape, now: Scrape) {
  const seconds = (now.atMs - before.atMs) / 1_000;
  const names = new Set(now.metrics.samples("faaslet_calls_total").map(({ labels }) => labels["function"]!));
  const functions = [...names].map((name) => {
    const rate = (fits: (status: string | undefined) => boolean) => {
      const of = ({ metrics }: Scrape) =>
        metrics.sum("faaslet_calls_total", (labels) => labels["function"] === name && fits(labels["status"]));
      return Math.max(0, of(now) - of(before)) / seconds;
    };
    return { name, callsPerSecond: rate(() => true), failedPerSecond: rate((status) => status !== "ok") };
  });
  functions.sort((a, b) => b.callsPerSecond - a.callsPerSecond);
  return {
    running: now.metrics.sum("faaslet_calls_running"),
    queued: now.metrics.sum("faaslet_calls_queued"),
    idleFaaslets: now.metrics.sum("faaslet_idle_faaslets"),
    residentBytes: now.metrics.sum("process_resident_memory_bytes"),
    functions: functions.slice(0, 20),
  };
}
