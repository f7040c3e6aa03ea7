/** State for `faaslet run`: in a data directory, which later runs and hosts find, or in memory for one run. */
import { FaasletError } from "../errors.ts";
import type { HostCall, WorkerGroup } from "../runtime/mod.ts";
import { KvGlobalTier, openKv, Residency, ResidencyCalls, type StateCaller } from "../state/mod.ts";
import { DataDirectory } from "./data_directory.ts";

/** Answers a run's calls about state. The store is opened when the first one comes. */
export class RunState implements AsyncDisposable {
  readonly #group: WorkerGroup;
  readonly #tenant: string;
  readonly #directory: DataDirectory | undefined;
  readonly #parts = new AsyncDisposableStack();
  #calls: Promise<ResidencyCalls> | undefined;

  private constructor(group: WorkerGroup, tenant: string, directory: DataDirectory | undefined) {
    this.#group = group;
    this.#tenant = tenant;
    this.#directory = directory;
    this.#parts.defer(() => directory?.release());
  }

  /** Throws `ERR_CONFLICT` when a host uses the directory: its guests and these would not see each other. */
  static async open(group: WorkerGroup, tenant: string, directory: string | undefined): Promise<RunState> {
    return new RunState(group, tenant, directory === undefined ? undefined : await DataDirectory.take(directory));
  }

  /** True when the call was about state, and will be answered. */
  takes(call: HostCall, caller: StateCaller): boolean {
    if (!ResidencyCalls.isFor(call)) return false;
    this.#calls ??= this.#open();
    this.#calls.then(
      (calls) => calls.asked(call, caller),
      (cause) => {
        const { callId, ticket } = call;
        const { code, message } = cause instanceof FaasletError
          ? cause
          : new FaasletError("ERR_STORAGE", `cannot open the store: ${cause}`);
        this.#group.answer({ callId, ticket, value: 0, error: { code, message } });
      },
    );
    return true;
  }

  async #open(): Promise<ResidencyCalls> {
    const kv = await openKv(this.#directory?.storePath ?? ":memory:");
    this.#parts.defer(() => kv.close());
    const global = new KvGlobalTier({ kv });
    this.#parts.defer(() => global.close());
    const residency = new Residency({ tenant: this.#tenant, local: this.#group.state, global });
    return new ResidencyCalls(residency, global, (answer) => this.#group.answer(answer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#calls?.catch(() => {});
    await this.#parts.disposeAsync();
  }
}
