/** The program as its users have it: a process of its own, from source. */
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const TEXT = new TextDecoder();

/** How a command line ended. */
export interface Ran {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as it came. */
  readonly bytes: Uint8Array;
}

export interface RunOptions {
  /** Standard input; none by default. */
  readonly stdin?: string | Uint8Array;
  readonly directory?: string;
  /** Beside what a program needs to start at all. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs `faaslet WORDS...` to its end. */
export async function faaslet(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawnFaaslet(words, options);
  const write = async () => {
    if (options.stdin === undefined) return;
    const bytes = typeof options.stdin === "string" ? new TextEncoder().encode(options.stdin) : options.stdin;
    const writer = child.stdin.getWriter();
    // A program may end without having read all of it.
    await writer.write(bytes).then(() => writer.close()).catch(() => {});
  };
  const [{ code, signal, stdout, stderr }] = await Promise.all([child.output(), write()]);
  return { code, signal, stdout: TEXT.decode(stdout), stderr: TEXT.decode(stderr), bytes: stdout };
}

/** Starts `faaslet WORDS...`; both of its outputs are piped. */
export function spawnFaaslet(words: readonly string[], options: RunOptions = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", MAIN, ...words],
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    clearEnv: true,
    env: { ...surroundings(), ...options.environment },
    ...(options.directory !== undefined && { cwd: options.directory }),
  }).spawn();
}

/** What Deno and tool chains need. No host of the machine's user is asked by mistake, nor his data touched. */
function surroundings(): Record<string, string> {
  const kept: Record<string, string> = {
    NO_COLOR: "1",
    FAASLET_URL: "http://127.0.0.1:1",
    XDG_DATA_HOME: "/nonexistent",
  };
  for (const name of ["HOME", "PATH", "TMPDIR", "DENO_DIR", "XDG_CACHE_HOME", "CARGO_HOME", "RUSTUP_HOME"]) {
    const value = Deno.env.get(name);
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
