/** C programs for tests, built by the packaged clang: the same compiler wherever the tests run. */
import { readSdk } from "../../hostif/mod.ts";
import { EXPORTS, type Flags, LIBRARY } from "./c_flags.ts";

interface Clang {
  runClang(
    words: string[],
    files: Tree,
    options: { stdout(bytes: Uint8Array | null): void; stderr(bytes: Uint8Array | null): void; fetchProgress(): void },
  ): Promise<Record<string, Uint8Array>>;
}

/** Files and folders by their names. */
interface Tree {
  [name: string]: Uint8Array | string | Tree;
}

const FOLDER = new URL("../guests/", import.meta.url);
let clang: Promise<Clang> | undefined;

/** A module of a C source: `source` is text, or names a file of `tests/guests/`. */
export async function buildC(source: string, flags: Flags = EXPORTS): Promise<Uint8Array> {
  return await compile(source, flags, {});
}

/** The same with the SDK's headers, C's own among them, before the system's. */
export async function buildWithSdk(source: string, flags: Flags): Promise<Uint8Array> {
  const sdk: Tree = {};
  for (const [path, bytes] of await readSdk("c")) {
    const names = path.split("/");
    const folder = names.slice(0, -1).reduce((tree, name) => (tree[name] ??= {}) as Tree, sdk);
    folder[names.at(-1)!] = bytes;
  }
  return await compile(source, [...flags, "-Isdk", "-Isdk/posix"], { sdk });
}

/** A library that a program may open; `needed` are those that it is linked with, by name. */
export async function buildLibrary(source: string, needed: Record<string, Uint8Array> = {}): Promise<Uint8Array> {
  return await compile(source, [...LIBRARY, ...Object.keys(needed)], needed);
}

async function compile(source: string, flags: Flags, files: Tree): Promise<Uint8Array> {
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
