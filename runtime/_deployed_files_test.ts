import assert from "node:assert/strict";
import { FUNCTION_LIMITS } from "../limits.ts";
import { checkFiles } from "./_deployed_files.ts";

const BYTES = new Uint8Array([1]);

function problems(...paths: string[]): Promise<readonly string[]> {
  const files = paths.map((path) => (path.endsWith("/") ? { path: path.slice(0, -1) } : { path, bytes: BYTES }));
  return checkFiles(files).then(() => [], (error) => error.details);
}

Deno.test("checkFiles() keeps files and directories in the order of their paths", async () => {
  const kept = await checkFiles([{ path: "/b/c", bytes: BYTES }, { path: "/b" }, { path: "/a" }]);
  assert.deepEqual(kept.map(({ path, bytes }) => [path, bytes]), [["/a", 0], ["/b", 0], ["/b/c", 1]]);
  assert.deepEqual(kept.map(({ digest }) => digest.length), [0, 0, 64]);
});

Deno.test("checkFiles() refuses what the guest's file system could not hold", async () => {
  assert.deepEqual(await problems("/a", "/a/b", "/c/", "/c/d"), ['"/a" is a file, and something lies below it']);
  assert.deepEqual(await problems("/a/b/c/d", "/a/b"), ['"/a/b" is a file, and something lies below it']);
  assert.deepEqual(await problems("/ab", "/a"), []);
  assert.deepEqual(await problems("/a", "/a"), ["a path is given twice"]);
  for (
    const path of ["", "a", "/", "/a//b", "/./a", "/a/..", "/a\0", `/${"x".repeat(256)}`, `/${"x/".repeat(2_048)}y`]
  ) {
    assert.equal((await problems(path)).length, 1, JSON.stringify(path));
  }
  assert.deepEqual(await problems("/d".repeat(128)), []);
  assert.match((await problems("/d".repeat(129)))[0]!, /more than 128 directories deep/);
  assert.equal((await problems(...Array.from({ length: 1_000 }, () => "bad"))).length, 20);
});

Deno.test("checkFiles() looks at as many files as there may be in a time that they are worth", async () => {
  const files = Array.from({ length: FUNCTION_LIMITS.filesMax }, (_, at) => ({ path: `/d/${at}` }));
  const started = performance.now();
  assert.equal((await checkFiles(files)).length, FUNCTION_LIMITS.filesMax);
  // Each with each would be four billion comparisons: minutes.
  assert.ok(performance.now() - started < 10_000);
  await assert.rejects(checkFiles([...files, { path: "/one" }]), { code: "ERR_SETTINGS_INVALID" });
});
