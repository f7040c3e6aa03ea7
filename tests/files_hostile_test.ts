/**
 * Goal: whatever a guest does with files, it does to its own copy, within its quotas, and it is gone after the call.
 * Method: scripts for the probe; a sentinel file of the machine that must keep its bytes and its times.
 */
import assert from "node:assert/strict";
import { FUNCTION_LIMITS } from "../limits.ts";
import { rounds, seeded } from "./support/long.ts";
import { type Step, withProbe } from "./support/probe.ts";
import { APPEND, CREATE, DIRECTORY, ERRNO, READ, ROOT, TRUNCATE, WasiScript, WRITE } from "./support/wasi_script.ts";

const FILES = [
  { path: "/a/file", bytes: new TextEncoder().encode("0123456789") },
  { path: "/b" },
];
const IMAGE = { files: FILES };

Deno.test("H30: paths that lead up, start above, hold NUL or are no text are refused as Wasmtime refuses them", async () => {
  await withProbe({ image: IMAGE }, async (probe) => {
    const cases: [string | Uint8Array, number][] = [
      ["a/file", 0],
      ["a//file", 0],
      ["./a/./file", 0],
      ["a/../a/file", 0],
      ["b/../a/file", 0],
      ["a/file/", ERRNO.NOTDIR],
      ["a/file/.", ERRNO.NOTDIR],
      ["a/file/..", ERRNO.NOTDIR],
      ["", ERRNO.NOENT],
      [" ", ERRNO.NOENT],
      ["none", ERRNO.NOENT],
      ["none/../a/file", ERRNO.NOENT],
      ["..", ERRNO.PERM],
      ["../a/file", ERRNO.PERM],
      ["a/../../b", ERRNO.PERM],
      ["a/../../../../../../etc/passwd", ERRNO.PERM],
      ["/a/file", ERRNO.PERM],
      ["/", ERRNO.PERM],
      ["//a", ERRNO.PERM],
      ["/etc/passwd", ERRNO.PERM],
      ["/proc/self/fd/0", ERRNO.PERM],
      ["a/file\0", ERRNO.INVAL],
      ["\0", ERRNO.INVAL],
      ["a\0/file", ERRNO.INVAL],
      [new Uint8Array([0xff, 0xfe]), ERRNO.ILSEQ],
      [new Uint8Array([0x61, 0xc0, 0x80]), ERRNO.ILSEQ],
      ["x".repeat(255), ERRNO.NOENT],
      ["x".repeat(256), ERRNO.NAMETOOLONG],
      ["./".repeat(2_047) + "a", ERRNO.NOENT],
      ["a/../".repeat(819) + "a", 0],
      ["x".repeat(4_097), ERRNO.NAMETOOLONG],
      ["a/".repeat(2_048) + "a", ERRNO.NAMETOOLONG],
    ];
    for (const [path, errno] of cases) {
      const script = new WasiScript();
      const isDirectory = typeof path === "string" && /a$/.test(path) && errno !== ERRNO.NAMETOOLONG;
      script.open(path, isDirectory && errno === ERRNO.NOENT ? 0 : errno, { rights: isDirectory ? 0n : READ });
      await script.run(probe);
    }
  });
});

Deno.test("H31: no link, loop or race in the guest's own tree reaches a file of the machine", async () => {
  const sentinel = await Deno.makeTempFile();
  await Deno.writeTextFile(sentinel, "sentinel");
  const before = await Deno.stat(sentinel);
  await withProbe({ image: IMAGE }, async (probe) => {
    const targets = [sentinel, "/etc/passwd", "/proc/self/fd/0", "/", "/a/file"];
    const script = new WasiScript();
    for (const target of targets) {
      script.step(["path_symlink", ...script.put(target), ROOT, ...script.put("l")], ERRNO.PERM);
    }
    const up = `..${sentinel}`;
    script.step(["path_symlink", ...script.put(up), ROOT, ...script.put("up")], 0);
    script.open("up", ERRNO.PERM);
    script.open("up", ERRNO.PERM, { how: CREATE | TRUNCATE });
    script.step(["path_unlink_file", ROOT, ...script.put("up/x")], ERRNO.PERM);
    script.step(["path_symlink", ...script.put("two"), ROOT, ...script.put("one")], 0);
    script.step(["path_symlink", ...script.put("one"), ROOT, ...script.put("two")], 0);
    script.open("one", ERRNO.LOOP);
    script.open("one/x", ERRNO.LOOP, { how: CREATE });
    script.step(["path_symlink", ...script.put("self/x"), ROOT, ...script.put("self")], 0);
    script.open("self", ERRNO.LOOP);
    for (let at = 0; at < 41; at++) {
      const target = at === 0 ? "a/file" : `chain${at - 1}`;
      script.step(["path_symlink", ...script.put(target), ROOT, ...script.put(`chain${at}`)], 0);
    }
    script.open("chain39", 0);
    script.open("chain40", ERRNO.LOOP);
    script.step(["path_link", ROOT, 0, ...script.put(up), ROOT, ...script.put("hard")], ERRNO.PERM);
    await script.run(probe);
    // A directory that becomes a link and back again, walked in between: one call's tree is its own, so there is no race,
    // but the walk must see the one or the other.
    for (let round = 0; round < rounds(20, 1_000); round++) {
      const turns = new WasiScript();
      for (let turn = 0; turn < 100; turn++) {
        turns.step(["path_rename", ROOT, ...turns.put(turn % 2 ? "b" : "a"), ROOT, ...turns.put("t")]);
        turns.step(["path_symlink", ...turns.put(up), ROOT, ...turns.put("a")]);
        turns.open("a/file", turn % 2 ? undefined : ERRNO.PERM, { how: CREATE | TRUNCATE });
        turns.step(["path_unlink_file", ROOT, ...turns.put("a")]);
        turns.step(["path_rename", ROOT, ...turns.put("t"), ROOT, ...turns.put(turn % 2 ? "b" : "a")]);
      }
      await turns.run(probe);
    }
  });
  const after = await Deno.stat(sentinel);
  assert.deepEqual([after.mtime, after.atime, after.size], [before.mtime, before.atime, before.size]);
  assert.equal(await Deno.readTextFile(sentinel), "sentinel");
  await Deno.remove(sentinel);
});

Deno.test("H32: what a call does to a global file is its own, and the next call sees the global one", async () => {
  await withProbe({ image: IMAGE }, async (probe) => {
    const look = (script: WasiScript) => {
      const stat = 0x9000;
      const fd = script.open("a/file", 0, { rights: READ });
      script.reads(fd, 0, "0123456789");
      script.step(["path_filestat_get", ROOT, 0, ...script.put("a/file"), stat], 0);
      return [8, 24, 32, 40, 48].map((offset) => script.step(["peek64", stat + offset]));
    };
    const first = new WasiScript();
    const places = look(first);
    const { wide } = await first.run(probe);
    const original = places.map((place) => wide[place]);
    const attacks: ((script: WasiScript) => void)[] = [
      (script) => script.open("a/file", 0, { how: TRUNCATE }),
      (script) => script.write(script.open("a/file", 0, { flags: APPEND }), "x"),
      (script) => script.step(["path_rename", ROOT, ...script.put("a/file"), ROOT, ...script.put("b/f")], 0),
      (script) => script.step(["path_rename", ROOT, ...script.put("a"), ROOT, ...script.put("c")], 0),
      (script) => script.step(["path_link", ROOT, 0, ...script.put("a/file"), ROOT, ...script.put("b/f")], 0),
      (script) => script.step(["path_unlink_file", ROOT, ...script.put("a/file")], 0),
      (script) => script.step(["path_filestat_set_times", ROOT, 0, ...script.put("a/file"), 1, 2, 5], 0),
      (script) => script.step(["fd_allocate", script.open("a/file", 0), 0, 1_000], 0),
      (script) => script.step(["fd_filestat_set_size", script.open("a/file", 0), 1], 0),
      (script) => script.step(["path_symlink", ...script.put("b"), ROOT, ...script.put("a/link")], 0),
    ];
    for (const attack of attacks) {
      const script = new WasiScript();
      attack(script);
      await script.run(probe);
      for (const start of ["warm", "proto"] as const) {
        const again = new WasiScript();
        const now = look(again);
        const ran = await again.run(probe, { start });
        assert.deepEqual(now.map((place) => ran.wide[place]), original);
      }
    }
  });
});

Deno.test("H33: two functions and two calls that write one path each see their own", async () => {
  await withProbe({ image: IMAGE }, async (one) => {
    await withProbe({ image: IMAGE }, async (other) => {
      await Promise.all(Array.from({ length: 20 }, async (_, at) => {
        const script = new WasiScript();
        const fd = script.open("shared", 0, { how: CREATE });
        script.write(fd, `writer ${at}`);
        script.reads(script.open("shared", 0), 0, `writer ${at}`);
        await script.run(at % 2 ? one : other);
      }));
      const after = new WasiScript();
      after.open("shared", ERRNO.NOENT);
      await after.run(one);
    });
  });
});

Deno.test("H34: bytes, files and depth end at their quotas, nothing half done, and all is gone quickly", async () => {
  const limits = { fileBytes: 1 << 20, files: 500, descriptors: 100 };
  await withProbe({ image: IMAGE, limits }, async (probe) => {
    const bytes = new WasiScript();
    const fd = bytes.open("big", 0, { how: CREATE });
    bytes.step(["fd_filestat_set_size", fd, 1 << 30], ERRNO.DQUOT);
    bytes.step(["fd_filestat_set_size", fd, 2n ** 40n], ERRNO.DQUOT);
    bytes.step(["fd_filestat_set_size", fd, -1], ERRNO.DQUOT);
    bytes.step(["fd_allocate", fd, 2n ** 62n, 2n ** 62n], ERRNO.DQUOT);
    bytes.step(["fd_filestat_set_size", fd, (1 << 20) + 1], ERRNO.DQUOT);
    bytes.sizes("big", 0);
    bytes.step(["fd_filestat_set_size", fd, (1 << 20) - 1_000], 0);
    bytes.step(["fd_pwrite", fd, bytes.vector("x"), 1, 2 ** 30, bytes.slot()], ERRNO.DQUOT);
    bytes.sizes("big", (1 << 20) - 1_000);
    bytes.write(bytes.open("a/file", 0), "x".repeat(2_000), ERRNO.DQUOT);
    bytes.reads(bytes.open("a/file", 0), 0, "0123456789");
    bytes.step(["path_unlink_file", ROOT, ...bytes.put("big")], 0);
    bytes.step(["fd_filestat_set_size", fd, 100], 0);
    bytes.step(["fd_close", fd], 0);
    bytes.step(["fd_filestat_set_size", bytes.open("again", 0, { how: CREATE }), (1 << 20) - 4_096], 0);
    await bytes.run(probe);

    const files = new WasiScript();
    for (let at = 0; at < 600; at++) files.step(["path_create_directory", ROOT, ...files.put(`d${at}`)]);
    const { results } = await files.run(probe);
    const made = results.filter((result) => result === 0).length;
    assert.ok(made >= 490 && made < 500, `${made} directories`);
    assert.ok(results.slice(made).every((result) => result === ERRNO.DQUOT));

    const deep = new WasiScript();
    let path = "d";
    for (let at = 0; at < 400; at++, path += "/d") deep.step(["path_create_directory", ROOT, ...deep.put(path)]);
    const depths = (await deep.run(probe)).results;
    assert.equal(depths.filter((result) => result === 0).length, 128);
    assert.ok(depths.slice(128).every((result) => result === ERRNO.NAMETOOLONG || result === ERRNO.NOENT));
    const started = performance.now();
    await new WasiScript().run(probe);
    assert.ok(performance.now() - started < 2_000, "the next call does not wait for a cleaning");
  });
  const most = { fileBytes: FUNCTION_LIMITS.fileBytesMax, files: FUNCTION_LIMITS.filesMax };
  await withProbe({ image: IMAGE, limits: most }, async (probe) => {
    const script = new WasiScript();
    script.step(["fd_filestat_set_size", script.open("big", 0, { how: CREATE }), (1 << 30) + 1], ERRNO.DQUOT);
    script.step(["fd_filestat_set_size", script.open("big", 0), 1 << 30], 0);
    await script.run(probe);
  });
});

Deno.test("H35: descriptors end at their quota, belong to the call, and cost the machine none", async () => {
  const count = () => [...Deno.readDirSync("/proc/self/fd")].length;
  await withProbe({ image: IMAGE, limits: { descriptors: 64 } }, async (probe) => {
    await new WasiScript().run(probe);
    const before = count();
    const open = new WasiScript();
    for (let at = 4; at < 64; at++) open.open("a/file", 0);
    open.open("a/file", ERRNO.MFILE);
    open.open("new", ERRNO.MFILE, { how: CREATE });
    open.step(["path_filestat_get", ROOT, 0, ...open.put("new"), 0x9000], ERRNO.NOENT);
    open.step(["dup", 1], -1);
    open.step(["__faaslet_errno"], ERRNO.MFILE);
    open.step(["fd_close", 10], 0);
    open.step(["dup", 5], 10);
    for (const fd of [64, 1_000_000, -1, 2 ** 31]) {
      open.step(["fd_close", fd], ERRNO.BADF);
      open.step(["fd_renumber", fd, 5], ERRNO.BADF);
      open.step(["fd_renumber", 5, fd], ERRNO.BADF);
      open.step(["fd_tell", fd, 0x9000], ERRNO.BADF);
    }
    await open.run(probe);
    const next = new WasiScript();
    next.step(["fd_tell", 4, 0x9000], ERRNO.BADF);
    next.step(["fd_renumber", 3, 1], 0);
    next.step(["fd_close", 0], 0);
    next.step(["fd_close", 2], 0);
    await next.run(probe);
    const loops = new WasiScript();
    const [one, two] = [loops.open("a/file", 0), loops.open("b", 0, { how: DIRECTORY, rights: 0n })];
    for (let at = 0; at < 500; at++) {
      loops.step(["fd_renumber", one, two], 0);
      loops.step(["dup", two], 4);
    }
    await loops.run(probe);
    assert.equal(count(), before, "descriptors of this process");
  });
});

Deno.test("random file calls give an error number, never a trap, and never disturb the next call", async () => {
  const names = ["a", "a/file", "b", "b/x", "b/x/y", "c", "a/../c", "c/", "."];
  await withProbe({ image: IMAGE, limits: { files: 40, fileBytes: 4_096, descriptors: 12 } }, async (probe) => {
    const seed = 30;
    const random = seeded(seed);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
    for (let round = 0; round < rounds(30, 1_500); round++) {
      const script = new WasiScript();
      for (let turn = 0; turn < 150; turn++) {
        const path = () => script.put(pick(names));
        const fd = Math.floor(random() * 14);
        const size = Math.floor(random() * 6_000);
        const makers: (() => Step)[] = [
          () => [
            "path_open",
            ROOT,
            1,
            ...path(),
            pick([0, 1, 2, 5, 8, 9]),
            pick([0n, READ, WRITE, READ | WRITE]),
            0,
            0,
            0x100,
          ],
          () => ["path_create_directory", ROOT, ...path()],
          () => ["path_remove_directory", ROOT, ...path()],
          () => ["path_unlink_file", ROOT, ...path()],
          () => ["path_rename", ROOT, ...path(), ROOT, ...path()],
          () => ["path_link", ROOT, 0, ...path(), ROOT, ...path()],
          () => ["path_symlink", ...path(), ROOT, ...path()],
          () => ["path_filestat_get", ROOT, 1, ...path(), 0x200],
          () => ["fd_close", fd < 3 ? 5 : fd],
          () => ["fd_renumber", fd, Math.floor(random() * 14)],
          () => ["fd_filestat_set_size", fd, size],
          () => ["fd_allocate", fd, size, size],
          () => ["fd_seek", fd, size - 3_000, pick([0, 1, 2]), 0x100],
          () => ["fd_write", fd, script.vector("hello"), 1, 0x100],
          () => ["fd_readdir", fd, 0x300, 200, Math.floor(random() * 5), 0x100],
          () => ["dup", fd],
        ];
        script.step(pick(makers)());
      }
      const { outcome, results } = await script.run(probe);
      assert.equal(outcome.status, "ok", `seed ${seed}, round ${round}`);
      assert.ok(results.every((result) => result >= -1 && result < 77));
      const after = new WasiScript();
      after.reads(after.open("a/file", 0, { rights: READ }), 0, "0123456789");
      after.open("c", ERRNO.NOENT);
      await after.run(probe);
    }
  });
});
