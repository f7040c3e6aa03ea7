/** What is known of a module or a function, as rows for people. */
import type { FunctionRecord, ModuleReport, StoredSnapshot } from "../runtime/mod.ts";
import { showBytes, showMicroseconds } from "./units.ts";

const PAGE_BYTES = 65_536;
const LISTED_MAX = 12;

/** Rows of what the check of an upload found. */
export function reportRows(report: ModuleReport): string[][] {
  const { memory, plan } = report;
  const maximum = memory?.maximumPages == null
    ? "no maximum"
    : `at most ${showBytes(memory.maximumPages * PAGE_BYTES)}`;
  const start = [
    ...plan.beforeSnapshot,
    "(snapshot)",
    plan.entry,
    ...(plan.afterEntry === undefined ? [] : [plan.afterEntry]),
  ];
  const imports = report.imports.map(({ module, name }) => `${module}.${name}`);
  return [
    ["digest", report.digest],
    ["module", `${showBytes(report.bytes)}, code ${showBytes(report.codeBytes)}, data ${showBytes(report.dataBytes)}`],
    ["style", report.style],
    ["start", start.join(" -> ")],
    ["memory", memory === null ? "none" : `${showBytes(memory.minimumPages * PAGE_BYTES)}, ${maximum}`],
    ["imports", listed(imports)],
    ["exports", listed(report.exports.map(({ name }) => name))],
    ...(report.producers.length === 0 ? [] : [["made by", report.producers.join(", ")]]),
    ...report.warnings.map((warning) => ["warning", warning]),
  ];
}

/** Rows of a deployed function. */
export function recordRows(record: FunctionRecord): string[][] {
  const { compile, install, snapshot, files, settings } = record;
  return [
    ["version", `${record.version}, ${record.createdAt}`],
    ...reportRows(record.report),
    ["compiled in", `${showMicroseconds(compile.wallMs * 1_000)} to ${showBytes(compile.artefactBytes)}`],
    ["initialised in", showMicroseconds(install.initUs)],
    ["snapshot", `${showBytes(install.snapshotBytes)} of ${showBytes(install.memoryBytes)}`],
    ...(snapshot === undefined ? [] : [["stored snapshot", storedSnapshot(snapshot)]]),
    ...files.map(({ path, bytes }) => ["file", `${path}, ${showBytes(bytes)}`]),
    ["settings", JSON.stringify(settings)],
  ];
}

function storedSnapshot(snapshot: StoredSnapshot): string {
  if ("hindrance" in snapshot) return `none: ${snapshot.hindrance}`;
  return `${showBytes(snapshot.bytes)}, compressed to ${showBytes(snapshot.storedBytes)}`;
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const more = names.length > LISTED_MAX ? `, and ${names.length - LISTED_MAX} more` : "";
  return names.slice(0, LISTED_MAX).join(", ") + more;
}
