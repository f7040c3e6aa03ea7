/** `faaslet check`: what a host would say to a module, without one. */
import { FUNCTION_LIMITS } from "../limits.ts";
import type { StartPlan } from "../runtime/mod.ts";
import { EXIT } from "./exit_code.ts";
import { type Layout, layoutRows, type SnapshotSize } from "./layout.ts";
import { PROGRAM_WORD, readProgram } from "./read_program.ts";
import { bytes, isGiven, text } from "./option_kinds.ts";
import { reportRows } from "./report.ts";
import { ADD_ON_NEEDS } from "./permissions.ts";
import { defineVerb } from "./verb.ts";

export const check = defineVerb({
  name: "check",
  summary: "say what a host would: whether a module can be deployed, and what it holds; needs no host",
  needs: [...ADD_ON_NEEDS, "run"],
  words: [PROGRAM_WORD],
  options: {
    layout: isGiven(
      "--layout",
      "also what the file holds against its memory at the start and in the snapshot; runs the initialiser",
    ),
    entry: text("--entry <export>", "the function that a call runs"),
    init: text("--init <export>", "the function that runs once, before the snapshot"),
    memory: bytes("--memory <size>", "what the function's memory may be"),
  },
  async run({ arguments: [path], options, output }) {
    // Late, since only the subcommands that need the add-on should fail without it.
    const { inspectModule } = await import("../runtime/mod.ts");
    const wasm = await readProgram(output, path!);
    const memoryBytes = options.memory ?? FUNCTION_LIMITS.memoryBytesDefault;
    const report = inspectModule(wasm, { entry: options.entry, init: options.init, memoryBytes });
    const layout = options.layout === true ? await layoutOf(wasm, report.plan, memoryBytes) : undefined;
    if (output.format === "json") output.json({ report, ...layout });
    else if (output.format === "name") output.line(path!);
    else {
      output.table([["MODULE", path!], ...reportRows(report)]);
      if (layout !== undefined) output.table(layoutRows(layout.layout, layout.snapshot));
    }
    return EXIT.ok;
  },
});

/** The file's layout, and the snapshot that a host would take. Throws what an upload would, e.g. `ERR_INIT`. */
async function layoutOf(
  wasm: Uint8Array,
  plan: StartPlan,
  memoryBytes: number,
): Promise<{ layout: Layout; snapshot: SnapshotSize }> {
  const { layoutModule } = await import("../runtime/mod.ts");
  const { trySnapshot } = await import("./snapshot.ts");
  const { memoryBytes: startedBytes, snapshotBytes } = await trySnapshot(wasm, plan, memoryBytes);
  return { layout: layoutModule(wasm) as Layout, snapshot: { memoryBytes: startedBytes, snapshotBytes } };
}
