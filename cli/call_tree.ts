/** A call's tree for people: one line a call, indented below the one that made it. */
import type { CallTreeView, TreeView } from "./call_requests.ts";
import type { Output } from "./output.ts";
import { showBytes, showMicroseconds } from "./units.ts";

/** Prints what a call led to, and what all of it cost. */
export function printCallTree(output: Output, view: TreeView): void {
  if (output.format === "json") return output.json(view);
  const rows: string[][] = [];
  addRows(rows, view.tree, 0);
  if (output.format === "name") {
    for (const [, , id = ""] of rows) output.line(id);
    return;
  }
  output.table([["FUNCTION", "STATUS", "CALL", "RAN", "PROCESSOR"], ...rows]);
  const { calls, open, failed, cpuUs, inputBytes, outputBytes } = view.cost;
  const parts = [
    `${calls} calls`,
    ...(open > 0 ? [`${open} have not ended`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    `${showMicroseconds(cpuUs)} of processor time`,
    `${showBytes(inputBytes)} in`,
    `${showBytes(outputBytes)} out`,
  ];
  output.note(parts.join(", "));
  if (!view.isWhole) output.note("not all of them are shown");
}

function addRows(rows: string[][], call: CallTreeView, depth: number): void {
  const time = (us: number | undefined) => us === undefined ? "" : showMicroseconds(us);
  rows.push([
    "  ".repeat(depth) + call.function,
    call.status,
    call.callId,
    time(call.execUs),
    time(call.cpuUs),
  ]);
  for (const child of call.children) addRows(rows, child, depth + 1);
}
