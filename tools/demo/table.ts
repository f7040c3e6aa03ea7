/** The demo's one table. */
import { type Costs, type Kind, KINDS } from "./starts.ts";

const HEAD = ["function", "start", "making ready", "running", "whole, over HTTP"];
/** Words to the left of them are text, the others numbers. */
const TEXT_COLUMNS = 2;

/** A line for each function and kind of start, microseconds. */
export function tableOf(costs: readonly (readonly [string, Record<Kind, Costs>])[]): string {
  const rows = [HEAD];
  for (const [name, byKind] of costs) {
    for (const kind of KINDS) {
      const { startUs, execUs, wholeUs } = byKind[kind];
      rows.push([name, kind, number(startUs), number(execUs), number(wholeUs)]);
    }
  }
  const widths = HEAD.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const align = (word: string, at: number) => at < TEXT_COLUMNS ? word.padEnd(widths[at]!) : word.padStart(widths[at]!);
  return rows.map((row) => `  ${row.map(align).join("  ")}`).join("\n");
}

/** With a comma between thousands. */
export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
