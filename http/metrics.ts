/** `/metrics` in the Prometheus text format. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { type Metric, Registry } from "prom-client";
import type { GroupStats, RegistryStats } from "../runtime/mod.ts";
import { BUCKET_BOUNDS_US, type DispatcherStats, type HistogramSnapshot, OTHER_FUNCTIONS } from "../scheduler/mod.ts";
import type { AppContext } from "./context.ts";

interface Value {
  readonly labels: Record<string, string | number>;
  readonly value: number;
  readonly metricName?: string;
}

/** Adds the resource. Nothing is counted here: each scrape renders what dispatcher and group have counted anyway. */
export function addMetrics(app: OpenAPIHono, context: AppContext): void {
  const { dispatcher, bodies, outbox, registry: functions, version } = context;
  app.get("/metrics", async ({ text }) => {
    const group = await dispatcher.groupStats();
    const registry = new Registry();
    addCalls(registry, dispatcher.stats());
    addGroup(registry, group);
    addRegistry(registry, functions.stats());
    addRecords(registry, context);
    addStore(registry, context);
    add(
      registry,
      "gauge",
      "faaslet_request_body_bytes",
      "Requests in memory: bodies, and what calls keep of their heads",
      [one(bodies.bytes)],
    );
    add(registry, "gauge", "faaslet_answer_bytes", "Large answers that wait for their readers", [one(outbox.bytes)]);
    add(registry, "gauge", "process_resident_memory_bytes", "Resident memory", [one(Deno.memoryUsage().rss)]);
    add(registry, "gauge", "faaslet_build_info", "Always 1", [{ labels: { version }, value: 1 }]);
    return text(await registry.metrics(), 200, { "content-type": registry.contentType });
  });
  app.openAPIRegistry.registerPath({
    method: "get",
    path: "/metrics",
    summary: "Metrics for Prometheus",
    responses: { 200: { description: "Text format 0.0.4", content: { "text/plain": {} } } },
  });
}

function addCalls(registry: Registry, stats: DispatcherStats): void {
  const calls: Value[] = [];
  for (const [key, counts] of stats.functions) {
    const [tenant, name] = key === OTHER_FUNCTIONS
      ? [OTHER_FUNCTIONS, OTHER_FUNCTIONS]
      : key.split("/") as [string, string];
    for (const [status, value] of Object.entries(counts)) {
      if (value > 0) {
        calls.push({ labels: { tenant, function: name, status }, value });
      }
    }
  }
  const starts = Object.entries(stats.starts).map(([start, value]) => ({
    labels: { start },
    value,
  }));
  add(registry, "counter", "faaslet_calls_total", "Calls that ended, by function and status", calls);
  add(registry, "counter", "faaslet_call_starts_total", "Calls that ran, by how their Faaslet came to be", starts);
  add(registry, "gauge", "faaslet_calls_running", "Calls that run now", [one(stats.running)]);
  add(registry, "gauge", "faaslet_calls_queued", "Calls that wait now", [one(stats.queued)]);
  addHistogram(registry, "faaslet_call_queue_seconds", "Waiting", stats.queue);
  addHistogram(registry, "faaslet_call_start_seconds", "Making the Faaslet ready", stats.start);
  addHistogram(registry, "faaslet_call_exec_seconds", "Inside the guest", stats.exec);
}

function addGroup(registry: Registry, group: GroupStats): void {
  add(registry, "gauge", "faaslet_functions", "Functions that are loaded", [one(group.functions)]);
  add(registry, "gauge", "faaslet_idle_faaslets", "Faaslets that wait for a call", [one(group.idleFaaslets)]);
  add(registry, "gauge", "faaslet_threads", "Threads that run guests", [one(group.threads)]);
  add(registry, "counter", "faaslet_restored_total", "Faaslets made from a Proto-Faaslet", [one(group.restored)]);
  add(registry, "counter", "faaslet_resets_total", "Faaslets reset after a call", [one(group.resets)]);
  add(registry, "counter", "faaslet_discarded_total", "Faaslets dropped after a call", [one(group.discarded)]);
}

function addRecords(registry: Registry, { calls, recorder }: AppContext): void {
  add(registry, "gauge", "faaslet_async_calls_open", "Asynchronous calls that have not ended", [one(calls.open)]);
  if (recorder === undefined) return;
  const { written, skipped } = recorder;
  add(registry, "counter", "faaslet_call_records_written_total", "Records of calls put on disk", [one(written)]);
  add(registry, "counter", "faaslet_call_records_skipped_total", "Records too many for their batch", [one(skipped)]);
}

function addStore(registry: Registry, { storeStats }: AppContext): void {
  if (storeStats === undefined) return;
  const { read, commit } = storeStats();
  addHistogram(registry, "faaslet_store_read_seconds", "Reads of the store; of a listing its first piece", read.took);
  addHistogram(registry, "faaslet_store_commit_seconds", "Writes to the store", commit.took);
  add(registry, "counter", "faaslet_store_errors_total", "Operations that the store failed", [
    { labels: { operation: "read" }, value: read.errors },
    { labels: { operation: "commit" }, value: commit.errors },
  ]);
}

function addRegistry(registry: Registry, stats: RegistryStats): void {
  add(registry, "gauge", "faaslet_functions_deployed", "Functions that are deployed", [one(stats.functions)]);
  add(registry, "gauge", "faaslet_stored_bytes", "Modules, machine code and files as stored", [one(stats.storedBytes)]);
  add(registry, "counter", "faaslet_compilations_total", "Modules compiled", [one(stats.compilations)]);
  add(registry, "gauge", "faaslet_snapshot_bytes", "Proto-Faaslets as stored", [one(stats.snapshotBytes)]);
  const { made, loaded, refused, failed } = stats.snapshots;
  const count = (name: string, help: string, value: number) => {
    add(registry, "counter", `faaslet_snapshots_${name}_total`, help, [one(value)]);
  };
  count("made", "Proto-Faaslets stored after their initialiser", made);
  count("loaded", "Proto-Faaslets read instead of running an initialiser", loaded);
  count("refused", "Stored Proto-Faaslets that were not what had been stored; any is worth a look", refused);
  count("failed", "Proto-Faaslets that could not be stored", failed);
  const alarms = "Stored code or records that were not what had been stored; any is worth a look";
  add(registry, "counter", "faaslet_artefact_alarms_total", alarms, [one(stats.alarms)]);
}

function addHistogram(registry: Registry, name: string, help: string, snapshot: HistogramSnapshot): void {
  let cumulated = 0;
  const values: Value[] = snapshot.buckets.map((count, at) => {
    const bound = BUCKET_BOUNDS_US[at];
    cumulated += count;
    return {
      labels: { le: bound === undefined ? "+Inf" : bound / 1e6 },
      value: cumulated,
      metricName: `${name}_bucket`,
    };
  });
  values.push({ labels: {}, value: snapshot.sumUs / 1e6, metricName: `${name}_sum` });
  values.push({ labels: {}, value: snapshot.count, metricName: `${name}_count` });
  add(registry, "histogram", name, help, values);
}

function one(value: number): Value {
  return { labels: {}, value };
}

/** prom-client asks a metric for its values when it renders; these have them already. */
function add(registry: Registry, type: string, name: string, help: string, values: Value[]): void {
  const metric = {
    name,
    help,
    type,
    aggregator: "sum",
    get: () => Promise.resolve({ name, help, type, values }),
  };
  registry.registerMetric(metric as unknown as Metric<string>);
}
