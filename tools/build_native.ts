/**
 * `deno task native`: builds the add-on, unless its sources are those of the last time. `--quiet` says nothing then.
 *
 * The first build takes minutes; cargo says how far it is. A later one takes seconds, a needless one milliseconds.
 */
import { dirname, join } from "node:path";
import { renderBindings, renderRustTable, RUST_TABLE_PATH } from "../hostif/mod.ts";
import { cargoTarget, claimTarget, hashOfSources, runCargo } from "./cargo.ts";
import { missingTools } from "./needs.ts";
import { ADD_ON, NATIVE, ROOT } from "./project.ts";

/** What the add-on was built from, and what it looked like then; in cargo's usual place, which git ignores. */
const STAMP = join(NATIVE, "target", "stamp.json");

/** Builds if needed; true when the add-on is there and current. */
export async function buildNative(isQuiet: boolean): Promise<boolean> {
  await renewTable();
  const sources = await hashOfSources(NATIVE);
  if (await readStamp() === stampOf(sources, await addOnState())) {
    if (!isQuiet) console.error("the add-on is current");
    return true;
  }
  const missing = await missingTools();
  if (missing.length > 0) {
    console.error("cannot build the add-on, this is missing:");
    for (const one of missing) console.error(`  - ${one}`);
    return false;
  }
  const target = cargoTarget();
  console.error(`building the add-on in ${target} (minutes the first time, seconds after a change)`);
  const started = performance.now();
  using _ = await claimTarget(sources);
  if (!await runCargo(["build", "--release", "--locked", "--package", "faaslet-native"])) {
    console.error("cannot build the add-on: cargo says why above");
    return false;
  }
  await install(join(target, "release", "libfaaslet_native.so"));
  // What was hashed before, not what is there by now: an edit during the build is built the next time.
  await Deno.mkdir(join(NATIVE, "target"), { recursive: true });
  await Deno.writeTextFile(STAMP, stampOf(sources, await addOnState()));
  console.error(`built the add-on in ${((performance.now() - started) / 1_000).toFixed(0)} s`);
  return true;
}

/** The add-on's list of host functions follows `hostif/table.ts`, and so do the SDK's declarations and the reference. */
async function renewTable(): Promise<void> {
  for (const { path, text } of [{ path: RUST_TABLE_PATH, text: renderRustTable() }, ...renderBindings()]) {
    const target = join(ROOT, path);
    if (await Deno.readTextFile(target).catch(() => "") === text) continue;
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeTextFile(target, text);
  }
}

/** Programs that have the old one loaded keep it: its file is replaced, not changed. */
async function install(built: string): Promise<void> {
  const fresh = `${ADD_ON}.${Deno.pid}`;
  try {
    await Deno.copyFile(built, fresh);
    await Deno.rename(fresh, ADD_ON);
  } catch (thrown) {
    await Deno.remove(fresh).catch(() => {});
    throw thrown;
  }
}

function stampOf(sources: string, addOn: string): string {
  return JSON.stringify({ sources, addOn });
}

async function readStamp(): Promise<string | undefined> {
  return await Deno.readTextFile(STAMP).catch(() => undefined);
}

/** Another add-on put in its place by hand is not the one that was built. */
async function addOnState(): Promise<string> {
  const info = await Deno.stat(ADD_ON).catch(() => undefined);
  return info === undefined ? "none" : `${info.size} ${info.mtime?.getTime()}`;
}

if (import.meta.main) Deno.exit(await buildNative(Deno.args.includes("--quiet")) ? 0 : 1);
