/** A Debian package, as deb(5) has it: an `ar` archive of a version, what dpkg is told, and the files. */
import { join } from "node:path";
import { unitText } from "../cli/service/mod.ts";
import { tar, withFolder } from "./release.ts";

/** Makes the package of a compiled program; gives its path. */
export async function debianPackage(directory: string, binary: string, version: string): Promise<string> {
  const output = join(directory, `faaslet_${version}_amd64.deb`);
  await withFolder(async (folder) => {
    const files = join(folder, "files");
    await Deno.mkdir(join(files, "usr/bin"), { recursive: true });
    await Deno.mkdir(join(files, "usr/lib/systemd/system"), { recursive: true });
    await Deno.copyFile(binary, join(files, "usr/bin/faaslet"));
    await Deno.chmod(join(files, "usr/bin/faaslet"), 0o755);
    await Deno.writeTextFile(join(files, "usr/lib/systemd/system/faaslet.service"), await unit(), { mode: 0o644 });
    const { size } = await Deno.stat(binary);
    await Deno.writeTextFile(join(folder, "control"), control(version, Math.ceil(size / 1_024)), { mode: 0o644 });
    await tar(join(folder, "control.tar.gz"), folder, ["./control"]);
    await tar(join(folder, "data.tar.gz"), files, ["./usr"]);
    await Deno.writeFile(
      output,
      archive([
        ["debian-binary", new TextEncoder().encode("2.0\n")],
        ["control.tar.gz", await Deno.readFile(join(folder, "control.tar.gz"))],
        ["data.tar.gz", await Deno.readFile(join(folder, "data.tar.gz"))],
      ]),
    );
  });
  return output;
}

/** The unit that `faaslet service install` would write. */
export async function unit(): Promise<string> {
  const words = ["--data", "/var/lib/faaslet"];
  return await unitText({ program: "/usr/bin/faaslet", words, isUser: false, reachesNetwork: false });
}

function control(version: string, installedKib: number): string {
  return `Package: faaslet
Version: ${version}
Architecture: amd64
Maintainer: the faaslet maintainers <maintainers@faaslet.invalid>
Installed-Size: ${installedKib}
Depends: libc6 (>= 2.31), libgcc-s1
Section: net
Priority: optional
Description: functions compiled to WebAssembly, run on your own machine
 A serverless runtime for stateful functions: software fault isolation, starts
 from a snapshot in microseconds, state shared in memory.
`;
}

/** An archive of ar(5): a mark, then for each file a head of 60 characters and its bytes, padded to an even length. */
function archive(files: readonly [string, Uint8Array][]): Uint8Array {
  const text = new TextEncoder();
  const pieces: Uint8Array[] = [text.encode("!<arch>\n")];
  for (const [name, bytes] of files) {
    const head = [
      name.padEnd(16),
      "0".padEnd(12),
      "0".padEnd(6),
      "0".padEnd(6),
      "100644".padEnd(8),
      String(bytes.length).padEnd(10),
    ];
    pieces.push(text.encode(`${head.join("")}\`\n`), bytes);
    if (bytes.length % 2 === 1) pieces.push(text.encode("\n"));
  }
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
