/**
 * Cargo, building outside the clone: clones share what takes minutes.
 *
 * Cargo names a workspace's own crates alike in every clone and tells by file times alone whether they changed, so that one
 * clone would be given what another one built. Whoever uses the shared folder claims it first: after another clone with
 * other sources, what was made of our own crates is thrown away; the dependencies stay.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { NATIVE } from "./project.ts";

const NOT_SOURCES = new Set(["target", "node_modules"]);
const SOURCE = /\.(rs|toml|lock|witx|wit)$/;

/** What cargo builds at one go, with a lock file of its own. */
export interface Workspace {
  readonly root: string;
  /** Our own crates in it. */
  readonly crates: readonly string[];
  /** Names the file that says whose sources the shared folder holds. */
  readonly claim: string;
}

/** The add-on's. */
const ADD_ON: Workspace = {
  root: NATIVE,
  crates: ["faaslet-native", "faaslet-module", "faaslet-wasi"],
  claim: "claimed.json",
};

/** Where cargo builds: CARGO_TARGET_DIR, or the user's cache. */
export function cargoTarget(): string {
  const chosen = Deno.env.get("CARGO_TARGET_DIR");
  return chosen || join(cacheDirectory(), "target");
}

/** What this project keeps for all its clones of a user. */
export function cacheDirectory(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") || "/tmp", ".cache");
  return join(cache, "faaslet");
}

/** Runs cargo, in the add-on's workspace unless told otherwise, with its output shown as it comes. True when it succeeded. */
export async function runCargo(words: readonly string[], { root }: Workspace = ADD_ON): Promise<boolean> {
  const { success } = await new Deno.Command("cargo", {
    args: [...words],
    cwd: root,
    env: { CARGO_TARGET_DIR: cargoTarget() },
    stdin: "null",
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  return success;
}

/**
 * Makes sure that nothing of another clone's is taken for this one's. The target is this clone's until what it gives is
 * disposed of: what was built has to be fetched before another one cleans it away.
 */
export async function claimTarget(sources: string, workspace: Workspace = ADD_ON): Promise<Disposable> {
  const { root, crates, claim } = workspace;
  const path = join(cargoTarget(), claim);
  await Deno.mkdir(cargoTarget(), { recursive: true });
  const lock = await Deno.open(`${path}.lock`, { create: true, write: true });
  if (!await lock.tryLock(true)) {
    console.error("waiting for the build of another clone");
    await lock.lock(true);
  }
  const owner = parse(await Deno.readTextFile(path).catch(() => ""));
  if (owner?.clone !== root && owner?.sources !== sources) {
    await runCargo(["clean", "--quiet", "--release", ...crates.flatMap((name) => ["--package", name])], workspace);
  }
  await Deno.writeTextFile(path, JSON.stringify({ clone: root, sources }));
  return lock;
}

/** One hash over the names and bytes of everything that a crate is built from. */
export async function hashOfSources(root: string): Promise<string> {
  const hash = createHash("sha256");
  async function add(folder: string, name: string): Promise<void> {
    const entries = (await Array.fromAsync(Deno.readDir(folder))).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = join(folder, entry.name);
      const inRoot = `${name}/${entry.name}`;
      if (entry.isDirectory && !NOT_SOURCES.has(entry.name)) await add(path, inRoot);
      else if (entry.isFile && SOURCE.test(entry.name)) {
        const bytes = await Deno.readFile(path);
        hash.update(`${inRoot}\0${bytes.length}\0`).update(bytes);
      }
    }
  }
  await add(root, "");
  return hash.digest("hex");
}

function parse(text: string): { clone?: string; sources?: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
