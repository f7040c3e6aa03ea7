/** A Proto-Faaslet made to be looked at. */
import { Compiler, EmbeddedGroup, type InstallReport, parseSettings, type StartPlan } from "../runtime/mod.ts";
import { selfCommand } from "./self.ts";

/** Compiles and initialises a module as a host would, and forgets it. Throws `ERR_COMPILE_LIMIT`, `ERR_INIT`. */
export async function trySnapshot(wasm: Uint8Array, plan: StartPlan, memoryBytes: number): Promise<InstallReport> {
  const { artefact } = await new Compiler({ command: selfCommand("compile-child") }).compile(wasm);
  const group = new EmbeddedGroup({ threadsMax: 1 });
  try {
    return await group.install({
      id: 1,
      name: "check",
      artefact,
      plan,
      limits: parseSettings({ memoryBytes }),
      arguments: [],
      environment: {},
      files: [],
      hasFileSystem: true,
    });
  } finally {
    await group.close();
  }
}
