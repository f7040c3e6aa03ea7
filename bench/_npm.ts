/** Packages that only benchmarks use: fetched by npm into a temporary directory, so that nobody else has to have them. */
import { join } from "node:path";

/** Where a package lies, until it is disposed of. */
export interface NpmPackage extends AsyncDisposable {
  readonly directory: string;
}

/** Fetches `name@version`; undefined when it cannot be had, for whatever reason. */
export async function fetchPackage(name: string, version: string): Promise<NpmPackage | undefined> {
  const root = await Deno.makeTempDir({ prefix: "faaslet-bench-npm-" });
  const remove = () => Deno.remove(root, { recursive: true });
  // An own project, or npm would put it into the one above.
  await Deno.writeTextFile(join(root, "package.json"), JSON.stringify({ private: true }));
  const flags = ["--no-save", "--no-audit", "--no-fund", "--loglevel=error"];
  const isThere = await new Deno.Command("npm", { args: ["install", ...flags, `${name}@${version}`], cwd: root })
    .output().then(({ success }) => success, () => false);
  if (isThere) return { directory: join(root, "node_modules", name), [Symbol.asyncDispose]: remove };
  await remove();
  return undefined;
}
