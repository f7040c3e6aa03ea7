/** Reports as text for a terminal. */
import CliTable from "cli-table3";
import { type Figure, isMet, ratioOf, type Report, type Table } from "./_benchmark.ts";

/** Figures with their goals, then the tables, then what was left out. */
export function show({ figures, tables, skipped }: Report): string {
  const parts = [figuresTable(figures), ...tables.map(({ title, head, rows }) => `${title}\n${grid(head, rows)}`)];
  for (const line of skipped) parts.push(`skipped: ${line}`);
  return parts.join("\n\n");
}

/** A number with three digits that count, without an exponent. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1_000) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.what,
    `${number(figure.value)} ${figure.unit}`,
    figure.against === undefined ? "" : `${figure.against.what}: ${number(figure.against.value)} ${figure.unit}`,
    figure.against === undefined ? "" : number(ratioOf(figure)!),
    goalText(figure),
    { true: "met", false: "MISSED", undefined: "" }[String(isMet(figure))]!,
  ]);
  return grid(["", "figure", "against", "ratio", "goal", ""], rows);
}

function goalText({ goal, unit }: Figure): string {
  if (goal === undefined) return "";
  const bound = goal.atMost === undefined ? `>= ${number(goal.atLeast!)}` : `<= ${number(goal.atMost)}`;
  return goal.of === "ratio" ? `${bound} x` : `${bound} ${unit}`;
}

function grid(head: Table["head"], rows: Table["rows"]): string {
  const table = new CliTable({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, column) => column === 0 ? "left" as const : "right" as const),
  });
  for (const row of rows) table.push(row.map((cell) => typeof cell === "number" ? number(cell) : cell));
  return table.toString();
}
