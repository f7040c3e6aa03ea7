/**
 * The add-on's door: the only file that loads it.
 *
 * Job: turn its plain values and coded errors into the types of the rest of the program.
 *
 * Not its job: any decision. Invariants: nothing but what `compileModule` made is ever handed to `NativeGroup.install`.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { FaasletError, isErrorCode } from "../../errors.ts";
import { FUNCTION_LIMITS, MODULE_LIMITS, STATE_LIMITS, WASM_PAGE_BYTES } from "../../limits.ts";
import { digestOf } from "../../state/mod.ts";
import type { ModuleReport } from "../registry.ts";
import type { NativeGroup } from "./index.d.ts";
import { runtimeDirectory, unpackAddOn } from "./unpack.ts";

export { Completions, type CompletionSink, type CrossedError, type RegionFound } from "./completions.ts";
export type {
  LiveCounts,
  NativeChange,
  NativeFile,
  NativeFunction,
  NativeGroup,
  NativeRegion,
  NativeTree,
} from "./index.d.ts";

/** The add-on in a compiled program; `index.js` and `tools/project.ts` know the name too. */
const EMBEDDED = "faaslet.linux-x64-gnu.node";

/** The add-on as it is. Calls through it throw plain errors with a `code`; see {@link coded}. */
export const native: typeof import("./index.d.ts") = load();

/** What the check of an upload is told beside the module. */
export interface InspectOptions {
  readonly entry?: string | undefined;
  readonly init?: string | undefined;
  /** What the function's memory may be. */
  readonly memoryBytes: number;
}

/** Checks a module. Throws the upload's error codes with every problem in `details`. */
export function inspectModule(wasm: Uint8Array, options: InspectOptions): ModuleReport {
  const { report, plan } = accepted(coded(() => native.inspectModule(wasm, questionOf(options))));
  const digest = createHash("sha256").update(wasm).digest("hex");
  return { ...report, digest, plan };
}

/** The same on another thread: for who has others to serve meanwhile. */
export async function inspectModuleAside(wasm: Uint8Array, options: InspectOptions): Promise<ModuleReport> {
  const answer = await coded(() => native.inspectModuleAside(wasm, questionOf(options))).catch(recode);
  const { report, plan } = accepted(answer);
  return { ...report, digest: await digestOf(wasm), plan };
}

function questionOf({ entry, init, memoryBytes }: InspectOptions): string {
  const limits = {
    ...MODULE_LIMITS,
    memoryPagesMax: Math.floor(memoryBytes / WASM_PAGE_BYTES),
    tableElementsMax: FUNCTION_LIMITS.tableElementsMax,
  };
  return JSON.stringify({ entry, init, limits });
}

/** Checks a library that a program may open while it runs. */
function inspectLibrary(wasm: Uint8Array): void {
  const { limits } = JSON.parse(questionOf({ memoryBytes: FUNCTION_LIMITS.memoryBytesMax }));
  accepted(coded(() => native.inspectLibrary(wasm, JSON.stringify(limits))), "library");
}

/** Whether a file is a library that a program may open while it runs. */
export function isLibrary(bytes: Uint8Array): boolean {
  return coded(() => native.isLibrary(bytes));
}

/** What a module's file holds and what its memory looks like at the start, for people. */
export function layoutModule(wasm: Uint8Array): unknown {
  return accepted(coded(() => native.layoutModule(wasm)));
}

/** Rewrites and compiles an inspected module, or checks and compiles a library. Blocks for seconds: for the compiler's child. */
export function compileModule(wasm: Uint8Array): Uint8Array {
  if (isLibrary(wasm)) inspectLibrary(wasm);
  return coded(() => native.compileModule(wasm));
}

/** Names everything that machine code depends on; an artefact made under another name is of no use. */
export function engineHash(): string {
  return coded(() => native.engineHash());
}

/** Bounds this process for good. For the compiler's child. */
export function limitProcess(dataBytes: number, cpuSeconds: number): void {
  coded(() => native.limitProcess(dataBytes, cpuSeconds));
}

/** Opens a worker group's mechanism; `onWake` is called when `drain` has something to give. */
export function openGroup(threadsMax: number, stateBytesMax: number, onWake: () => void): NativeGroup {
  const limits = {
    bytesMax: stateBytesMax,
    regionsMax: STATE_LIMITS.localKeysMax,
    mappingsMax: STATE_LIMITS.localMappingsMax,
    faasletMappingsMax: STATE_LIMITS.callMappingsMax,
    valueBytesMax: STATE_LIMITS.valueBytesMax,
    recordBytesMax: STATE_LIMITS.recordBytesMax,
  };
  return coded(() => native.NativeGroup.open(threadsMax, onWake, limits));
}

/** Runs `action`; what the add-on throws becomes a `FaasletError`. */
export function coded<T>(action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    return recode(thrown);
  }
}

/** Throws what the add-on threw as a `FaasletError`. */
export function recode(thrown: unknown): never {
  const { code, message } = thrown as { code?: unknown; message?: unknown };
  const known = typeof code === "string" && isErrorCode(code) ? code : "ERR_BUG";
  throw new FaasletError(known, String(message), { cause: thrown });
}

// deno-lint-ignore no-explicit-any -- The add-on's JSON documents are typed where they are used.
function accepted(json: string, what = "module"): any {
  const answer = JSON.parse(json);
  if (answer.refusal === undefined) return answer;
  const problems: string[] = answer.refusal.problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  throw new FaasletError(answer.refusal.code, `cannot use the ${what}: ${problems[0]}${more}`, { details: problems });
}

function load(): typeof import("./index.d.ts") {
  const require = createRequire(import.meta.url);
  try {
    if (!Deno.build.standalone) return require("./index.js");
    // Deno would write it anew into the temporary directory at each start, and never remove it.
    const bytes = Deno.readFileSync(new URL(`./${EMBEDDED}`, import.meta.url));
    return require(unpackAddOn(bytes, runtimeDirectory((name) => Deno.env.get(name))));
  } catch (cause) {
    if (cause instanceof FaasletError) throw cause;
    throw new FaasletError("ERR_TOOLCHAIN", "cannot load the add-on: build it with `deno task native`", { cause });
  }
}
