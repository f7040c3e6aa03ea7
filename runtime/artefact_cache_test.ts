import assert from "node:assert/strict";
import { ArtefactCache } from "./artefact_cache.ts";

const [A, B, C] = ["a", "b", "c"].map((letter) => letter.repeat(64)) as [string, string, string];

function withDirectory(body: (directory: string) => void): void {
  const scratch = Deno.makeTempDirSync();
  try {
    body(`${scratch}/made/artefacts`);
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
}

function bytesOf(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

function entriesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => name !== "seal.key");
}

Deno.test("ArtefactCache gives back what was kept, to another process too", () =>
  withDirectory((directory) => {
    const cache = ArtefactCache.open(directory)!;
    assert.equal(cache.read(A), undefined);
    cache.write(A, bytesOf(1_000, 1));
    assert.deepEqual(cache.read(A), bytesOf(1_000, 1));
    assert.deepEqual(ArtefactCache.open(directory)!.read(A), bytesOf(1_000, 1));
    assert.equal(cache.read(B), undefined);
    for (const name of entriesIn(directory)) assert.equal(Deno.statSync(`${directory}/${name}`).mode! & 0o777, 0o600);
  }));

Deno.test("ArtefactCache refuses what was changed, cut, swapped or sealed by another key", () =>
  withDirectory((directory) => {
    const cache = ArtefactCache.open(directory)!;
    const spoils: ((entry: Uint8Array) => Uint8Array)[] = [
      (entry) => entry.map((byte, at) => at === 40 ? byte ^ 1 : byte),
      (entry) => entry.map((byte, at) => at === 3 ? byte ^ 1 : byte),
      (entry) => entry.slice(0, -1),
      () => new Uint8Array(0),
    ];
    for (const spoil of spoils) {
      cache.write(A, bytesOf(100, 1));
      const path = `${directory}/${entriesIn(directory)[0]}`;
      Deno.writeFileSync(path, spoil(Deno.readFileSync(path)));
      assert.equal(cache.read(A), undefined);
      assert.deepEqual(entriesIn(directory), [], "it is thrown away");
    }
    cache.write(A, bytesOf(100, 1));
    const [name] = entriesIn(directory);
    Deno.renameSync(`${directory}/${name}`, `${directory}/${name!.replace(A, B)}`);
    assert.equal(cache.read(B), undefined, "for its module only");
    cache.write(A, bytesOf(100, 1));
    Deno.removeSync(`${directory}/seal.key`);
    assert.equal(ArtefactCache.open(directory)!.read(A), undefined);
  }));

Deno.test("ArtefactCache uses no directory that others may write to, and none that cannot be made", () =>
  withDirectory((directory) => {
    Deno.mkdirSync(directory, { recursive: true });
    for (const mode of [0o770, 0o707, 0o755]) {
      Deno.chmodSync(directory, mode);
      assert.equal(ArtefactCache.open(directory), undefined);
    }
    const file = `${directory}/file`;
    Deno.writeTextFileSync(file, "");
    assert.equal(ArtefactCache.open(`${file}/inner`), undefined);
    Deno.chmodSync(directory, 0o700);
    Deno.symlinkSync(directory, `${directory}/../link`);
    assert.equal(ArtefactCache.open(`${directory}/../link`), undefined);
  }));

Deno.test("ArtefactCache lets the one go that was used longest ago, and keeps nothing that does not fit", () =>
  withDirectory((directory) => {
    const cache = ArtefactCache.open(directory, 2 * (1_000 + 32))!;
    cache.write(A, bytesOf(1_000, 1));
    cache.write(B, bytesOf(1_000, 2));
    const hourAgo = new Date(Date.now() - 3_600_000);
    for (const name of entriesIn(directory)) Deno.utimeSync(`${directory}/${name}`, hourAgo, hourAgo);
    assert.ok(cache.read(A));
    cache.write(C, bytesOf(1_000, 3));
    assert.deepEqual([A, B, C].map((digest) => cache.read(digest)?.[0]), [1, undefined, 3]);
    cache.write(B, bytesOf(2_033, 2));
    assert.equal(cache.read(B), undefined);
    assert.equal(entriesIn(directory).length, 2);
  }));
