/**
 * Goal: what is published holds what it should, whole and readable by the tools that it is for. Method: a release of a small
 * program in the compiled one's place, taken apart by `tar` and, where it is there, `dpkg-deb`.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { unit } from "../tools/debian.ts";
import { release } from "../tools/release.ts";
import { VERSION } from "../version.ts";
import { Scratch } from "./support/scratch.ts";

async function lines(program: string, ...words: string[]): Promise<string[] | undefined> {
  try {
    const { success, stdout } = await new Deno.Command(program, { args: words, stdin: "null" }).output();
    return success ? new TextDecoder().decode(stdout).trimEnd().split("\n") : undefined;
  } catch {
    return undefined;
  }
}

Deno.test("release() makes a tarball, a Debian package and an npm package, with their checksums", async () => {
  using scratch = new Scratch();
  const binary = scratch.write("program", "#!/bin/sh\necho hello\n");
  const dist = join(scratch.path, "dist");
  const names = await release(dist, binary);
  assert.deepEqual(names, [
    `faaslet-${VERSION}-x86_64-linux.tar.gz`,
    `faaslet_${VERSION}_amd64.deb`,
    `faaslet-native-${VERSION}.tgz`,
    "SHA256SUMS",
  ]);
  for (const line of (await Deno.readTextFile(join(dist, "SHA256SUMS"))).trimEnd().split("\n")) {
    const [digest, name] = line.split("  ");
    assert.equal(createHash("sha256").update(await Deno.readFile(join(dist, name!))).digest("hex"), digest);
  }
  const inTar = await lines("tar", "-tzf", join(dist, names[0]!));
  assert.equal(inTar?.includes(`faaslet-${VERSION}-x86_64-linux/faaslet`), true);
  const inPackage = await lines("tar", "-tzf", join(dist, names[2]!));
  for (const one of ["package.json", "index.js", "index.d.ts", "faaslet.linux-x64-gnu.node"]) {
    assert.equal(inPackage?.includes(`package/${one}`), true, one);
  }
  const again = join(scratch.path, "again");
  await release(again, binary);
  const sums = await Promise.all([dist, again].map((path) => Deno.readTextFile(join(path, "SHA256SUMS"))));
  assert.equal(sums[0], sums[1], "the same content is the same file");
});

Deno.test({
  name: "the Debian package is one that dpkg reads",
  ignore: await lines("dpkg-deb", "--version") === undefined,
  async fn() {
    using scratch = new Scratch();
    const binary = scratch.write("program", "#!/bin/sh\necho hello\n");
    await release(join(scratch.path, "dist"), binary);
    const path = join(scratch.path, `dist/faaslet_${VERSION}_amd64.deb`);
    assert.deepEqual(await lines("dpkg-deb", "--field", path, "Package", "Version", "Architecture"), [
      "Package: faaslet",
      `Version: ${VERSION}`,
      "Architecture: amd64",
    ]);
    assert.notEqual(await lines("dpkg-deb", "--extract", path, join(scratch.path, "root")), undefined);
    assert.deepEqual(await lines(join(scratch.path, "root/usr/bin/faaslet")), ["hello"]);
    const service = await Deno.readTextFile(join(scratch.path, "root/usr/lib/systemd/system/faaslet.service"));
    assert.match(service, /^ExecStart=\/usr\/bin\/faaslet serve /m);
    assert.doesNotMatch(service, /deno|\/opt/);
    assert.equal(service, await unit());
  },
});
