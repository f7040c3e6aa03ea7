/** From changes to a live function: one round after another, failures shown, what was live before kept. */
import { dirname } from "node:path";
import { type FaasletError, toFaasletError } from "../../errors.ts";
import { readLogs } from "../call_requests.ts";
import type { Client } from "../client.ts";
import { showLogLine } from "../logs.ts";
import type { Output } from "../output.ts";
import { about, type AppliedFunction, applyFunction, asJson, type ProjectFunction } from "../project/mod.ts";
import { isUnder, type Root, rootsOf, type Target } from "./target.ts";
import { changesIn } from "./watch.ts";

export interface SessionOptions {
  readonly client: Client;
  readonly output: Output;
  readonly target: Target;
  readonly stopped: AbortSignal;
}

export class Session {
  readonly #options: SessionOptions;
  /** Version by name, of what is live by our doing. */
  readonly #live = new Map<string, number>();
  readonly #following = new Map<string, Promise<void>>();

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Until somebody stops it. Failures of builds and deploys are shown and end nothing. */
  async run(): Promise<void> {
    const { target, output, stopped } = this.#options;
    let functions = await target.read();
    while (!stopped.aborted) {
      const roots = await Promise.all(functions.map(rootsOf));
      const changes = changesIn(this.#watched(roots.flat()), stopped);
      // Watched before it is built: a change meanwhile is not missed.
      const first = changes.next();
      await this.#round(functions);
      for (let next = await first; !next.done; next = await changes.next()) {
        const paths = [...next.value];
        if (target.file !== undefined && paths.includes(target.file)) {
          const read = await this.#reread();
          // The same watch goes on: it may have seen already how the mistake was mended.
          if (read === undefined) continue;
          functions = read;
          break;
        }
        await this.#round(functions.filter((_, at) => paths.some((path) => isUnder(roots[at]!, path))));
      }
      await changes.return(undefined);
    }
    await Promise.all(this.#following.values());
    output.note(`${[...this.#live.keys()].join(", ") || "nothing"} stays deployed`);
  }

  #watched(roots: readonly Root[]): Root[] {
    const { file } = this.#options.target;
    return file === undefined ? [...roots] : [...roots, { directory: dirname(file), isWhole: false }];
  }

  /** The functions of the file as it is now; undefined, and said, when it cannot be read. */
  async #reread(): Promise<readonly ProjectFunction[] | undefined> {
    try {
      return await this.#options.target.read();
    } catch (thrown) {
      this.#fail(toFaasletError(thrown));
      return undefined;
    }
  }

  async #round(functions: readonly ProjectFunction[]): Promise<void> {
    const { client, output, stopped } = this.#options;
    for (const one of functions) {
      if (stopped.aborted) return;
      const from = performance.now();
      this.#show(await applyFunction(client, output, one, false), performance.now() - from);
    }
  }

  #show(applied: AppliedFunction, tookMs: number): void {
    const { output } = this.#options;
    const { name, outcome, version, url, error } = applied;
    if (output.format === "json") output.line(JSON.stringify({ event: outcome, tookMs, ...asJson(applied) }));
    if (error !== undefined) {
      if (output.format !== "json") output.error(about(name, error));
      const before = this.#live.get(name);
      if (before !== undefined) output.note(`version ${before} of ${name} stays live`);
      return;
    }
    if (output.format === "name") output.line(name);
    output.note(`${outcome} ${name}, version ${version}, in ${(tookMs / 1_000).toFixed(2)} s: ${url}`);
    this.#live.set(name, version!);
    if (!this.#following.has(name)) this.#following.set(name, this.#follow(name));
  }

  /** What calls of a function write from now on. A host that goes away is shown by the next deploy. */
  async #follow(name: string): Promise<void> {
    const { client, output, stopped, target } = this.#options;
    const query = new URLSearchParams({ follow: "1", since: new Date().toISOString() });
    try {
      for await (const line of readLogs(client, name, query, { signal: stopped })) {
        if (output.format === "json") output.line(JSON.stringify({ event: "log", ...line }));
        else if (output.format !== "name") {
          output.line(`${target.file === undefined ? "" : `${name}: `}${showLogLine(line)}`);
        }
      }
    } catch (thrown) {
      if (!stopped.aborted) this.#fail(toFaasletError(thrown));
    }
    this.#following.delete(name);
  }

  #fail(error: FaasletError): void {
    const { output } = this.#options;
    const { code, message, details } = error;
    if (output.format === "json") output.line(JSON.stringify({ event: "failed", error: { code, message, details } }));
    else output.error(error);
  }
}
