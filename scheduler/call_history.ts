import { CALL_LIMITS } from "../limits.ts";
import type { AsyncCalls } from "./async_calls.ts";
import { openAsyncCall } from "./async_calls.ts";
import { type CallRecord, isFailed, type OpenCall } from "./call_record.ts";
import { treeBelow } from "./call_tree.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Which calls somebody asks for. */
export interface CallQuery {
  readonly tenant: string;
  readonly function?: string;
  /** A status, or `failed` for everything that ended and is not `ok`. */
  readonly status?: string;
  /** Accepted at this time or later, milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Only calls before this one; the last of the page before. */
  readonly before?: string;
  readonly limit?: number;
}

/** Every call that is known: open, ended a while ago, asynchronous. */
export class CallHistory {
  readonly #dispatcher: Dispatcher;
  readonly #calls: AsyncCalls;

  constructor(dispatcher: Dispatcher, calls: AsyncCalls) {
    this.#dispatcher = dispatcher;
    this.#calls = calls;
  }

  /** A tenant's call; undefined when it is unknown, or another's. */
  get(tenant: string, callId: string): CallRecord | OpenCall | undefined {
    const found = this.#find(callId);
    return found?.tenant === tenant ? found : undefined;
  }

  /** Newest first. Ids sort by the time they were made at. */
  list(query: CallQuery): (CallRecord | OpenCall)[] {
    const limit = Math.min(query.limit ?? CALL_LIMITS.pageDefault, CALL_LIMITS.pageMax);
    const found: (CallRecord | OpenCall)[] = [];
    for (const call of this.#all()) if (fits(call, query)) found.push(call);
    return found.sort((a, b) => (a.callId < b.callId ? 1 : -1)).slice(0, limit);
  }

  /** A call and those below it, with their cost; undefined as for `get`. */
  tree(tenant: string, callId: string): ReturnType<typeof treeBelow> | undefined {
    const top = this.get(tenant, callId);
    return top && treeBelow(top, this.#all(), CALL_LIMITS.treeCallsMax);
  }

  #find(callId: string): CallRecord | OpenCall | undefined {
    const call = this.#calls.get(callId);
    const open = this.#dispatcher.openCall(callId);
    if (call !== undefined) return call.record ?? openAsyncCall(call, open);
    return open ?? this.#dispatcher.records.get(callId);
  }

  *#all(): Generator<CallRecord | OpenCall> {
    for (const call of this.#calls.list()) {
      yield call.record ?? openAsyncCall(call, this.#dispatcher.openCall(call.callId));
    }
    for (const open of this.#dispatcher.open()) if (open.kind === "sync") yield open;
    yield* this.#dispatcher.records.newestFirst();
  }
}

function fits(call: CallRecord | OpenCall, query: CallQuery): boolean {
  const { status } = query;
  if (call.tenant !== query.tenant) return false;
  if (query.function !== undefined && call.function !== query.function) return false;
  if (query.sinceMs !== undefined && call.acceptedAtMs < query.sinceMs) return false;
  if (query.before !== undefined && call.callId >= query.before) return false;
  if (status === undefined) return true;
  return status === "failed" ? "endedAtMs" in call && isFailed(call) : call.status === status;
}
