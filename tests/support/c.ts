/** C programs for tests, built by the packaged clang: the same compiler wherever the tests run. */
import { EXPORTS, type Flags, LIBRARY } from "./c_flags.ts";

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
  return await compile(source, flags, {});
}

/** A library that a program may open; `needed` are those that it is linked with, by name. */
export async function buildLibrary(source: string, needed: Record<string, Uint8Array> = {}): Promise<Uint8Array> {
  return await compile(source, [...LIBRARY, ...Object.keys(needed)], needed);
}

async function compile(source: string, flags: Flags, files: Record<string, Uint8Array>): Promise<Uint8Array> {
  const text = source.endsWith(".c") ? await Deno.readTextFile(new URL(source, FOLDER)) : source;
  // Not a literal: only what is built costs the time to load it.
  const specifier: string = "@yowasp/clang";
  clang ??= import(specifier);
  let said = "";
  const words = new TextDecoder();
  const listen = (bytes: Uint8Array | null): void => void (said += bytes === null ? "" : words.decode(bytes));
  try {
    const { runClang } = await clang;
    const words = ["clang", "-O1", ...flags, "main.c", "-o", "main.wasm"];
    const options = { stdout: listen, stderr: listen, fetchProgress: () => {} };
    return (await runClang(words, { "main.c": text, ...files }, options))["main.wasm"]!;
  } catch (cause) {
    throw new Error(`cannot build a test's C program: ${said}`, { cause });
  }
}
