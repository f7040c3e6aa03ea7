/** Go programs: the stock compiler makes WASI commands. */
import { basename, join, relative } from "node:path";
import type { BuildContext } from "./mod.ts";
import { stageSdk } from "./sdk.ts";
import { runTool } from "./tool.ts";

const CURE = "install Go 1.24 or newer and put it on the PATH";

/** What a program imports to have the SDK. */
const SDK = "faaslet";

/** Builds one file, or the package of a directory with a `go.mod`; either may import the SDK as `faaslet`. */
export async function buildGo(context: BuildContext): Promise<void> {
  const { source, target, isDirectory, directory } = context;
  context.useTool("go");
  const sdk = await stageSdk("go", directory);
  const words = ["build", "-trimpath", "-ldflags=-s -w", "-o", target];
  const folder = isDirectory ? source : join(directory, "function");
  if (isDirectory) words.push(`-modfile=${await withSdk(source, sdk, directory)}`);
  else await stageModule(source, sdk, folder);
  words.push(".");
  await runTool("go", words, CURE, {
    directory: folder,
    environment: { GOOS: "wasip1", GOARCH: "wasm", GOWORK: "off" },
  });
}

/** A module around a single file. */
async function stageModule(source: string, sdk: string, folder: string): Promise<void> {
  await Deno.mkdir(folder);
  await Deno.copyFile(source, join(folder, basename(source)));
  // Relative: the path stands in the module, and the same source is to be the same module.
  const place = relative(folder, sdk);
  const module = `module function\n\ngo 1.24\n\nrequire ${SDK} v0.0.0\n\nreplace ${SDK} => ${place}\n`;
  await Deno.writeTextFile(join(folder, "go.mod"), module);
}

/** The package's own `go.mod`, with where the SDK is when it asks for it; its `go.sum` stands beside it. */
async function withSdk(source: string, sdk: string, directory: string): Promise<string> {
  const own = await Deno.readTextFile(join(source, "go.mod"));
  const asks = new RegExp(String.raw`^\s*(?:require\s+)?${SDK}\s+v`, "m").test(own);
  const hasPlace = new RegExp(String.raw`^\s*(?:replace\s+)?${SDK}\s.*=>`, "m").test(own);
  const path = join(directory, "go.mod");
  await Deno.writeTextFile(path, asks && !hasPlace ? `${own}\nreplace ${SDK} => ${sdk}\n` : own);
  const sums = await Deno.readFile(join(source, "go.sum")).catch(() => undefined);
  if (sums !== undefined) await Deno.writeFile(join(directory, "go.sum"), sums);
  return path;
}
