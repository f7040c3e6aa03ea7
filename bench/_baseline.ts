/** Plain Wasmtime as the measure: builds `wasmtime_baseline/` and asks it for rounds. */
import { join } from "node:path";
import { cargoTarget, claimTarget, hashOfSources, runCargo, type Workspace } from "../tools/cargo.ts";
import { ROOT } from "../tools/project.ts";
import { Child } from "./_child.ts";

const WORKSPACE: Workspace = {
  root: join(ROOT, "bench", "wasmtime_baseline"),
  crates: ["wasmtime-baseline"],
  claim: "claimed-baseline.json",
};

/** How Wasmtime gets an instance's memory. */
export type Allocation = "on-demand" | "pooling";

/** Nanoseconds of each run of a round. */
export interface RestoreRound {
  readonly start: number[];
  readonly exec: number[];
  readonly drop: number[];
}

/** Nanoseconds of each run, on the clock and of the processor, and what the last one answered. */
export interface KernelRound {
  readonly exec: number[];
  readonly cpu: number[];
  readonly output: string;
}

/** Nanoseconds of a round of host calls, all of them together. */
export interface CallsRound {
  readonly ns: number;
}

/** A child that has compiled a module and runs rounds of it. */
export class Baseline<Round> {
  readonly #child: Child;
  readonly #directory: string;

  private constructor(child: Child, directory: string) {
    this.#child = child;
    this.#directory = directory;
  }

  /** New instances and calls of an export. */
  static restore(wasm: Uint8Array, entry: string, allocation: Allocation): Promise<Baseline<RestoreRound>> {
    return Baseline.#start("restore", wasm, entry, allocation);
  }

  /** Calls of an export, each in a new instance that took no part in the time. */
  static kernel(wasm: Uint8Array, entry: string): Promise<Baseline<KernelRound>> {
    return Baseline.#start("kernel", wasm, entry, "on-demand");
  }

  /** Host calls of WASI, with these files beside the module. A round is a step, and how many calls it makes. */
  static calls(
    wasm: Uint8Array,
    entry: string,
    files: Readonly<Record<string, Uint8Array>>,
  ): Promise<Baseline<CallsRound>> {
    return Baseline.#start("calls", wasm, entry, "on-demand", files);
  }

  static async #start<Round>(
    kind: string,
    wasm: Uint8Array,
    entry: string,
    allocation: Allocation,
    files: Readonly<Record<string, Uint8Array>> = {},
  ) {
    const program = await buildBaseline();
    const directory = await Deno.makeTempDir({ prefix: "faaslet-bench-" });
    for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(join(directory, name), bytes);
    const path = join(directory, "module.wasm");
    await Deno.writeFile(path, wasm);
    const { child } = await Child.start("wasmtime-baseline", program, [kind, path, entry, allocation]);
    return new Baseline<Round>(child, directory);
  }

  round(...numbers: number[]): Promise<Round> {
    return this.#child.ask<Round>(numbers.join(" "));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.end();
    await Deno.remove(this.#directory, { recursive: true });
  }
}

let built: Promise<string> | undefined;

/** Builds it once a run; shares what cargo made for the add-on. */
function buildBaseline(): Promise<string> {
  built ??= (async () => {
    using _ = await claimTarget(await hashOfSources(WORKSPACE.root), WORKSPACE);
    if (!await runCargo(["build", "--release", "--locked", "--quiet"], WORKSPACE)) {
      throw new Error("cannot build the baseline: cargo says why above");
    }
    return join(cargoTarget(), "release", "wasmtime-baseline");
  })();
  return built;
}
