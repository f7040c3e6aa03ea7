/**
 * `deno task release`: what is published of a version, in `dist/`: a tarball, a Debian package, the add-on as an npm package,
 * and the checksums of all. `--binary FILE` takes a program that was compiled before.
 */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { VERSION } from "../version.ts";
import { buildNative } from "./build_native.ts";
import { compile } from "./compile.ts";
import { debianPackage } from "./debian.ts";
import { ADD_ON, NATIVE, ROOT } from "./project.ts";

/** Makes everything in a directory; gives the names of the files. */
export async function release(directory: string, binary: string): Promise<string[]> {
  await Deno.mkdir(directory, { recursive: true });
  const made = [
    await tarball(directory, binary),
    await debianPackage(directory, binary, VERSION),
    await npmPackage(directory),
  ];
  const sums: string[] = [];
  for (const path of made) {
    const digest = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
    sums.push(`${digest}  ${basename(path)}\n`);
  }
  await Deno.writeTextFile(join(directory, "SHA256SUMS"), sums.join(""));
  return [...made.map((path) => basename(path)), "SHA256SUMS"];
}

/** Packs folders reproducibly: the same content is the same file. */
export async function tar(output: string, folder: string, names: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("tar", {
    args: ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "-czf", output, ...names],
    cwd: folder,
    env: { GZIP: "-n" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`tar failed: ${new TextDecoder().decode(stderr)}`);
}

/** A new temporary folder with files in it, gone after `body`. */
export async function withFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "faaslet-release-" });
  try {
    return await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function tarball(directory: string, binary: string): Promise<string> {
  const name = `faaslet-${VERSION}-x86_64-linux`;
  const output = join(directory, `${name}.tar.gz`);
  await withFolder(async (folder) => {
    await Deno.mkdir(join(folder, name));
    await copy(binary, join(folder, name, "faaslet"), 0o755);
    for (const one of ["README.md", "LICENSE", "CHANGELOG.md", "packaging/faaslet.service"]) {
      await copy(join(ROOT, one), join(folder, name, basename(one)), 0o644).catch(absent);
    }
    await tar(output, folder, [name]);
  });
  return output;
}

async function npmPackage(directory: string): Promise<string> {
  const output = join(directory, `faaslet-native-${VERSION}.tgz`);
  await withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "package"));
    for (const one of ["package.json", "index.js", "index.d.ts", "README.md"]) {
      await copy(join(NATIVE, one), join(folder, "package", one), 0o644);
    }
    await copy(ADD_ON, join(folder, "package", basename(ADD_ON)), 0o755);
    await tar(output, folder, ["package"]);
  });
  return output;
}

async function copy(from: string, to: string, mode: number): Promise<void> {
  await Deno.copyFile(from, to);
  await Deno.chmod(to, mode);
}

function absent(thrown: unknown): void {
  if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--binary");
  const directory = join(ROOT, "dist");
  const binary = at < 0 ? join(directory, "faaslet") : Deno.args[at + 1]!;
  if (!await buildNative(true) || (at < 0 && !await compile(binary))) Deno.exit(1);
  for (const name of await release(directory, binary)) console.log(join(directory, name));
  console.log("not built: aarch64-linux, for which there is no cross tool chain");
}
