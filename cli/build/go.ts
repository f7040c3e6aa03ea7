/** Go programs: the stock compiler makes WASI commands. */
import { basename, dirname } from "node:path";
import type { BuildContext } from "./mod.ts";
import { runTool } from "./tool.ts";

const CURE = "install Go 1.21 or newer and put it on the PATH";

/** Builds one file, or the package of a directory with a `go.mod`. */
export async function buildGo(context: BuildContext): Promise<void> {
  const { source, target, isDirectory } = context;
  context.useTool("go");
  await runTool(
    "go",
    ["build", "-trimpath", "-ldflags=-s -w", "-o", target, isDirectory ? "." : basename(source)],
    CURE,
    {
      directory: isDirectory ? source : dirname(source),
      environment: { GOOS: "wasip1", GOARCH: "wasm" },
    },
  );
}
