/**
 * Calls that calls make. A chained call is admitted like any other, but for its function's queue: its root's budget bounds
 * it. A call that waits for one of its own gives its slot back, so that recursion cannot starve itself, and takes one again
 * before it goes on.
 */
import type { HostAnswer, HostCall, LiveFunction } from "../runtime/mod.ts";
import { type ActiveCall, type CallOptions, type CallResult, MadeCalls } from "./_active_call.ts";
import { type ChainFailure, type ChainLimits, ChainTree } from "./_chain_tree.ts";

/** What chains need of the dispatcher. */
export interface ChainHost {
  readonly limits: ChainLimits;
  /** Calls that may wait for others at once. */
  readonly waitingMax: number;
  callOf(groupId: number): ActiveCall | undefined;
  /** The live version, at once when it is loaded. */
  find(tenant: string, name: string): LiveFunction | undefined | Promise<LiveFunction | undefined>;
  start(options: CallOptions, link: ChainLink): void;
  cancel(call: ActiveCall): void;
  /** Gives a running call's slot to others. */
  pause(call: ActiveCall): void;
  /** True when the call has a slot again; else `Chains.resumed` is called once it has. */
  resume(call: ActiveCall): boolean;
  answer(answer: HostAnswer): void;
  nowMs(): number;
}

/** A chained call's place in its tree. */
export interface ChainLink {
  readonly tree: ChainTree;
  readonly parent: ActiveCall;
  readonly ticket: number;
  readonly depth: number;
}

/** What a call that failed returns to whoever awaits it. */
const FAILED = 1;

export class Chains {
  readonly #host: ChainHost;
  #waiting = 0;

  constructor(host: ChainHost) {
    this.#host = host;
  }

  /** A guest chains, or waits. */
  asked(asked: HostCall): void {
    const call = this.#host.callOf(asked.callId);
    if (call === undefined) return;
    if (asked.operation === "await") this.#wait(call, asked.ticket);
    else this.#chain(call, asked);
  }

  #chain(parent: ActiveCall, asked: HostCall): void {
    const tree = parent.tree ??= new ChainTree(parent, this.#host.limits);
    const depth = parent.depth + 1;
    (parent.made ??= new MadeCalls()).open.add(asked.ticket);
    const failure = tree.failure ?? tree.take(depth, asked.bytes.length);
    if (failure !== undefined) return this.fail(tree, failure);
    const link: ChainLink = { tree, parent, ticket: asked.ticket, depth };
    const { tenant, name } = parent.live.record;
    const own = asked.operation === "chain-entry" || asked.text === "" || asked.text === name;
    // An entry of the table, and the function itself, are those of the version that asks.
    const found = own ? parent.live : this.#host.find(tenant, asked.text);
    if (!(found instanceof Promise)) return this.#start(found, link, asked);
    found.then((live) => this.#start(live, link, asked), () => this.#start(undefined, link, asked));
  }

  #start(live: LiveFunction | undefined, link: ChainLink, asked: HostCall): void {
    const { tree, parent, ticket } = link;
    const { numbers: [number = 0], bytes: input, operation } = asked;
    const isRefused = live === undefined || input.length > live.record.settings.inputBytes ||
      tree.failure !== undefined || parent.hasFailed;
    if (isRefused) {
      tree.release();
      return this.#give(parent, { callId: parent.groupId, ticket, value: FAILED });
    }
    const timeoutMs = Math.min(live.record.settings.timeoutMs, tree.root.deadlineMs - this.#host.nowMs());
    const entered = operation === "chain-entry" ? { tableEntry: number } : { index: number };
    this.#host.start({ live, input, timeoutMs, ...entered }, link);
  }

  /** A call of a tree has ended, whatever became of it. */
  ended(call: ActiveCall, tree: ChainTree, result: CallResult): void {
    const { link, made } = call;
    tree.members.delete(call);
    call.hasFailed = result.status !== "ok" && result.status !== "guest-error";
    if (made !== undefined) this.#abandon(made, tree, call.hasFailed);
    if (result.error?.code === "ERR_CHAIN_BUDGET") this.fail(tree, result.error);
    if (link === undefined) return;
    link.parent.made?.running.delete(call);
    tree.release();
    this.#deliver(link, result);
  }

  #abandon(made: MadeCalls, tree: ChainTree, hasFailed: boolean): void {
    if (made.isWaiting) this.#waiting--;
    made.isWaiting = false;
    made.awaited = made.owed = undefined;
    tree.letGo(made.heldBytes);
    // Who failed awaits nobody; who ended well may have left calls to themselves.
    if (hasFailed) { for (const child of [...made.running]) this.#host.cancel(child); }
  }

  #deliver({ tree, parent, ticket }: ChainLink, result: CallResult): void {
    // Those that ended need no answer.
    if (this.#host.callOf(parent.groupId) !== parent) return;
    const { status, returnValue, output } = result;
    const hasEnded = status === "ok" || status === "guest-error";
    const value = hasEnded ? returnValue : FAILED;
    if (parent.made !== undefined) parent.made.heldBytes += output.length;
    const failure = tree.hold(output.length);
    if (failure !== undefined) return this.fail(tree, failure);
    this.#give(parent, { callId: parent.groupId, ticket, value, bytes: output });
  }

  /** Hands an answer over; a call that waits for it needs a slot first. */
  #give(call: ActiveCall, answer: HostAnswer): void {
    const { made } = call;
    made?.open.delete(answer.ticket);
    if (made === undefined || made.awaited !== answer.ticket) return this.#host.answer(answer);
    made.awaited = undefined;
    made.owed = answer;
    if (this.#host.resume(call)) this.resumed(call);
  }

  /** A call that waited has a slot again. */
  resumed({ made }: ActiveCall): void {
    if (made?.owed === undefined) return;
    const { owed } = made;
    made.owed = undefined;
    made.isWaiting = false;
    this.#waiting--;
    this.#host.answer(owed);
  }

  #wait(call: ActiveCall, ticket: number): void {
    const { made } = call;
    // The answer may have crossed the question.
    if (made === undefined || made.isWaiting || !made.open.has(ticket)) return;
    if (this.#waiting >= this.#host.waitingMax) {
      const message = `${this.#waiting} calls of this host wait for calls they made already`;
      return this.#host.answer({
        callId: call.groupId,
        ticket,
        value: FAILED,
        error: { code: "ERR_CAPACITY", message },
      });
    }
    this.#waiting++;
    made.isWaiting = true;
    made.awaited = ticket;
    this.#host.pause(call);
  }

  /** Ends a whole tree; its root says why. */
  fail(tree: ChainTree, failure: ChainFailure): void {
    if (tree.failure !== undefined) return;
    tree.failure = failure;
    for (const member of [...tree.members]) this.#host.cancel(member);
  }
}
