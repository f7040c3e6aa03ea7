/** `faaslet status`: how the host does. */
import { Client } from "./client.ts";
import { EXIT } from "./exit_code.ts";
import { readMetrics } from "./metrics_text.ts";
import { showBytes } from "./units.ts";
import { defineVerb } from "./verb.ts";

export const status = defineVerb({
  name: "status",
  summary: "say how the host does: calls, functions, memory, storage",
  options: {},
  async run({ globals, output }) {
    const client = new Client(globals.gateway);
    const health = await client.health();
    const metrics = readMetrics(await (await client.request("GET", "/metrics")).text());
    const now = {
      ...health,
      functions: metrics.sum("faaslet_functions_deployed"),
      loaded: metrics.sum("faaslet_functions"),
      idleFaaslets: metrics.sum("faaslet_idle_faaslets"),
      threads: metrics.sum("faaslet_threads"),
      asyncCallsOpen: metrics.sum("faaslet_async_calls_open"),
      calls: metrics.sum("faaslet_calls_total"),
      failedCalls: metrics.sum("faaslet_calls_total", ({ status }) => status !== "ok"),
      residentBytes: metrics.sum("process_resident_memory_bytes"),
      storedBytes: metrics.sum("faaslet_stored_bytes"),
      alarms: metrics.sum("faaslet_artefact_alarms_total"),
    };
    if (output.format === "json") output.json({ gateway: client.gateway, ...now });
    else if (output.format === "name") output.line(now.status);
    else {
      output.table([
        ["HOST", `${client.gateway}, ${now.status}`],
        ["version", `${now.version}, up for ${showSeconds(now.uptimeSeconds)}`],
        ["functions", `${now.functions}, ${now.loaded} of them loaded`],
        ["Faaslets", `${now.running} run, ${now.idleFaaslets} are idle, on ${now.threads} threads`],
        ["calls", `${now.calls} ended, ${now.failedCalls} of them failed; ${now.queued} wait`],
        ["asynchronous", `${now.asyncCallsOpen} have not ended`],
        ["memory", showBytes(now.residentBytes)],
        ["storage", showBytes(now.storedBytes)],
        ...(now.alarms > 0 ? [["ALARMS", `${now.alarms}: something stored is not what was stored; see the log`]] : []),
      ]);
    }
    return EXIT.ok;
  },
});

/** Seconds for people: `45 s`, `3 h 20 min`, `12 d 4 h`. */
export function showSeconds(seconds: number): string {
  const units: [string, number][] = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  return units.slice(first, first + 2).map(([unit, size], at) => {
    const rest = at === 0 ? seconds : seconds % units[first]![1];
    return `${Math.floor(rest / size)} ${unit}`;
  }).filter((text) => !text.startsWith("0 ")).join(" ");
}
