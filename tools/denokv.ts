/**
 * `deno run -A tools/denokv.ts`: builds the KV server that tests of state on many hosts start. Says where it is; does nothing when it
 * is there. It is a tool of the tests only: who runs hosts chooses his own.
 *
 * The first build takes some minutes of both cores; the program is kept in the user's cache, by version.
 */
import { join } from "node:path";
import { cacheDirectory } from "./cargo.ts";

const VERSION = "0.14.0";

/**
 * Most of it is a client for a storage service that is not used here, and compiling that well takes longer than all tests: only what
 * serves requests is compiled for speed.
 */
const PROFILE = [
  "profile.release.opt-level=1",
  "profile.release.debug=false",
  "profile.release.package.libsqlite3-sys.opt-level=3",
  "profile.release.package.denokv_sqlite.opt-level=3",
];

/** Where the program is, or would be. */
export function denokvPath(): string {
  return join(home(), "bin", "denokv");
}

function home(): string {
  return join(cacheDirectory(), `denokv-${VERSION}`);
}

async function build(): Promise<boolean> {
  if (await Deno.stat(denokvPath()).then(() => true, () => false)) return true;
  console.error(`building denokv ${VERSION} in ${home()} (minutes, once)`);
  const target = await Deno.makeTempDir({ prefix: "faaslet-denokv-" });
  try {
    const words = ["install", "denokv", "--version", VERSION, "--locked", "--quiet", "--root", home()];
    const { success } = await new Deno.Command("cargo", {
      args: [...words, "--target-dir", target, ...PROFILE.flatMap((setting) => ["--config", setting])],
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
    }).output();
    return success;
  } finally {
    await Deno.remove(target, { recursive: true });
  }
}

if (import.meta.main) {
  const isThere = await build().catch(() => false);
  if (isThere) console.log(denokvPath());
  else console.error("note: no denokv; tests that need a KV server are skipped by name");
  Deno.exit(isThere ? 0 : 1);
}
