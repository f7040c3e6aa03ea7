import assert from "node:assert/strict";
import type { CallRecord, OpenCall } from "./call_record.ts";
import { type CallTree, treeBelow } from "./call_tree.ts";

function record(callId: string, parentId?: string, over: Partial<CallRecord> = {}): CallRecord {
  const cost = { execUs: 1, cpuUs: 2, inputBytes: 3, outputBytes: 4 };
  return { callId, parentId, status: "ok", endedAtMs: 1, ...cost, ...over } as CallRecord;
}

/** Names and nesting: `a(b c(d))`. */
function shape({ call, children }: CallTree): string {
  return call.callId + (children.length === 0 ? "" : `(${children.map(shape).join(" ")})`);
}

Deno.test("treeBelow() nests calls in the order they were made and adds up what they cost", () => {
  const open = { callId: "e", parentId: "c", status: "running" } as OpenCall;
  const members = [record("d", "c", { status: "trap" }), record("c", "a"), open, record("b", "a"), record("z", "y")];
  const { tree, cost, isWhole } = treeBelow(record("a"), members, 100);
  assert.equal(shape(tree), "a(b c(d e))");
  assert.deepEqual(cost, { calls: 5, open: 1, failed: 1, execUs: 4, cpuUs: 8, inputBytes: 12, outputBytes: 16 });
  assert.equal(isWhole, true);
});

Deno.test("treeBelow() shows no more than it may, and counts the rest", () => {
  const members = Array.from({ length: 50 }, (_, at) => record(`b${at}`, "a"));
  const { tree, cost, isWhole } = treeBelow(record("a"), members, 10);
  assert.equal(tree.children.length, 9);
  assert.deepEqual([cost.calls, isWhole], [51, false]);
});
