import assert from "node:assert/strict";
import { HOST_LIMITS } from "../limits.ts";
import { setUp } from "./_fakes.ts";

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

const SAMPLE = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|\+Inf|NaN)$/;
const LABEL = /([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

/** Reads the text format 0.0.4 strictly: each sample is of a family that was announced with HELP and TYPE, once. */
function parseMetrics(text: string): { types: Map<string, string>; samples: Sample[] } {
  assert.ok(text.endsWith("\n"));
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.split("\n").filter((line) => line !== "")) {
    const [mark, kind, family, type] = line.split(" ");
    if (mark === "#" && kind === "HELP") {
      assert.ok(!helps.has(family!), line);
      helps.add(family!);
    } else if (mark === "#" && kind === "TYPE") {
      assert.ok(helps.has(family!) && !types.has(family!), line);
      assert.match(type!, /^(counter|gauge|histogram)$/);
      types.set(family!, type!);
    } else {
      const match = SAMPLE.exec(line);
      assert.ok(match !== null, line);
      const name = match[1]!;
      const last = [...types.keys()].at(-1)!;
      const isHistogram = types.get(last) === "histogram";
      assert.ok(isHistogram ? /^_(bucket|sum|count)$/.test(name.slice(last.length)) : name === last, line);
      samples.push({ name, labels: parseLabels(match[2] ?? ""), value: Number(match[3]!.replace("+Inf", "Infinity")) });
    }
  }
  return { types, samples };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text);
    assert.ok(match !== null && !(match[1]! in labels), text);
    labels[match[1]!] = match[2]!;
  }
  return labels;
}

async function scrape(send: ReturnType<typeof setUp>["send"]) {
  const response = await send("/metrics");
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  return parseMetrics(await response.text());
}

Deno.test("/metrics counts calls by function, status and start", async () => {
  const { registry, group, send } = setUp();
  registry.add("good");
  registry.add("bad");
  for (let call = 0; call < 3; call++) await send("/function/good");
  group.respond = () => ({ status: "trap", start: "proto" });
  await send("/function/bad");
  const { samples } = await scrape(send);
  function valueOf(name: string, labels: Record<string, string> = {}): number | undefined {
    const wanted = JSON.stringify(labels);
    return samples.find((sample) => sample.name === name && JSON.stringify(sample.labels) === wanted)?.value;
  }
  assert.equal(valueOf("faaslet_calls_total", { tenant: "default", function: "good", status: "ok" }), 3);
  assert.equal(valueOf("faaslet_calls_total", { tenant: "default", function: "bad", status: "trap" }), 1);
  assert.equal(samples.filter(({ name }) => name === "faaslet_calls_total").length, 2);
  assert.equal(valueOf("faaslet_call_starts_total", { start: "warm" }), 3);
  assert.equal(valueOf("faaslet_call_starts_total", { start: "proto" }), 1);
  assert.equal(valueOf("faaslet_calls_running"), 0);
  assert.equal(valueOf("faaslet_calls_queued"), 0);
  assert.equal(valueOf("faaslet_restored_total"), 4);
  assert.equal(valueOf("faaslet_build_info", { version: "1.2.3" }), 1);
  assert.ok(valueOf("process_resident_memory_bytes")! > 1_000_000);
});

Deno.test("/metrics has histograms whose buckets are cumulated and end with all of them", async () => {
  const { registry, group, send } = setUp();
  registry.add("echo");
  for (const execUs of [1, 5, 6, 1e9]) {
    group.respond = () => ({ execUs });
    await send("/function/echo");
  }
  const { types, samples } = await scrape(send);
  const families = [...types].filter(([, type]) => type === "histogram").map(([family]) => family);
  assert.deepEqual(families, ["faaslet_call_queue_seconds", "faaslet_call_start_seconds", "faaslet_call_exec_seconds"]);
  for (const family of families) {
    const buckets = samples.filter(({ name }) => name === `${family}_bucket`);
    const bounds = buckets.map(({ labels }) => Number(labels["le"]!.replace("+Inf", "Infinity")));
    assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b));
    assert.equal(bounds.at(-1), Infinity);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b));
    assert.equal(samples.find(({ name }) => name === `${family}_count`)!.value, counts.at(-1));
  }
  const exec = samples.filter(({ name }) => name === "faaslet_call_exec_seconds_bucket").map(({ value }) => value);
  assert.deepEqual([exec[0], exec[1], exec.at(-2), exec.at(-1)], [2, 3, 3, 4]);
  assert.equal(samples.find(({ name }) => name === "faaslet_call_exec_seconds_sum")!.value, 1_000.000012);
});

Deno.test("/metrics has a bounded number of functions, however many are called", async () => {
  const { registry, send } = setUp();
  const functions = HOST_LIMITS.metricsFunctionsMax + 50;
  for (let at = 0; at < functions; at++) {
    registry.add(`f${at}`);
    await send(`/function/f${at}`);
  }
  const { samples } = await scrape(send);
  const calls = samples.filter(({ name }) => name === "faaslet_calls_total");
  assert.equal(calls.length, HOST_LIMITS.metricsFunctionsMax + 1);
  const other = calls.find(({ labels }) => labels["function"] === "_other")!;
  assert.deepEqual([other.labels["tenant"], other.value], ["_other", 50]);
});
