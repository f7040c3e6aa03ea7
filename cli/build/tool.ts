/** Other people's programs: started without a shell, their words kept for when they fail. */
import { FaasletError } from "../../errors.ts";

/** How a program ended. */
export interface ToolResult {
  readonly isOk: boolean;
  /** Both streams, as text. */
  readonly words: string;
  readonly stdout: string;
}

export interface ToolOptions {
  readonly directory?: string;
  /** Added to this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a program to its end. Undefined when there is none of that name. */
export async function tryTool(
  name: string,
  words: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult | undefined> {
  const { directory, environment } = options;
  try {
    const { success, stdout, stderr } = await new Deno.Command(name, {
      args: [...words],
      stdin: "null",
      ...(directory !== undefined && { cwd: directory }),
      ...(environment !== undefined && { env: { ...environment } }),
    }).output();
    const text = new TextDecoder();
    const said = text.decode(stdout);
    return { isOk: success, stdout: said, words: said + text.decode(stderr) };
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound || thrown instanceof Deno.errors.PermissionDenied) return undefined;
    throw thrown;
  }
}

/** Runs a program that must be there and succeed. Throws `ERR_TOOLCHAIN`: with `cure` when it is missing. */
export async function runTool(
  name: string,
  words: readonly string[],
  cure: string,
  options: ToolOptions = {},
): Promise<void> {
  const result = await tryTool(name, words, options);
  if (result === undefined) throw new FaasletError("ERR_TOOLCHAIN", `cannot find ${name}: ${cure}`);
  if (!result.isOk) throw failed(name, result.words);
}

/** A tool's own complaint as an error; each of its lines is a detail. */
export function failed(name: string, words: string): FaasletError {
  const lines = words.split("\n").map((line) => line.trimEnd()).filter((line) => line !== "");
  const details = lines.length > LINES_MAX
    ? [...lines.slice(0, LINES_MAX), `... ${lines.length - LINES_MAX} more lines`]
    : lines;
  return new FaasletError("ERR_TOOLCHAIN", `cannot build: ${name} failed`, { details });
}

const LINES_MAX = 60;
