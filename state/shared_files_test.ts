import assert from "node:assert/strict";
import { openKv, SharedFiles } from "./mod.ts";

async function withFiles(body: (files: SharedFiles, kv: Deno.Kv) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const kv = await openKv(`${directory}/kv`);
  try {
    await body(await SharedFiles.open(kv, () => 1_234), kv);
  } finally {
    kv.close();
    await Deno.remove(directory, { recursive: true });
  }
}

async function blobs(kv: Deno.Kv, tenant: string): Promise<number> {
  let count = 0;
  for await (const _ of kv.list({ prefix: ["t", tenant, "file-blob"] })) count++;
  return count;
}

Deno.test("SharedFiles keeps a file under its path, by its content, until it is replaced or deleted", async () => {
  await withFiles(async (files, kv) => {
    const large = new Uint8Array(300_000).fill(7);
    const { file, isNew } = await files.put("a", "data/model.bin", large);
    assert.deepEqual([file.path, file.bytes, file.modifiedMs, isNew], ["data/model.bin", 300_000, 1_234, true]);
    assert.deepEqual(await files.bytes("a", file.digest), large);
    await files.put("a", "copy", large);
    assert.equal(await blobs(kv, "a"), 1, "the same bytes are stored once");
    const second = await files.put("a", "data/model.bin", new Uint8Array([1]));
    assert.equal(second.isNew, false);
    assert.deepEqual(await files.bytes("a", file.digest), large, "another path has them still");
    assert.equal(await files.delete("a", "copy"), true);
    assert.equal(await files.delete("a", "copy"), false);
    assert.equal(await files.bytes("a", file.digest), undefined);
    assert.deepEqual((await files.list("a", "data/")).map(({ path }) => path), ["data/model.bin"]);
    assert.deepEqual(await files.list("a", "x"), []);
  });
});

Deno.test("SharedFiles keeps tenants apart, and refuses what is no path", async () => {
  await withFiles(async (files, kv) => {
    await files.put("a", "x", new Uint8Array([1]));
    await files.put("b", "x", new Uint8Array([1]));
    assert.equal(await files.find("c", "x"), undefined);
    await files.delete("a", "x");
    assert.equal(await blobs(kv, "b"), 1);
    for (const path of ["", "/x", "x/", "a//b", ".", "..", "a/../b", "a\0", "x".repeat(256), "\ud800"]) {
      await assert.rejects(files.put("a", path, new Uint8Array(0)), { code: "ERR_NAME_INVALID" }, path);
      assert.equal(await files.find("a", path), undefined);
    }
    await assert.rejects(files.put("a", "a/".repeat(512) + "a", new Uint8Array(0)), { code: "ERR_NAME_INVALID" });
    await files.put("a", "a/".repeat(511) + "aa", new Uint8Array(0));
  });
});

Deno.test("SharedFiles.open() deletes what a crash left", async () => {
  await withFiles(async (files, kv) => {
    const { file } = await files.put("a", "x", new Uint8Array(100_000));
    const lost = await files.put("a", "y", new Uint8Array([9]));
    await kv.delete(["t", "a", "file", "y"]);
    const again = await SharedFiles.open(kv, () => 0);
    assert.equal((await again.bytes("a", file.digest))?.length, 100_000);
    assert.equal(await again.bytes("a", lost.file.digest), undefined);
  });
});
