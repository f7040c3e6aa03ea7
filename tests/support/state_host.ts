/** A host of its own for tests of state: a worker group with the probe as its function, a residency, a global tier below. */
import { type CallOutcome, type CallRequest, EmbeddedGroup, type EmbeddedGroupOptions } from "../../runtime/mod.ts";
import { type GlobalTier, Residency, ResidencyCalls } from "../../state/mod.ts";
import { imageOf, type ImageOptions } from "./guests.ts";
import { probe, type Ran, resultsOf, scriptOf, type Step } from "./probe.ts";

export const TENANT = "default";

/** What a host is made with. */
export interface StateHostOptions extends ImageOptions {
  readonly group?: EmbeddedGroupOptions;
  /** Instead of the probe. */
  readonly wasm?: Uint8Array;
}

export class StateHost implements AsyncDisposable {
  readonly group: EmbeddedGroup;
  readonly residency: Residency;
  readonly #running = new Map<number, AbortController>();
  #lastId = 0;

  private constructor(global: GlobalTier, options: StateHostOptions) {
    this.group = new EmbeddedGroup({ threadsMax: 16, ...options.group });
    this.residency = new Residency({ tenant: TENANT, local: this.group.state, global });
    const calls = new ResidencyCalls(this.residency, global, (answer) => this.group.answer(answer));
    this.group.listen((ask) => {
      const ended = this.#running.get(ask.callId)?.signal;
      if (ended !== undefined && ResidencyCalls.isFor(ask)) {
        calls.asked(ask, { tenant: TENANT, callId: String(ask.callId), ended });
      }
    });
  }

  static async open(global: Partial<GlobalTier>, options: StateHostOptions = {}): Promise<StateHost> {
    const host = new StateHost(global as GlobalTier, options);
    await host.group.install(imageOf(1, options.wasm ?? probe(), options));
    return host;
  }

  /** The id of the next call. */
  get nextId(): number {
    return this.#lastId + 1;
  }

  async call(request: Partial<CallRequest>): Promise<CallOutcome> {
    const id = ++this.#lastId;
    const controller = new AbortController();
    this.#running.set(id, controller);
    try {
      return await this.group.call({ functionId: 1, input: new Uint8Array(0), timeoutMs: 60_000, ...request, id });
    } finally {
      this.#running.delete(id);
      controller.abort();
    }
  }

  /** Runs a script of the probe's. */
  async run(steps: readonly Step[], data?: Uint8Array, request: Partial<CallRequest> = {}): Promise<Ran> {
    const outcome = await this.call({ input: scriptOf(steps, data), ...request });
    const wide = resultsOf(outcome.output);
    return { outcome, wide, results: wide.map(Number) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.group.close();
  }
}
