/**
 * Whether a history of one register could have happened one operation at a time: each at some moment between its beginning and its
 * end. A search over all orders, that remembers where it has been (Wing and Gong; Lowe).
 */
import type { Line, Step } from "./state_child.ts";

/** An operation with its end; without one it may have taken place or not, at any time since. */
export interface Operation extends Step {
  readonly startMs: number;
  readonly endMs: number;
  readonly result?: { readonly value?: string; readonly isRefused?: boolean };
}

/** Operations of all processes, from what they said. */
export function operationsOf(lines: Iterable<Line>): Operation[] {
  const operations = new Map<string, Operation>();
  for (const line of lines) {
    if (line.say === "invoke") {
      operations.set(line.step.id, { ...line.step, startMs: line.atMs, endMs: Infinity });
    } else if (line.say === "done") {
      const { atMs, id, value, isRefused } = line;
      const result = { ...(value !== undefined && { value }), ...(isRefused !== undefined && { isRefused }) };
      operations.set(id, { ...operations.get(id)!, endMs: atMs, result });
    }
  }
  return [...operations.values()];
}

/** True when there is an order; the register is empty at first. */
export function isLinearizable(history: readonly Operation[]): boolean {
  // What nobody knows the end of and what reads nothing cannot contradict.
  const operations = history.filter(({ kind, result }) => kind !== "read" || result !== undefined)
    .sort((a, b) => a.startMs - b.startMs);
  const seen = new Set<string>();
  const isDone = operations.map(() => false);

  function search(value: string, left: number): boolean {
    if (left === 0) return true;
    const state = `${value}|${isDone.map((done) => (done ? "1" : "0")).join("")}`;
    if (seen.has(state)) return false;
    seen.add(state);
    // Nothing may come before what has ended before it began.
    const endMs = Math.min(...operations.filter((_, at) => !isDone[at]).map((operation) => operation.endMs));
    for (const [at, operation] of operations.entries()) {
      if (isDone[at]) continue;
      if (operation.startMs > endMs) break;
      for (const next of outcomes(operation, value)) {
        isDone[at] = true;
        if (search(next, left - 1)) return true;
        isDone[at] = false;
      }
    }
    return false;
  }
  return search("", operations.length);
}

/** What the register may hold after an operation; nothing when it cannot happen here. */
function outcomes({ kind, value, before, result }: Operation, now: string): string[] {
  if (kind === "read") return result!.value === now ? [now] : [];
  if (kind === "write") return result === undefined ? [value!, now] : [value!];
  if (result === undefined) return now === before ? [value!, now] : [now];
  if (result.isRefused) return now === before ? [] : [now];
  return now === before ? [value!] : [];
}
