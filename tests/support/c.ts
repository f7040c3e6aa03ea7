/** C programs for tests, built by the packaged clang: the same compiler wherever the tests run. */
import { EXPORTS, type Flags } from "./c_flags.ts";

interface Clang {
  runClang(
    words: string[],
    files: Record<string, Uint8Array | string>,
    options: { stdout(bytes: Uint8Array | null): void; stderr(bytes: Uint8Array | null): void; fetchProgress(): void },
  ): Promise<Record<string, Uint8Array>>;
}

const FOLDER = new URL("../guests/", import.meta.url);
let clang: Promise<Clang> | undefined;

/** A module of a C source: `source` is text, or names a file of `tests/guests/`. */
export async function buildC(source: string, flags: Flags = EXPORTS): Promise<Uint8Array> {
  const text = source.endsWith(".c") ? await Deno.readTextFile(new URL(source, FOLDER)) : source;
  // Not a literal: only what is built costs the time to load it.
  const specifier: string = "@yowasp/clang";
  clang ??= import(specifier);
  let said = "";
  const words = new TextDecoder();
  const listen = (bytes: Uint8Array | null): void => void (said += bytes === null ? "" : words.decode(bytes));
  try {
    const options = { stdout: listen, stderr: listen, fetchProgress: () => {} };
    const built = await (await clang).runClang(["clang", "-O1", ...flags, "main.c", "-o", "main.wasm"], {
      "main.c": text,
    }, options);
    return built["main.wasm"]!;
  } catch (cause) {
    throw new Error(`cannot build a test's C program: ${said}`, { cause });
  }
}
