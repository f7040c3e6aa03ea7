/**
 * How many idle Faaslets one process holds, and what it says when there is no room for another.
 *
 * @module
 */
import { join } from "node:path";
import type { Benchmark, Report } from "./_benchmark.ts";
import { startScript } from "./_child.ts";
import { guest } from "./_guests.ts";
import type { Held } from "./_idle_child.ts";

export const capacity: Benchmark = {
  name: "capacity",
  summary: "idle no-op Faaslets in one process, and the refusal beyond what the machine has room for",
  run,
};

const IDLE_MIN = 30_000;
/** More than 47 bits of addresses have room for. */
const IDLE_BEYOND = 100_000;

async function run(): Promise<Report> {
  const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
  try {
    const path = join(directory, "module.wasm");
    await Deno.writeFile(path, guest("noop"));
    const { child } = await startScript("_idle_child.ts", [path, String(IDLE_BEYOND)]);
    try {
      const enough = await child.ask<Held>(`warm ${IDLE_MIN}`);
      const beyond = await child.ask<Held>(`warm ${IDLE_BEYOND}`);
      const after = await child.ask<Held>("call");
      return reportOf(enough, beyond, after);
    } finally {
      await child.end();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function reportOf(enough: Held, beyond: Held, after: Held): Report {
  // A refusal that is not one, or a process that no longer serves calls after it, is no figure but a fault.
  if (enough.refusal !== undefined) throw new Error(`refused before ${IDLE_MIN}: ${enough.refusal.message}`);
  if (beyond.refusal?.code !== "ERR_CAPACITY") throw new Error(`no ERR_CAPACITY but ${JSON.stringify(beyond)}`);
  if (after.refusal !== undefined) throw new Error(`cannot call after the refusal: ${after.refusal.message}`);
  return {
    figures: [
      { what: "asked for and idle", value: enough.idle, unit: "", goal: { of: "value", atLeast: IDLE_MIN } },
      { what: "idle when ERR_CAPACITY came", value: beyond.idle, unit: "" },
      { what: "mappings of the process then", value: beyond.mappings, unit: "" },
    ],
    tables: [{
      title: "What it said",
      head: ["code", "message"],
      rows: [[beyond.refusal.code, beyond.refusal.message]],
    }],
    skipped: [],
    raw: { enough, beyond, after },
  };
}
