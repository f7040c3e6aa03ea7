/** Guests for tests: text modules of `tests/guests/`, and functions made of them. */
import wabt from "wabt";
import { FUNCTION_LIMITS } from "../../limits.ts";
import { compileModule, inspectModule } from "../../runtime/native/mod.ts";
import type { FaasletLimits, FunctionImage } from "../../runtime/mod.ts";

const ASSEMBLER = await wabt();
const FOLDER = new URL("../guests/", import.meta.url);
const FEATURES = { threads: true, bulk_memory: true, reference_types: true, simd: true };

/** The binary of `tests/guests/NAME.wat`. */
export function guest(name: string): Uint8Array {
  return assemble(Deno.readTextFileSync(new URL(`${name}.wat`, FOLDER)), name);
}

/** The binary of a module's text. */
export function assemble(text: string, name = "guest"): Uint8Array {
  const module = ASSEMBLER.parseWat(name, text, FEATURES);
  try {
    return module.toBinary({ write_debug_names: true }).buffer;
  } finally {
    module.destroy();
  }
}

/** What differs from a function with the defaults of `limits.ts`. */
export interface ImageOptions {
  readonly entry?: string;
  readonly init?: string;
  readonly limits?: Partial<FaasletLimits>;
  readonly image?: Partial<FunctionImage>;
}

/** A function of a module: checked, compiled in this process, with the defaults of `limits.ts`. */
export function imageOf(id: number, wasm: Uint8Array, options: ImageOptions = {}): FunctionImage {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const { plan } = inspectModule(wasm, { ...options, memoryBytes: limits.memoryBytes });
  return {
    id,
    name: "test",
    artefact: compileModule(wasm),
    plan,
    limits,
    arguments: [],
    environment: {},
    files: [],
    hasFileSystem: true,
    ...options.image,
  };
}

export const DEFAULT_LIMITS: FaasletLimits = {
  initTimeoutMs: FUNCTION_LIMITS.initTimeoutMsDefault,
  memoryBytes: FUNCTION_LIMITS.memoryBytesDefault,
  outputBytes: FUNCTION_LIMITS.outputBytesDefault,
  logBytes: FUNCTION_LIMITS.logBytesDefault,
  fileBytes: FUNCTION_LIMITS.fileBytesDefault,
  files: FUNCTION_LIMITS.filesDefault,
  descriptors: FUNCTION_LIMITS.descriptorsDefault,
  clockResolutionUs: FUNCTION_LIMITS.clockResolutionUsDefault,
  idle: FUNCTION_LIMITS.idleDefault,
};
