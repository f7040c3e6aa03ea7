import assert from "node:assert/strict";
import { join } from "node:path";
import { runtimeDirectory, unpackAddOn } from "./unpack.ts";

const BYTES = new TextEncoder().encode("machine code, say");

function withDirectory(body: (path: string) => void): void {
  const path = Deno.makeTempDirSync();
  try {
    body(path);
  } finally {
    Deno.removeSync(path, { recursive: true });
  }
}

Deno.test("unpackAddOn() writes once, for its owner alone, and finds it again", () => {
  withDirectory((root) => {
    const directory = join(root, "a/b");
    const path = unpackAddOn(BYTES, directory);
    assert.deepEqual(Deno.readFileSync(path), BYTES);
    assert.equal(Deno.statSync(directory).mode! & 0o777, 0o700);
    assert.equal(Deno.statSync(path).mode! & 0o777, 0o500);
    const { mtime } = Deno.statSync(path);
    assert.equal(unpackAddOn(BYTES, directory), path);
    assert.deepEqual(Deno.statSync(path).mtime, mtime);
    assert.notEqual(unpackAddOn(new Uint8Array(3), directory), path, "another version has another name");
    assert.equal([...Deno.readDirSync(directory)].length, 2, "nothing else is left");
  });
});

Deno.test("unpackAddOn() refuses what somebody planted: other bytes, a link, a file that others may write", () => {
  withDirectory((root) => {
    const path = unpackAddOn(BYTES, root);
    const plants: [string, () => void][] = [
      ["other bytes", () => Deno.writeTextFileSync(path, "else", { mode: 0o500 })],
      ["a link to the right bytes", () => {
        Deno.writeFileSync(join(root, "right"), BYTES);
        Deno.symlinkSync(join(root, "right"), path);
      }],
      ["a file that others may write", () => {
        Deno.writeFileSync(path, BYTES);
        Deno.chmodSync(path, 0o722);
      }],
      ["a directory", () => Deno.mkdirSync(path)],
    ];
    for (const [what, plant] of plants) {
      Deno.removeSync(path);
      plant();
      assert.throws(() => unpackAddOn(BYTES, root), { code: "ERR_ARTEFACT" }, what);
    }
  });
});

Deno.test("unpackAddOn() refuses a directory that others may enter, a link to one, and one it cannot make", () => {
  withDirectory((root) => {
    Deno.mkdirSync(join(root, "open"), { mode: 0o755 });
    Deno.chmodSync(join(root, "open"), 0o755);
    assert.throws(() => unpackAddOn(BYTES, join(root, "open")), { code: "ERR_ARTEFACT", message: /chmod 700/ });
    Deno.mkdirSync(join(root, "own"), { mode: 0o700 });
    Deno.symlinkSync(join(root, "own"), join(root, "link"));
    assert.throws(() => unpackAddOn(BYTES, join(root, "link")), { code: "ERR_ARTEFACT" });
    Deno.writeTextFileSync(join(root, "file"), "");
    const message = /FAASLET_RUNTIME_DIR/;
    assert.throws(() => unpackAddOn(BYTES, join(root, "file/below")), { code: "ERR_STORAGE", message });
  });
});

Deno.test("runtimeDirectory() is the one that was named, else the user's cache", () => {
  const of = (variables: Record<string, string>) => runtimeDirectory((name) => variables[name]);
  assert.equal(of({ FAASLET_RUNTIME_DIR: "/x", HOME: "/h" }), "/x");
  assert.equal(of({ XDG_CACHE_HOME: "/c", HOME: "/h" }), "/c/faaslet/add-on");
  assert.equal(of({ XDG_CACHE_HOME: "relative", HOME: "/h" }), "/h/.cache/faaslet/add-on");
  assert.throws(() => of({}), { code: "ERR_USAGE" });
});
