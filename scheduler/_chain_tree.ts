import { CHAIN_LIMITS } from "../limits.ts";
import type { ErrorCode } from "../errors.ts";
import type { ActiveCall } from "./_active_call.ts";

/** What a tree of calls may use; `CHAIN_LIMITS` unless a test says otherwise. */
export interface ChainLimits {
  readonly depthMax: number;
  readonly callsMax: number;
  readonly inFlightMax: number;
  readonly inputBytesMax: number;
  readonly outputBytesMax: number;
}

/** Why a tree was ended. */
export interface ChainFailure {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What a call that has made none yet may make. */
export function fullGrant(limits: ChainLimits): { calls: number; bytes: number } {
  return { calls: limits.callsMax, bytes: limits.inputBytesMax };
}

/**
 * A call from outside with all calls that it led to: one budget for all of them, so that no depth and no fan-out
 * multiplies it.
 */
export class ChainTree {
  readonly root: ActiveCall;
  readonly #limits: ChainLimits;
  /** Calls of the tree that have not ended; the root only while it runs. */
  readonly members = new Set<ActiveCall>();
  /** Set once, by whatever ended the tree before its time. */
  failure: ChainFailure | undefined;
  #calls = 0;
  #inFlight = 0;
  #inputBytes = 0;
  #outputBytes = 0;

  constructor(root: ActiveCall, limits: ChainLimits = CHAIN_LIMITS) {
    this.root = root;
    this.#limits = limits;
    this.members.add(root);
  }

  /** Takes a call at `depth` with an input of that size. Undefined when the budget has it. */
  take(depth: number, inputBytes: number): ChainFailure | undefined {
    const { depthMax, callsMax, inFlightMax, inputBytesMax } = this.#limits;
    if (depth > depthMax) {
      return { code: "ERR_CHAIN_DEPTH", message: `the calls are chained more than ${depthMax} deep` };
    }
    if (this.#calls >= callsMax) return over(`more than ${callsMax} calls`);
    if (this.#inFlight >= inFlightMax) return over(`more than ${inFlightMax} calls at once`);
    if (this.#inputBytes + inputBytes > inputBytesMax) return over(`inputs of more than ${inputBytesMax} bytes`);
    this.#calls++;
    this.#inFlight++;
    this.#inputBytes += inputBytes;
    return undefined;
  }

  /** A call that was taken has ended. */
  release(): void {
    this.#inFlight--;
  }

  /** An output is kept for whoever awaits it. Undefined when the budget has it. */
  hold(bytes: number): ChainFailure | undefined {
    this.#outputBytes += bytes;
    const { outputBytesMax } = this.#limits;
    return this.#outputBytes > outputBytesMax ? over(`outputs of more than ${outputBytesMax} bytes kept`) : undefined;
  }

  /** Outputs that were kept are gone, with the call that they were kept for. */
  letGo(bytes: number): void {
    this.#outputBytes -= bytes;
  }

  /** What a call of the tree that starts now may still make. */
  grant(): { calls: number; bytes: number } {
    const { callsMax, inputBytesMax } = this.#limits;
    return { calls: callsMax - this.#calls, bytes: inputBytesMax - this.#inputBytes };
  }

  /** Calls that were taken and have not ended. */
  get inFlight(): number {
    return this.#inFlight;
  }
}

function over(what: string): ChainFailure {
  return { code: "ERR_CHAIN_BUDGET", message: `one call led to ${what}` };
}
