/**
 * Compiles modules in child processes that can be killed: a hang or a blow-up while compiling is the uploader's doing, and
 * must cost nobody else anything. The child limits itself (data, processor time) before it reads the module; a wall-clock
 * limit stands behind that.
 *
 * @module
 */
import { FaasletError, isErrorCode } from "../errors.ts";
import { COMPILE_LIMITS } from "../limits.ts";
import { FrameReader, writeFrame } from "./_frames.ts";

/** What the child is told, before the module's bytes. */
export interface CompileOrder {
  readonly dataBytes: number;
  readonly cpuSeconds: number;
}

/** What the child answers, before the artefact's bytes. */
export type CompileAnswer =
  | { readonly ok: true; readonly cpuMs: number }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface Compiled {
  readonly artefact: Uint8Array;
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface CompilerOptions {
  /** Program and arguments of a process that runs `compileChild`. */
  readonly command: readonly string[];
  /** Children at once. Default: `COMPILE_LIMITS.parallelMax`. */
  readonly parallelMax?: number;
  /** For tests: other limits than those that the module's size gives. */
  readonly order?: Partial<CompileOrder>;
}

const MIB = 1024 * 1024;
/** Machine code of honest modules is 2 to 5 times their size; this is what a child may send at all. */
const ARTEFACT_BYTES_MAX = 1024 * MIB;
const ANSWER_BYTES_MAX = 64 * 1024;
const STDERR_BYTES_MAX = 4_000;
/** Wall clock for each processor second: a busy machine gives a child a share only. */
const WALL_PER_CPU = 4;

/** Starts at most so many children at once; the others wait in the order in which they came. */
export class Compiler {
  readonly #command: readonly string[];
  readonly #parallelMax: number;
  readonly #order: Partial<CompileOrder>;
  readonly #children = new Set<Deno.ChildProcess>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #isClosed = false;

  constructor(options: CompilerOptions) {
    this.#command = options.command;
    this.#parallelMax = options.parallelMax ?? COMPILE_LIMITS.parallelMax;
    this.#order = options.order ?? {};
  }

  /** Compiles a module that was inspected. Throws `ERR_COMPILE_LIMIT`, `ERR_COMPILE` or `ERR_DRAINING`. */
  async compile(wasm: Uint8Array): Promise<Compiled> {
    await this.#enter();
    try {
      if (this.#isClosed) throw new FaasletError("ERR_DRAINING", "cannot compile: shutting down");
      return await this.#run(wasm);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  /** Kills what runs; waiting compilations fail. */
  close(): void {
    this.#isClosed = true;
    for (const child of this.#children) kill(child);
  }

  async #enter(): Promise<void> {
    while (this.#running >= this.#parallelMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
  }

  async #run(wasm: Uint8Array): Promise<Compiled> {
    const started = performance.now();
    const order: CompileOrder = { ...orderFor(wasm.length), ...this.#order };
    const [program = "", ...args] = this.#command;
    const child = spawn(program, args);
    this.#children.add(child);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      kill(child);
    }, order.cpuSeconds * 1_000 * WALL_PER_CPU);
    try {
      const [answer, , stderr, status] = await Promise.all([
        readAnswer(child.stdout),
        sendModule(child.stdin, order, wasm),
        readText(child.stderr),
        child.status,
      ]);
      if (answer === undefined) throw this.#deathOf(status, isLate, order, stderr);
      if (answer.head.ok) {
        return { artefact: answer.artefact, wallMs: performance.now() - started, cpuMs: answer.head.cpuMs };
      }
      const { code, message } = answer.head;
      throw new FaasletError(isErrorCode(code) ? code : "ERR_COMPILE", message);
    } finally {
      clearTimeout(timer);
      this.#children.delete(child);
    }
  }

  /** A child that ended without an answer: which limit it ran into, as far as its end shows. */
  #deathOf(status: Deno.CommandStatus, isLate: boolean, order: CompileOrder, stderr: string): FaasletError {
    if (this.#isClosed) return new FaasletError("ERR_DRAINING", "cannot compile: shutting down");
    const limits = `${order.cpuSeconds} s of processor time and ${Math.round(order.dataBytes / MIB)} MiB of memory`;
    const isLimit = isLate || status.signal === "SIGXCPU" || status.signal === "SIGKILL" ||
      isOutOfMemory(status, stderr);
    if (isLimit) {
      return new FaasletError("ERR_COMPILE_LIMIT", `cannot compile the module within ${limits}, which its size allows`);
    }
    const how = status.signal ?? `exit code ${status.code}`;
    return new FaasletError("ERR_COMPILE", `the compiler's process ended with ${how}`, { details: [stderr.trim()] });
  }
}

/** What a module of this size may cost. */
export function orderFor(wasmBytes: number): CompileOrder {
  const cpuSeconds = COMPILE_LIMITS.cpuSecondsFloor + Math.ceil(wasmBytes / MIB) * COMPILE_LIMITS.cpuSecondsPerMiB;
  return { dataBytes: COMPILE_LIMITS.dataBytesMax, cpuSeconds };
}

/** Throws `ERR_CAPACITY`: a machine that is out of processes or descriptors has them again later. */
function spawn(program: string, args: readonly string[]): Deno.ChildProcess {
  const streams = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  try {
    return new Deno.Command(program, { args: [...args], ...streams, clearEnv: true, env: childEnvironment() }).spawn();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FaasletError("ERR_CAPACITY", `cannot start the compiler's process: ${why}`, { cause });
  }
}

/** Deno looks for its cache of packages; nothing else of ours is of use to a compiler. */
function childEnvironment(): Record<string, string> {
  const kept: Record<string, string> = { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  for (const name of ["HOME", "DENO_DIR", "XDG_CACHE_HOME", "FAASLET_RUNTIME_DIR", "TMPDIR", "LD_LIBRARY_PATH"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

function isOutOfMemory(status: Deno.CommandStatus, stderr: string): boolean {
  return status.signal === "SIGABRT" || status.signal === "SIGTRAP" || /out of memory|memory allocation/i.test(stderr);
}

async function sendModule(stdin: WritableStream<Uint8Array>, order: CompileOrder, wasm: Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writeFrame(writer, new TextEncoder().encode(JSON.stringify(order)));
    await writeFrame(writer, wasm);
    await writer.close();
  } catch {
    // The child is gone; how it ended says why.
  }
}

async function readAnswer(
  stdout: ReadableStream<Uint8Array>,
): Promise<{ head: CompileAnswer; artefact: Uint8Array } | undefined> {
  const reader = new FrameReader(stdout);
  try {
    const head = await reader.read(ANSWER_BYTES_MAX);
    const artefact = await reader.read(ARTEFACT_BYTES_MAX);
    return { head: JSON.parse(new TextDecoder().decode(head)) as CompileAnswer, artefact };
  } catch {
    return undefined;
  } finally {
    await reader.discardRest();
  }
}

async function readText(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of stream) {
    if (text.length < STDERR_BYTES_MAX) text += decoder.decode(piece, { stream: true });
  }
  return text.slice(0, STDERR_BYTES_MAX);
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}
