/**
 * C and C++ with, in this order, the SDK that WASI_SDK_PATH names, a clang on the PATH that has a WASI system root, or
 * the clang that comes as a package and is itself WebAssembly.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { FaasletError } from "../../errors.ts";
import { readSdk } from "../../hostif/mod.ts";
import type { BuildContext } from "./mod.ts";
import { stageSdk } from "./sdk.ts";
import { needsSplitStart, SPLIT_START } from "./split_start.ts";
import { failed, runTool, tryTool } from "./tool.ts";

/** Runs a compiler over the source; the module goes to `context.target`. */
type Compile = (flags: readonly string[]) => Promise<void>;

const OPTIMISE = "-O2";
/** WASI's C++ libraries cannot throw: with exceptions on, a `std::vector` is enough to leave undefined symbols. */
const NO_EXCEPTIONS = "-fno-exceptions";
/** A program with an initialiser for its Proto-Faaslet exports it; one without is not changed by this. */
const EXPORT_INITIALISER = "-Wl,--export-if-defined=_faasm_zygote";
/** What makes a clang of the machine's own good for WASI; the libraries of one version of clang, which the release has. */
export const C_PACKAGES =
  "on Debian 12 `apt-get install clang lld wasi-libc libclang-rt-14-dev-wasm32`, for C++ also libc++-14-dev-wasm32";
/** Where host functions with C's names put their error number. */
const EXPORT_ERRNO = "-Wl,--export-if-defined=errno";

/**
 * Builds one source file, as a plain command or, when it has a `_faasm_zygote` or is entered elsewhere than at its start,
 * so that its constructors run before the snapshot. `faaslet.h`, `faasm/faasm.h` and what is below `posix/` are the SDK's.
 */
export async function buildC(context: BuildContext): Promise<void> {
  const compile = await findCompiler(context);
  const flags = [OPTIMISE, EXPORT_INITIALISER, EXPORT_ERRNO, ...(isPlainC(context.source) ? [] : [NO_EXCEPTIONS])];
  await compile(flags);
  if (await needsSplitStart(context.target)) await compile([...flags, ...SPLIT_START.map((flag) => `-Wl,${flag}`)]);
}

function isPlainC(source: string): boolean {
  return /\.c$/i.test(source);
}

async function findCompiler(context: BuildContext): Promise<Compile> {
  const { source, target } = context;
  const driver = isPlainC(source) ? "clang" : "clang++";
  const headers = headersIn(await stageSdk("c", context.directory));
  const wasiSdk = Deno.env.get("WASI_SDK_PATH");
  if (wasiSdk) {
    const program = join(wasiSdk, "bin", driver);
    context.useTool(program);
    return (flags) => runTool(program, [...flags, ...headers, source, "-o", target], "WASI_SDK_PATH names no WASI SDK");
  }
  if (await (canBuild[driver] ??= canTargetWasi(driver, context.directory))) {
    context.useTool(driver);
    return (flags) =>
      runTool(driver, [TARGET, ...flags, ...headers, source, "-o", target], "it was there a moment ago");
  }
  const clang = await loadPackage(context);
  return (flags) => compileWithPackage(clang, context, driver, flags);
}

/** The SDK's words, and C's own headers for what WASI's library lacks: they stand before the system's. */
function headersIn(sdk: string): string[] {
  return [`-I${sdk}`, `-I${sdk}/posix`];
}

const TARGET = "--target=wasm32-wasi";
/** Found out once: who builds again and again waits for nothing else. */
const canBuild: Partial<Record<"clang" | "clang++", Promise<boolean>>> = {};

/** Whether a compiler of that name links a C or C++ program for WASI: many are built without, or lack the libraries. */
export async function canTargetWasi(driver: "clang" | "clang++", directory: string): Promise<boolean> {
  const source = join(directory, driver === "clang" ? "probe.c" : "probe.cpp");
  const include = driver === "clang" ? "stdio.h" : "string";
  await Deno.writeTextFile(source, `#include <${include}>\nint main(void) { return 0; }\n`);
  const result = await tryTool(driver, [TARGET, source, "-o", join(directory, "probe.wasm")]);
  return result?.isOk === true;
}

const HEADER = /\.(h|hh|hpp|hxx|inc|ipp)$/i;
const HEADERS_MAX = 200;

/** Files and folders by their names. */
interface Tree {
  [name: string]: Uint8Array | Tree;
}

interface ClangPackage {
  /** Without words it only makes itself ready. */
  runClang(
    words: string[] | null,
    files: Tree,
    options: {
      stdout?(bytes: Uint8Array | null): void;
      stderr?(bytes: Uint8Array | null): void;
      fetchProgress?(): void;
    },
  ): Promise<Record<string, unknown>>;
  version: string;
}

async function compileWithPackage(
  { runClang, version }: ClangPackage,
  context: BuildContext,
  driver: string,
  flags: readonly string[],
): Promise<void> {
  context.useTool(`clang of @yowasp/clang ${version}`);
  const name = basename(context.source);
  const files = { ...await readSources(context.source), [SDK_FOLDER]: await readSdkTree() };
  const words = new TextDecoder();
  let said = "";
  const listen = (bytes: Uint8Array | null): void => void (said += bytes === null ? "" : words.decode(bytes));
  try {
    const options = { stdout: listen, stderr: listen };
    const built = await runClang(
      [driver, ...flags, ...headersIn(SDK_FOLDER), name, "-o", "module.wasm"],
      files,
      options,
    );
    await Deno.writeFile(context.target, built["module.wasm"] as Uint8Array);
  } catch (cause) {
    if (typeof (cause as { code?: unknown }).code === "number") throw failed(driver, said);
    throw new FaasletError("ERR_TOOLCHAIN", `cannot run the packaged clang: ${String(cause)}`, { cause });
  }
}

async function loadPackage(context: BuildContext): Promise<ClangPackage> {
  // Not a literal: Deno would fetch the package at every start of this program, also when no C is built.
  const specifier: string = "@yowasp/clang";
  if (!Deno.build.standalone && !await isFetched(import.meta.resolve(specifier))) {
    context.note("no clang with WASI libraries here: fetching the packaged one, some 105 MB, the first time only");
  }
  try {
    const clang: ClangPackage = await import(specifier);
    // It would say how much of itself it has read from the disk, on standard output, which is for data.
    await clang.runClang(null, {}, { fetchProgress() {} });
    return clang;
  } catch (cause) {
    const why = Deno.build.standalone ? "this program comes without it" : "npm's registry does not answer";
    const cure = `install a WASI SDK and set WASI_SDK_PATH, or ${C_PACKAGES}`;
    throw new FaasletError("ERR_TOOLCHAIN", `cannot get the packaged clang: ${why}; ${cure}`, { cause });
  }
}

/** Whether a package's module lies in Deno's cache, where its address points. */
async function isFetched(address: string): Promise<boolean> {
  if (!address.startsWith("file:")) return false;
  return await Deno.stat(fileURLToPath(address)).then(({ isFile }) => isFile, () => false);
}

const SDK_FOLDER = "faaslet-sdk";

async function readSdkTree(): Promise<Tree> {
  const root: Tree = {};
  for (const [path, bytes] of await readSdk("c")) {
    const names = path.split("/");
    const name = names.pop()!;
    const folder = names.reduce((tree, part) => (tree[part] ??= {}) as Tree, root);
    folder[name] = bytes;
  }
  return root;
}

/** The source with the headers beside it: the packaged clang sees no other file. */
async function readSources(source: string): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = { [basename(source)]: await Deno.readFile(source) };
  const folder = dirname(source);
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (!isFile || !HEADER.test(name)) continue;
    if (Object.keys(files).length > HEADERS_MAX) {
      throw new FaasletError(
        "ERR_TOOLCHAIN",
        `cannot build: there are more than ${HEADERS_MAX} headers beside the source`,
      );
    }
    files[name] = await Deno.readFile(join(folder, name));
  }
  return files;
}
