/**
 * Guests' slow host calls about state, answered by a residency.
 *
 * @module
 */
import { assert, type ErrorCode, FaasletError, toFaasletError } from "../errors.ts";
import { STATE_LIMITS } from "../limits.ts";
import type { HoldingCall } from "./_call_locks.ts";
import type { GlobalTier } from "./global_tier.ts";
import type { ChunkSpan } from "./local_tier.ts";
import type { Residency } from "./residency.ts";

/** What guests ask about state. The add-on's `slow.rs` says what their numbers, text and bytes are. */
export type StateOperation =
  | "state-pull"
  | "state-push"
  | "state-version"
  | "state-room"
  | "state-append"
  | "state-read-appended"
  | "state-clear-appended"
  | "state-lock"
  | "state-unlock";

/** A guest's request. */
export interface StateAsk {
  readonly callId: number;
  readonly ticket: number;
  readonly operation: StateOperation;
  readonly numbers: readonly number[];
  /** The key. */
  readonly text: string;
  readonly bytes: Uint8Array;
}

export interface StateAnswer {
  readonly callId: number;
  readonly ticket: number;
  readonly value: number;
  readonly bytes?: Uint8Array;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

/** Whose request it is. */
export interface StateCaller extends HoldingCall {
  readonly tenant: string;
}

interface Given {
  readonly value: number;
  readonly bytes?: Uint8Array;
}

const CHUNKS_MAX = STATE_LIMITS.valueBytesMax / STATE_LIMITS.chunkBytes;
/** As `host/state/sync.rs` numbers them. */
const PLAIN = 0;
const PARTIAL = 1;
const MASKED = 2;
const CONDITIONAL = 3;

/** Answers requests; every one is answered once, and nothing here throws. */
export class ResidencyCalls {
  readonly #residency: Residency;
  readonly #global: GlobalTier;
  readonly #answer: (answer: StateAnswer) => void;

  constructor(residency: Residency, global: GlobalTier, answer: (answer: StateAnswer) => void) {
    this.#residency = residency;
    this.#global = global;
    this.#answer = answer;
  }

  /** True when the operation is one of state's. */
  static isFor<T extends { readonly operation: string }>(ask: T): ask is T & { readonly operation: StateOperation } {
    return ask.operation.startsWith("state-");
  }

  asked(ask: StateAsk, caller: StateCaller): void {
    const { callId, ticket } = ask;
    this.#do(ask, caller).then(
      (given) => this.#answer({ callId, ticket, ...given }),
      (thrown) => {
        const { code, message } = toFaasletError(thrown);
        this.#answer({ callId, ticket, value: 0, error: { code, message } });
      },
    );
  }

  async #do(ask: StateAsk, caller: StateCaller): Promise<Given> {
    const { text: key, numbers: [first = 0, count = 0, refreshes = 0], bytes } = ask;
    if (caller.tenant !== this.#residency.tenant) {
      throw new FaasletError("ERR_FORBIDDEN", "a worker group's state belongs to another tenant");
    }
    const id = { tenant: caller.tenant, key };
    switch (ask.operation) {
      case "state-pull":
        return flag(await this.#bring(key, first, count, refreshes === 1));
      case "state-push":
        return flag(!(await this.#push(ask, caller)));
      case "state-version":
        return { value: 0, bytes: bytesOf(await this.#residency.version(key)) };
      case "state-room":
        await this.#residency.room.make(first);
        return { value: 0 };
      case "state-append":
        await this.#global.append(id, bytes);
        return { value: 0 };
      case "state-read-appended":
        return await this.#readAppended(id, first, count);
      case "state-clear-appended":
        await this.#global.clearAppended(id);
        return { value: 0 };
      case "state-lock":
        await this.#residency.locks.take(caller, key, first === 1 ? "write" : "read");
        return { value: 0 };
      case "state-unlock":
        await this.#residency.locks.free(caller.callId, key);
        return { value: 0 };
    }
  }

  #bring(key: string, first: number, count: number, refreshes: boolean): Promise<boolean> {
    const chunks = Math.min(count, CHUNKS_MAX);
    if (!refreshes) return this.#residency.bring(key, first, chunks);
    return this.#residency.pull(key, first, count > CHUNKS_MAX ? Infinity : chunks);
  }

  #push({ text: key, numbers: [how], bytes }: StateAsk, call: StateCaller): Promise<boolean> {
    if (how === CONDITIONAL) return this.#residency.push(key, { call, ifVersion: numberOf(bytes) });
    if (how === MASKED) {
      return this.#residency.push(key, { call, maskKey: new TextDecoder().decode(bytes), takesIn: true });
    }
    assert(how === PLAIN || how === PARTIAL, "a known kind of push");
    const spans = spansOf(bytes);
    return this.#residency.push(key, { call, takesIn: how === PARTIAL, ...(spans.length > 0 && { spans }) });
  }

  async #readAppended(id: { tenant: string; key: string }, count: number, bytesMax: number): Promise<Given> {
    const appended = await this.#global.readAppended(id, count);
    const { records } = appended;
    if (records.length < count) return { value: appended.count };
    const total = records.reduce((sum, record) => sum + record.length, 0);
    if (total > bytesMax) {
      throw new FaasletError("ERR_GUEST_MISUSE", `${count} records are ${total} bytes; there is room for ${bytesMax}`);
    }
    const bytes = new Uint8Array(total);
    let at = 0;
    for (const record of records) {
      bytes.set(record, at);
      at += record.length;
    }
    return { value: count, bytes };
  }
}

function flag(isSet: boolean): Given {
  return { value: isSet ? 1 : 0 };
}

function spansOf(bytes: Uint8Array): ChunkSpan[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 8 }, (_, at) => {
    return { first: view.getUint32(at * 8, true), end: view.getUint32(at * 8 + 4, true) };
  });
}

function bytesOf(number: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, number, true);
  return bytes;
}

/** What a guest gives for a version is any number; one that no version has, holds for none. */
function numberOf(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getBigUint64(0, true);
}
