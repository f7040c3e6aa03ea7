/** What a host has of functions, in this process. */
import { EmbeddedGroup, engineHash, inspectModule, KvFunctionRegistry, type RegistryOptions } from "../runtime/mod.ts";
import { compileModule } from "../runtime/native/mod.ts";
import { Blobs, openKv } from "../state/mod.ts";

const SEAL_KEY = new Uint8Array(32).fill(1);

/** A registry over a store and a worker group, as a host has them. */
export interface Host {
  readonly registry: KvFunctionRegistry;
  readonly group: EmbeddedGroup;
  readonly openedMs: number;
}

/** Opens them on a directory for as long as `body` runs. */
export async function withRegistry<T>(
  directory: string,
  body: (host: Host) => Promise<T>,
  options: Partial<RegistryOptions> = {},
): Promise<T> {
  const from = performance.now();
  const kv = await openKv(`${directory}/store`);
  const group = new EmbeddedGroup();
  const opened = await KvFunctionRegistry.open({
    kv,
    blobs: new Blobs(kv),
    group,
    inspect: inspectModule,
    compile: (wasm) => Promise.resolve({ artefact: compileModule(wasm), wallMs: 0, cpuMs: 0 }),
    engineHash: engineHash(),
    sealKey: SEAL_KEY,
    now: Date.now,
    ...options,
  });
  try {
    return await body({ registry: opened, group, openedMs: performance.now() - from });
  } finally {
    await opened.close();
    await group.close();
    kv.close();
  }
}
