// survey.c in AssemblyScript, which has no library for WASI: the calls themselves.

@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(pointers: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "environ_sizes_get")
declare function environ_sizes_get(count: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "environ_get")
declare function environ_get(pointers: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, pieces: usize, count: i32, read: usize): i32;
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, pieces: usize, count: i32, written: usize): i32;
@external("wasi_snapshot_preview1", "fd_close")
declare function fd_close(fd: i32): i32;
@external("wasi_snapshot_preview1", "fd_readdir")
declare function fd_readdir(fd: i32, bytes: usize, length: i32, cookie: i64, used: usize): i32;
@external("wasi_snapshot_preview1", "path_open")
declare function path_open(
  directory: i32,
  follow: i32,
  path: usize,
  length: i32,
  how: i32,
  rights: i64,
  inherited: i64,
  flags: i32,
  fd: usize,
): i32;
@external("wasi_snapshot_preview1", "path_create_directory")
declare function path_create_directory(directory: i32, path: usize, length: i32): i32;
@external("wasi_snapshot_preview1", "clock_time_get")
declare function clock_time_get(id: i32, precision: i64, time: usize): i32;
@external("wasi_snapshot_preview1", "random_get")
declare function random_get(bytes: usize, length: i32): i32;
@external("wasi_snapshot_preview1", "poll_oneoff")
declare function poll_oneoff(subscriptions: usize, events: usize, count: i32, ready: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;

const ROOT = 3;
const NOENT = 44;
const CREATE = 1;
const DIRECTORY = 2;
const APPEND = 1;
const READ: i64 = 1 << 1;
const WRITE: i64 = 1 << 6;
const LIST: i64 = 1 << 14;

const cell = memory.data(16);
const piece = memory.data(8);

function say(fd: i32, text: string): void {
  const bytes = String.UTF8.encode(text);
  store<u32>(piece, changetype<usize>(bytes));
  store<u32>(piece, bytes.byteLength, 4);
  fd_write(fd, piece, 1, cell);
}

function print(text: string): void {
  say(1, text + "\n");
}

/** Bytes are kept below the collector: its buffers do not move, but are freed when nobody names them. */
function readAll(fd: i32): Uint8Array {
  const chunk = new Uint8Array(4096);
  let all = new Uint8Array(0);
  while (true) {
    store<u32>(piece, chunk.dataStart);
    store<u32>(piece, chunk.length, 4);
    if (fd_read(fd, piece, 1, cell) !== 0) break;
    const read = load<u32>(cell);
    if (read === 0) break;
    const longer = new Uint8Array(all.length + read);
    longer.set(all);
    longer.set(chunk.subarray(0, read), all.length);
    all = longer;
  }
  return all;
}

/** The descriptor, or the error below zero. */
function open(path: string, how: i32, rights: i64, flags: i32): i32 {
  const bytes = String.UTF8.encode(path);
  const errno = path_open(ROOT, 1, changetype<usize>(bytes), bytes.byteLength, how, rights, 0, flags, cell);
  return errno === 0 ? load<i32>(cell) : -errno;
}

function textOf(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

function firstLine(path: string): string {
  const fd = open(path, 0, READ, 0);
  if (fd < 0) return fd === -NOENT ? "absent" : "error " + (-fd).toString();
  const text = textOf(readAll(fd));
  fd_close(fd);
  return text.split("\n")[0];
}

function show(bytes: Uint8Array): string {
  let sum: u32 = 0;
  for (let at = 0; at < bytes.length; at++) sum = sum * 31 + bytes[at];
  return bytes.length.toString() + " bytes, sum " + sum.toString();
}

function showFile(path: string): string {
  const fd = open(path, 0, READ, 0);
  if (fd < 0) return "error " + (-fd).toString();
  const bytes = readAll(fd);
  fd_close(fd);
  return show(bytes);
}

function write(path: string, how: i32, flags: i32, text: string): void {
  const fd = open(path, how, WRITE, flags);
  if (fd < 0) return print("cannot write " + path);
  say(fd, text);
  fd_close(fd);
}

function names(path: string): string {
  const fd = open(path, DIRECTORY, LIST, 0);
  const bytes = new Uint8Array(4096);
  if (fd_readdir(fd, bytes.dataStart, bytes.length, 0, cell) !== 0) return " not listed";
  const all: string[] = [];
  for (let at: usize = 0, end = load<u32>(cell); at < end;) {
    const length = load<u32>(bytes.dataStart + at, 16);
    const name = String.UTF8.decodeUnsafe(bytes.dataStart + at + 24, length);
    if (!name.startsWith(".")) all.push(" " + name);
    at += 24 + length;
  }
  fd_close(fd);
  return all.sort().join("");
}

/** What WASI gives as pointers and bytes: arguments or environment. */
function strings(isEnvironment: bool): string[] {
  if (isEnvironment) environ_sizes_get(cell, cell + 4);
  else args_sizes_get(cell, cell + 4);
  const count = load<u32>(cell);
  const pointers = new Uint32Array(count);
  const bytes = new Uint8Array(load<u32>(cell, 4));
  if (isEnvironment) environ_get(pointers.dataStart, bytes.dataStart);
  else args_get(pointers.dataStart, bytes.dataStart);
  const all: string[] = [];
  for (let at: u32 = 0; at < count; at++) all.push(String.UTF8.decodeUnsafe(pointers[at], lengthAt(pointers[at])));
  return all;
}

function lengthAt(text: usize): usize {
  let length: usize = 0;
  while (load<u8>(text + length) !== 0) length++;
  return length;
}

function variable(name: string): string {
  const all = strings(true);
  for (let at = 0; at < all.length; at++) {
    if (all[at].startsWith(name + "=")) return all[at].substring(name.length + 1);
  }
  return "";
}

function now(id: i32): u64 {
  return clock_time_get(id, 1, cell) === 0 ? load<u64>(cell) : 0;
}

function tryClocks(): string {
  const first = now(1);
  const wall: u64 = 1_704_067_200_000_000_000;
  return first > 0 && now(1) >= first && now(0) > wall ? "ok" : "wrong";
}

/** Standard input is at its end: ready at once. Then a clock alone, 3 ms. */
function tryPoll(): string {
  const subscription = new Uint8Array(48);
  const event = new Uint8Array(32);
  store<u64>(subscription.dataStart, 7);
  store<u8>(subscription.dataStart, 1, 8);
  if (poll_oneoff(subscription.dataStart, event.dataStart, 1, cell) !== 0 || load<u32>(cell) !== 1) return "no event";
  if (load<u64>(event.dataStart) !== 7) return "another event";
  subscription.fill(0);
  store<u32>(subscription.dataStart, 1, 16);
  store<u64>(subscription.dataStart, 3000000, 24);
  const before = now(1);
  if (poll_oneoff(subscription.dataStart, event.dataStart, 1, cell) !== 0) return "no clock";
  return now(1) - before >= 3000000 ? "ok" : "woke too early";
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at++) text += (bytes[at] + 256).toString(16).substring(1);
  return text;
}

export function _start(): void {
  const words = strings(false);
  let shown = "arguments:";
  for (let at = 1; at < words.length; at++) shown += " [" + words[at] + "]";
  print(shown);
  print("environment: [" + variable("A") + "] [" + variable("B") + "]");
  const input = readAll(0);
  print("stdin: " + show(input));
  print("text: " + firstLine("data/greeting.txt"));
  print("bytes: " + showFile("data/deep/down/bytes.bin"));
  print("list:" + names("data"));
  print("missing: " + firstLine("data/none"));
  print("before: " + firstLine("scratch/note.txt"));
  const scratch = String.UTF8.encode("scratch");
  path_create_directory(ROOT, changetype<usize>(scratch), scratch.byteLength);
  write("scratch/note.txt", CREATE, 0, "noted\n");
  print("after: " + firstLine("scratch/note.txt"));
  write("data/deep/down/bytes.bin", 0, APPEND, "more");
  print("appended: " + showFile("data/deep/down/bytes.bin"));
  print("clocks: " + tryClocks());
  print("poll: " + tryPoll());
  const nonce = new Uint8Array(16);
  print("random: " + (random_get(nonce.dataStart, 16) === 0 ? "ok" : "wrong"));
  print("nonce: " + hex(nonce));
  say(2, "surveyed\n");
  proc_exit(<i32>parseInt(textOf(input)));
}
