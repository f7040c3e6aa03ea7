/**
 * Goal: WASI's functions of files do what Wasmtime's own do, on a file system that is the call's own. Method: scripts for
 * the probe; the public WASI test suite is the measure beside them (see CONTRIBUTING).
 */
import assert from "node:assert/strict";
import { type Step, withProbe } from "./support/probe.ts";
import {
  APPEND,
  CREATE,
  DIRECTORY,
  ERRNO,
  EXCLUSIVE,
  READ,
  ROOT,
  TRUNCATE,
  WasiScript,
  WRITE,
} from "./support/wasi_script.ts";

const FILES = [
  { path: "/data", bytes: new TextEncoder().encode("0123456789") },
  { path: "/inner/deep/leaf", bytes: new TextEncoder().encode("leaf") },
  { path: "/empty" },
];

function check(what: string, fill: (script: WasiScript) => void): void {
  Deno.test(`WASI: ${what}`, async () => {
    await withProbe({ image: { files: FILES } }, async (probe) => {
      const script = new WasiScript();
      fill(script);
      await script.run(probe);
      // The same again: nothing of the first call is left.
      await script.run(probe);
    });
  });
}

check("reading and writing move the descriptor's place, pread and pwrite do not", (script) => {
  const fd = script.open("new", ERRNO.SUCCESS, { how: CREATE });
  script.write(fd, "hello ");
  script.write(fd, "world");
  script.step(["fd_pwrite", fd, script.vector("J"), 1, 0, script.slot()], 0);
  script.reads(fd, 0, "Jello world");
  script.reads(fd, 6, "world");
  script.reads(fd, 1_000_000, "");
  script.step(["fd_pwrite", fd, script.vector("!"), 1, 20, script.slot()], 0);
  script.reads(fd, 10, "d\0\0\0\0\0\0\0\0\0!");
  const place = script.slot();
  script.step(["fd_tell", fd, place], 0);
  script.step(["peek64", place], 11);
  script.step(["fd_seek", fd, -1, 2, place], 0);
  script.step(["peek64", place], 20);
  script.step(["fd_seek", fd, -21, 1, place], ERRNO.INVAL);
  script.step(["fd_seek", 1, 0, 0, place], ERRNO.SPIPE);
  script.step(["fd_pread", 0, script.vector("x"), 1, 0, place], ERRNO.SPIPE);
  script.step(["fd_seek", fd, (1n << 63n) - 1n, 0, place], 0);
  script.step(["fd_write", fd, script.vector("x"), 1, place], ERRNO.DQUOT);
  script.sizes("new", 21);
});

check("a file is opened for what was asked", (script) => {
  const reader = script.open("data", 0, { rights: READ });
  script.write(reader, "x", ERRNO.BADF);
  script.step(["fd_filestat_set_size", reader, 1], ERRNO.INVAL);
  const writer = script.open("data", 0, { rights: WRITE });
  script.step(["fd_read", writer, script.vector("x"), 1, script.slot()], ERRNO.BADF);
  const appender = script.open("data", 0, { flags: APPEND });
  script.write(appender, "ab");
  script.step(["fd_pwrite", appender, script.vector("c"), 1, 0, script.slot()], 0);
  script.reads(reader, 8, "89abc");
  script.open("data", ERRNO.EXIST, { how: CREATE | EXCLUSIVE });
  script.open("data", ERRNO.NOTDIR, { how: DIRECTORY });
  script.open("data/", ERRNO.NOTDIR);
  script.open("none", ERRNO.NOENT);
  script.open("none/more", ERRNO.NOENT, { how: CREATE });
  script.open("data/more", ERRNO.NOTDIR, { how: CREATE });
  script.open("inner", ERRNO.ISDIR, { rights: WRITE });
  script.open("inner", ERRNO.INVAL, { how: CREATE | DIRECTORY });
  script.open("data", ERRNO.NOTSUP, { flags: 16 });
  script.open("data", ERRNO.NOTDIR, { from: reader });
  script.open("data", 0, { how: TRUNCATE });
  script.sizes("data", 0);
});

check("a duplicate shares the place of its original, a second opening does not", (script) => {
  const fd = script.open("data", 0);
  const other = script.open("data", 0);
  const twin = { step: script.step(["dup", fd]) };
  script.write(fd, "AB");
  script.write(twin, "CD");
  script.write(other, "x");
  script.reads(fd, 0, "xBCD456789");
  const result = script.slot();
  script.step(["__wasi_fd_dup", twin, result], 0);
  const third = { step: script.step(["peek", result]) };
  script.step(["fd_close", fd], 0);
  script.step(["fd_close", twin], 0);
  script.write(third, "E");
  script.reads(third, 3, "DE56789");
  script.step(["fd_fdstat_set_flags", third, APPEND], 0);
  script.step(["dup", fd], -1);
  script.step(["__faaslet_errno"], ERRNO.BADF);
  script.step(["__wasi_fd_dup", fd, result], ERRNO.BADF);
  script.step(["__wasi_fd_dup", third, 0xfffffffe], ERRNO.FAULT);
});

check("renumber moves a descriptor over another open one", (script) => {
  const one = script.open("data", 0);
  const two = script.open("inner/deep/leaf", 0);
  script.step(["fd_renumber", one, two], 0);
  script.reads(two, 0, "0123456789");
  script.step(["fd_tell", one, script.slot()], ERRNO.BADF);
  script.step(["fd_renumber", one, two], ERRNO.BADF);
  script.step(["fd_renumber", two, 200], ERRNO.BADF);
  script.step(["fd_renumber", two, two], 0);
  script.reads(two, 9, "9");
});

check("directories are made, listed from any place, renamed and removed", (script) => {
  script.step(["path_create_directory", ROOT, ...script.put("d")], 0);
  script.step(["path_create_directory", ROOT, ...script.put("d")], ERRNO.EXIST);
  script.step(["path_create_directory", ROOT, ...script.put("d/e/")], 0);
  script.step(["path_create_directory", ROOT, ...script.put("none/e")], ERRNO.NOENT);
  script.open("d/f", 0, { how: CREATE });
  const directory = script.open("d", 0, { how: DIRECTORY, rights: 0n });
  const used = script.slot();
  const list = 0x4000;
  const entry = (place: number, bytes: number, expected: string) => {
    script.step(["fd_readdir", directory, list, bytes, place, used], 0);
    script.step(["peek64", list], place + 1);
    script.texts(list + 24, expected);
  };
  entry(0, 200, ".");
  entry(1, 200, "..");
  entry(2, 200, "e");
  entry(3, 200, "f");
  script.step(["peek", used], 25);
  script.step(["fd_readdir", directory, list, 200, 4, used], 0);
  script.step(["peek", used], 0);
  script.step(["fd_readdir", directory, list, 30, 2, used], 0);
  script.step(["peek", used], 30);
  script.step(["path_unlink_file", ROOT, ...script.put("d/e")], ERRNO.ISDIR);
  script.step(["path_remove_directory", ROOT, ...script.put("d/f")], ERRNO.NOTDIR);
  script.step(["path_remove_directory", ROOT, ...script.put("d")], ERRNO.NOTEMPTY);
  script.step(["path_rename", ROOT, ...script.put("d"), ROOT, ...script.put("d/e/x")], ERRNO.INVAL);
  script.step(["path_rename", ROOT, ...script.put("d"), ROOT, ...script.put("inner")], ERRNO.NOTEMPTY);
  script.step(["path_rename", ROOT, ...script.put("d"), ROOT, ...script.put("data")], ERRNO.NOTDIR);
  script.step(["path_rename", ROOT, ...script.put("data"), ROOT, ...script.put("d")], ERRNO.ISDIR);
  script.step(["path_rename", ROOT, ...script.put("d"), ROOT, ...script.put("empty")], 0);
  script.open("d/f", ERRNO.NOENT);
  script.open("empty/f", 0);
  script.step(["path_unlink_file", directory, ...script.put("f")], 0);
  script.step(["path_remove_directory", ROOT, ...script.put("empty/e")], 0);
  script.step(["path_remove_directory", ROOT, ...script.put("empty/.")], ERRNO.INVAL);
  script.step(["path_remove_directory", ROOT, ...script.put("empty")], 0);
  script.open("x", ERRNO.NOENT, { how: CREATE, from: directory });
  script.step(["fd_readdir", directory, list, 200, 2, used], 0);
});

check("links, hard and symbolic", (script) => {
  const at = 0x5000;
  const used = script.slot();
  script.step(["path_symlink", ...script.put("inner/deep"), ROOT, ...script.put("s")], 0);
  script.step(["path_symlink", ...script.put("x"), ROOT, ...script.put("s")], ERRNO.EXIST);
  script.step(["path_symlink", ...script.put("/etc"), ROOT, ...script.put("abs")], ERRNO.PERM);
  script.step(["path_symlink", ...script.put("gone"), ROOT, ...script.put("data/")], ERRNO.NOTDIR);
  script.step(["path_readlink", ROOT, ...script.put("s"), at, 100, used], 0);
  script.texts(at, "inner/deep");
  script.step(["path_readlink", ROOT, ...script.put("s"), at, 5, used], 0);
  script.step(["peek", used], 5);
  script.step(["path_readlink", ROOT, ...script.put("data"), at, 5, used], ERRNO.INVAL);
  script.open("s/leaf", 0);
  script.open("s", ERRNO.LOOP, { follow: false });
  script.step(["path_symlink", ...script.put("../data"), ROOT, ...script.put("inner/up")], 0);
  script.open("inner/up", 0);
  const inner = script.open("inner", 0, { how: DIRECTORY, rights: 0n });
  script.open("up", ERRNO.PERM, { from: inner });
  script.step(["path_link", ROOT, 0, ...script.put("data"), ROOT, ...script.put("twin")], 0);
  script.step(["path_link", ROOT, 0, ...script.put("inner"), ROOT, ...script.put("dir")], ERRNO.PERM);
  script.step(["path_link", ROOT, 1, ...script.put("data"), ROOT, ...script.put("t2")], ERRNO.INVAL);
  script.step(["path_link", ROOT, 0, ...script.put("data"), ROOT, ...script.put("twin")], ERRNO.EXIST);
  const twin = script.open("twin", 0);
  script.write(twin, "ZZ");
  script.step(["path_unlink_file", ROOT, ...script.put("data")], 0);
  script.reads(twin, 0, "ZZ23456789");
  script.step(["path_unlink_file", ROOT, ...script.put("twin")], 0);
  script.reads(twin, 1, "Z23456789");
  script.open("twin", ERRNO.NOENT);
});

check("size, space and times", (script) => {
  const fd = script.open("data", 0);
  script.step(["fd_filestat_set_size", fd, 4], 0);
  script.reads(fd, 0, "0123");
  script.step(["fd_filestat_set_size", fd, 6], 0);
  script.reads(fd, 0, "0123\0\0");
  script.step(["fd_allocate", fd, 2, 2], 0);
  script.sizes("data", 6);
  script.step(["fd_allocate", fd, 6, 4], 0);
  script.sizes("data", 10);
  script.step(["fd_allocate", fd, 0, 0], ERRNO.INVAL);
  script.step(["fd_allocate", fd, -1, 5], ERRNO.FBIG);
  script.step(["fd_advise", fd, 0, 100, 0], 0);
  for (const name of ["fd_sync", "fd_datasync"]) {
    script.step([name, fd] as Step, 0);
    script.step([name, ROOT] as Step, ERRNO.BADF);
  }
  const stat = 0x6000;
  script.step(["fd_filestat_set_times", fd, 111, 222, 1 | 4], 0);
  script.step(["fd_filestat_get", fd, stat], 0);
  script.step(["peek64", stat + 40], 111);
  script.step(["peek64", stat + 48], 222);
  script.step(["fd_filestat_set_times", fd, 1, 1, 3], ERRNO.INVAL);
  script.step(["path_filestat_set_times", ROOT, 0, ...script.put("data"), 0, 333, 4], 0);
  script.step(["path_filestat_get", ROOT, 0, ...script.put("data"), stat], 0);
  script.step(["peek64", stat + 40], 111);
  script.step(["peek64", stat + 48], 333);
});

check("rights can be given up and do not come back", (script) => {
  const fd = script.open("data", 0);
  script.step(["fd_fdstat_set_rights", fd, READ, 0], 0);
  script.reads(fd, 0, "0123456789");
  script.write(fd, "x", ERRNO.BADF);
  script.step(["fd_fdstat_set_rights", fd, READ | WRITE, 0], ERRNO.NOTCAPABLE);
  const directory = script.open("inner", 0, { how: DIRECTORY, rights: 0n });
  script.step(["fd_fdstat_set_rights", directory, 1n << 13n, READ], 0);
  const leaf = script.open("deep/leaf", 0, { from: directory });
  script.reads(leaf, 0, "leaf");
  script.write(leaf, "x", ERRNO.BADF);
  script.step(["path_create_directory", directory, ...script.put("more")], ERRNO.NOTCAPABLE);
  script.step(["path_unlink_file", directory, ...script.put("deep/leaf")], ERRNO.NOTCAPABLE);
});

Deno.test("WASI: a value that does not exist, or a bad place for a result, ends the call by name", async () => {
  await withProbe({ image: { files: FILES } }, async (probe) => {
    const cases: [Step, string][] = [
      [["fd_seek", 3, 0, 3, 0], "ERR_GUEST_MISUSE"],
      [["fd_advise", 3, 0, 0, 6], "ERR_GUEST_MISUSE"],
      [["clock_time_get", 4, 0, 0], "ERR_GUEST_MISUSE"],
      [["fd_prestat_get", 3, 0xfffffff9], "ERR_GUEST_POINTER"],
      [["clock_time_get", 0, 0, 0xfffffff9], "ERR_GUEST_POINTER"],
    ];
    for (const [step, code] of cases) {
      const { outcome } = await probe.run([step]);
      assert.equal(outcome.error?.code, code, `${step} ${outcome.error?.message}`);
      assert.match(outcome.error!.message, new RegExp(step[0]));
    }
  });
});
