import type { CallRecord, OpenCall } from "./call_record.ts";

/** A call with those that it made, in the order in which it made them. */
export interface CallTree {
  readonly call: CallRecord | OpenCall;
  readonly children: readonly CallTree[];
}

/** What a call and all those below it cost; of the open ones only their number is known. */
export interface TreeCost {
  readonly calls: number;
  readonly open: number;
  readonly failed: number;
  readonly execUs: number;
  readonly cpuUs: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** The part of a tree below `top`, as far as its members are known: old ones may be forgotten. At most `callsMax` calls. */
export function treeBelow(
  top: CallRecord | OpenCall,
  members: Iterable<CallRecord | OpenCall>,
  callsMax: number,
): { tree: CallTree; cost: TreeCost; isWhole: boolean } {
  const made = new Map<string, (CallRecord | OpenCall)[]>();
  for (const member of members) {
    if (member.parentId === undefined) continue;
    const siblings = made.get(member.parentId);
    if (siblings === undefined) made.set(member.parentId, [member]);
    else siblings.push(member);
  }
  const cost = { calls: 0, open: 0, failed: 0, execUs: 0, cpuUs: 0, inputBytes: 0, outputBytes: 0 };
  let shown = 0;
  function grow(call: CallRecord | OpenCall): CallTree {
    add(cost, call);
    shown++;
    const children: CallTree[] = [];
    // Ids sort by the time they were made at.
    for (const child of (made.get(call.callId) ?? []).sort((a, b) => (a.callId < b.callId ? -1 : 1))) {
      if (shown < callsMax) children.push(grow(child));
      else count(child);
    }
    return { call, children };
  }
  /** What is not shown costs all the same. */
  function count(call: CallRecord | OpenCall): void {
    add(cost, call);
    for (const child of made.get(call.callId) ?? []) count(child);
  }
  const tree = grow(top);
  return { tree, cost, isWhole: cost.calls === shown };
}

function add(cost: { -readonly [K in keyof TreeCost]: TreeCost[K] }, call: CallRecord | OpenCall): void {
  cost.calls++;
  if (!("endedAtMs" in call)) {
    cost.open++;
    return;
  }
  if (call.status !== "ok") cost.failed++;
  cost.execUs += call.execUs;
  cost.cpuUs += call.cpuUs;
  cost.inputBytes += call.inputBytes;
  cost.outputBytes += call.outputBytes;
}
