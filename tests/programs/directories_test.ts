/**
 * Goal: `faaslet run --dir HOST::GUEST [--write-back]` loads a tree, puts changes back into it, and touches nothing outside
 * of it, whatever the guest names and whatever somebody else does to the tree meanwhile (H59).
 *
 * Method: a C program that changes files as its arguments say, on trees with everything that could lead out of them.
 */
import assert from "node:assert/strict";
import { faaslet, type RunOptions, spawnFaaslet } from "../support/cli.ts";
import { rounds } from "../support/long.ts";
import { optionalTest } from "../support/optional.ts";
import { Scratch } from "../support/scratch.ts";
import { build, bytesOf } from "./_build.ts";

const built = await build("tree", "c");
const PRIVATE = "sentinel: not yours\n";

/** A tree to work on, and a file beside it that nobody may touch. */
class Place extends Scratch {
  readonly tree: string = `${this.path}/tree`;
  readonly sentinel: string = this.write("outside/sentinel.txt", PRIVATE);
  readonly #program: string = this.write("tree.wasm", bytesOf(built));

  constructor() {
    super();
    Deno.mkdirSync(this.tree);
  }

  words(flags: readonly string[], ...words: readonly string[]): string[] {
    return ["run", "--dir", `${this.tree}::/data`, ...flags, this.#program, ...words];
  }

  run(flags: readonly string[], ...words: readonly string[]) {
    return faaslet(this.words(flags, ...words));
  }

  async runWith(options: RunOptions, flags: readonly string[], ...words: readonly string[]) {
    return await faaslet(this.words(flags, ...words), options);
  }

  read(name: string): string {
    return Deno.readTextFileSync(`${this.tree}/${name}`);
  }

  /** Nothing of the machine's but the tree has changed. */
  checkOutside(): void {
    assert.equal(Deno.readTextFileSync(this.sentinel), PRIVATE);
    assert.deepEqual([...Deno.readDirSync(`${this.path}/outside`)].map(({ name }) => name), ["sentinel.txt"]);
    const beside = [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
    assert.deepEqual(beside, ["outside", "tree", "tree.wasm"]);
  }
}

function check(name: string, body: (place: Place) => Promise<void>): void {
  optionalTest(name, built.missing, async () => {
    using place = new Place();
    await body(place);
    place.checkOutside();
  });
}

check("run --dir: the guest sees the tree and changes a copy", async (place) => {
  place.write("tree/a.txt", "one");
  place.write("tree/deep/er/b.txt", "two");
  const changes = ["append", "/data/a.txt", "+", "remove", "/data/deep/er/b.txt", "write", "/data/new.txt", "n"];
  const { code, stdout, stderr } = await place.run(
    [],
    "show",
    "/data/deep/er/b.txt",
    ...changes,
    "show",
    "/data/a.txt",
  );
  assert.deepEqual([code, stdout, stderr], [0, "two\none+\n", ""]);
  assert.equal(place.read("a.txt"), "one");
  assert.equal(place.read("deep/er/b.txt"), "two");
  assert.deepEqual([...Deno.readDirSync(place.tree)].length, 2);
});

check("run --write-back: what changed is put back, and nothing else is touched", async (place) => {
  place.write("tree/changed.sh", "old");
  Deno.chmodSync(`${place.tree}/changed.sh`, 0o751);
  place.write("tree/kept.txt", "kept");
  place.write("tree/gone.txt", "gone");
  place.write("tree/moved.txt", "moved");
  place.write("tree/old/inner.txt", "inner");
  const before = Deno.statSync(`${place.tree}/kept.txt`);
  const { code, stdout, stderr } = await place.run(
    ["--write-back"],
    ...["write", "/data/changed.sh", "new", "remove", "/data/gone.txt", "rename", "/data/moved.txt", "/data/here.txt"],
    ...["directory", "/data/made", "directory", "/data/made/deep", "write", "/data/made/deep/x.txt", "x"],
    ...["remove", "/data/old/inner.txt", "remove", "/data/old", "exit", "5"],
  );
  assert.deepEqual([code, stdout, stderr], [5, "", ""], "also a program that ends with an error has ended by itself");
  assert.equal(place.read("changed.sh"), "new");
  assert.equal(Deno.statSync(`${place.tree}/changed.sh`).mode! & 0o777, 0o751);
  assert.equal(place.read("here.txt"), "moved");
  assert.equal(place.read("made/deep/x.txt"), "x");
  const names = [...Deno.readDirSync(place.tree)].map(({ name }) => name).sort();
  assert.deepEqual(names, ["changed.sh", "here.txt", "kept.txt", "made"]);
  const after = Deno.statSync(`${place.tree}/kept.txt`);
  assert.deepEqual([after.ino, after.mtime], [before.ino, before.mtime]);
});

check("run --write-back: a program that traps or runs out of time leaves the tree as it was", async (place) => {
  place.write("tree/a.txt", "one");
  const trapped = await place.run(["--write-back"], "write", "/data/a.txt", "two", "trap");
  assert.equal(trapped.code, 123, trapped.stderr);
  const late = ["--write-back", "--timeout", "300ms"];
  const child = spawnFaaslet(place.words(late, "write", "/data/a.txt", "two", "wait"), { stdin: "" });
  const [{ code }] = await Promise.all([child.output()]);
  await child.stdin.abort().catch(() => {});
  assert.equal(code, 124);
  assert.equal(place.read("a.txt"), "one");
});

check("run --dir: of two directories the nearer one takes the change", async (place) => {
  place.write("tree/inner/shadowed.txt", "outer");
  const inner = new Scratch();
  using _ = inner;
  inner.write("mine.txt", "mine");
  const flags = ["--dir", `${inner.path}::/data/inner/`, "--write-back"];
  const { code, stderr } = await place.run(flags, "append", "/data/inner/mine.txt", "!", "write", "/data/top.txt", "t");
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(Deno.readTextFileSync(`${inner.path}/mine.txt`), "mine!");
  assert.equal(place.read("top.txt"), "t");
  assert.deepEqual([...Deno.readDirSync(`${place.tree}/inner`)].map(({ name }) => name), ["shadowed.txt"]);
});

check("H59: links, pipes and devices are left out and named", async (place) => {
  place.write("tree/a.txt", "one");
  Deno.symlinkSync(place.sentinel, `${place.tree}/file-link`);
  Deno.symlinkSync("../outside", `${place.tree}/directory-link`);
  Deno.symlinkSync("loop", `${place.tree}/loop`);
  const made = ["mkfifo pipe"];
  if (Deno.uid() === 0) made.push("mknod device c 1 3");
  await new Deno.Command("sh", { args: ["-ec", made.join(" && ")], cwd: place.tree }).output();
  const names = ["file-link", "directory-link/sentinel.txt", "loop", "pipe", "device"];
  const { code, stdout, stderr } = await place.run([], ...names.flatMap((name) => ["show", `/data/${name}`]));
  assert.equal(code, 0);
  assert.equal(stdout, "show: No such file or directory\n".repeat(5));
  const left = stderr.split("\n").filter((line) => /^note: the guest does not see .*: neither a file nor/.test(line));
  assert.equal(left.length, 3 + made.length, stderr);
});

check("H59: names with .. end at the guest's root, and what is outside of all trees is not put back", async (place) => {
  place.write("tree/a.txt", "one");
  const { code, stdout, stderr } = await place.run(
    ["--write-back"],
    ...["write", "/data/../../../outside.txt", "bad", "write", "/data/../outside.txt", "own", "show", "/outside.txt"],
    ...["directory", "/data/../outside", "write", "/data/../outside/sentinel.txt", "bad"],
    ...["write", "/data/./b/../../data/b.txt", "no such directory", "write", "/data//c.txt", "fine"],
  );
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^write: Operation not permitted\nown\nwrite: No such file or directory\n$/);
  assert.match(stderr, /^note: not written back: \/outside\.txt$/m);
  assert.match(stderr, /^note: not written back: \/outside\/sentinel\.txt$/m);
  assert.equal(place.read("c.txt"), "fine");
  assert.deepEqual([...Deno.readDirSync(place.tree)].length, 2);
});

check("H59: links that the guest makes are not put back, nor followed", async (place) => {
  const { code, stdout, stderr } = await place.run(
    ["--write-back"],
    ...["link", place.sentinel, "/data/absolute", "link", "../outside/sentinel.txt", "/data/link"],
    ...["write", "/data/link", "bad"],
    ...["link", "../outside", "/data/out", "write", "/data/out/sentinel.txt", "bad", "write", "/data/a.txt", "fine"],
  );
  assert.equal(code, 0, stderr);
  const failed = ["link: Operation not permitted", ...Array(2).fill("write: No such file or directory"), ""];
  assert.equal(stdout, failed.join("\n"));
  assert.match(stderr, /^note: not written back: \/data\/link$/m);
  assert.match(stderr, /^note: not written back: \/data\/out$/m);
  assert.deepEqual([...Deno.readDirSync(place.tree)].map(({ name }) => name), ["a.txt"]);
});

check(
  "H59: a link of the machine's under a name that the guest writes is replaced, and one on the way is an error",
  async (place) => {
    Deno.symlinkSync(place.sentinel, `${place.tree}/file`);
    const { code, stderr } = await place.run(["--write-back"], "write", "/data/file", "mine");
    assert.equal(code, 0, stderr);
    assert.equal(Deno.lstatSync(`${place.tree}/file`).isSymlink, false);
    assert.equal(place.read("file"), "mine");
    Deno.symlinkSync("../outside", `${place.tree}/out`);
    const refused = await place.run(
      ["--write-back"],
      ...["directory", "/data/out", "write", "/data/out/sentinel.txt", "bad", "write", "/data/out/new.txt", "bad"],
    );
    assert.equal(refused.code, 120);
    assert.match(refused.stderr, /^error: cannot write back .*\(ERR_STORAGE\)$/m);
  },
);

check("H59: what somebody replaces by a link while the guest runs is not followed", async (place) => {
  place.write("tree/file.txt", "one");
  place.write("tree/folder/sentinel.txt", "two");
  for (const [path, target] of [["file.txt", place.sentinel], ["folder", "../outside"]] as const) {
    const changed = path === "folder" ? "folder/sentinel.txt" : path;
    const words = place.words(["--write-back"], "wait", "write", `/data/${changed}`, "mine");
    const child = spawnFaaslet(words, { stdin: "" });
    const reader = child.stdout.getReader();
    assert.equal(new TextDecoder().decode((await reader.read()).value), "waiting\n");
    Deno.removeSync(`${place.tree}/${path}`, { recursive: true });
    Deno.symlinkSync(target, `${place.tree}/${path}`);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("go\n"));
    await writer.close();
    reader.releaseLock();
    const { code } = await child.output();
    assert.equal(code, path === "folder" ? 120 : 0);
    place.checkOutside();
  }
  assert.equal(place.read("file.txt"), "mine");
});

check("H59: more files than the limit are an error, on either side", async (place) => {
  const grown = await place.run([], "fill", "/data", "1000000");
  assert.equal(grown.code, 0);
  assert.match(grown.stdout, /^filled \d{5}: fill: (Quota exceeded|No space left on device|Disc quota exceeded)\n$/);
  const count = rounds(65_537, 1_000_000);
  await new Deno.Command("sh", { args: ["-ec", `seq ${count} | xargs touch`], cwd: place.tree }).output();
  const { code, stderr } = await place.run([], "show", "/data/1");
  assert.equal(code, 121);
  assert.match(stderr, /holds more than 65536 files/);
});
