/**
 * Random guests for H09. Each begins every call by saying all it can find out about itself: its memory, byte for byte, on
 * standard output; everything else in its output. Then it does what its input says: scribbles on whatever it reaches.
 */
import { assemble } from "./guests.ts";

/** Where things lie in a guest's memory; random data keeps away from what the guest itself needs. */
const AT = { iovec: 16, names: 1_024, scratch: 2_048, dump: 8_192, input: 24_576, data: 32_768 } as const;
const PAGE = 65_536;
const NAMES = 8;
const FDS = 12;
/** Operations that a script may have. */
export const STEPS_MAX = 300;
/** Offset in the output from which on it says when files were changed: a cold start makes them anew. */
export const TIMES_AT = 12_000;
/** What a call returns that found something in memory that it had grown. */
export const OLD_BYTES = 4_242;
const OUTPUT_BYTES = TIMES_AT + NAMES * 24;

type Random = () => number;

export interface RandomGuest {
  readonly wasm: Uint8Array;
  /** Pages after the initialiser: so many bytes of standard output are the memory. */
  readonly pages: number;
  /** Whether it has instructions after which a Faaslet cannot be reset in place. */
  readonly isRestored: boolean;
  /** Operations that a script may have, and those behind them that end a call. */
  readonly operations: number;
  readonly ends: number;
}

const IMPORTS: Readonly<Record<string, string>> = {
  fd_write: "i32 i32 i32 i32",
  fd_fdstat_get: "i32 i32",
  fd_tell: "i32 i32",
  fd_readdir: "i32 i32 i32 i64 i32",
  fd_read: "i32 i32 i32 i32",
  fd_close: "i32",
  fd_renumber: "i32 i32",
  fd_seek: "i32 i64 i32 i32",
  fd_filestat_set_size: "i32 i64",
  fd_filestat_set_times: "i32 i64 i64 i32",
  fd_fdstat_set_flags: "i32 i32",
  fd_fdstat_set_rights: "i32 i64 i64",
  path_open: "i32 i32 i32 i32 i32 i64 i64 i32 i32",
  path_filestat_get: "i32 i32 i32 i32 i32",
  path_create_directory: "i32 i32 i32",
  path_unlink_file: "i32 i32 i32",
  path_remove_directory: "i32 i32 i32",
  path_rename: "i32 i32 i32 i32 i32 i32",
  path_symlink: "i32 i32 i32 i32 i32",
  path_link: "i32 i32 i32 i32 i32 i32 i32",
};
const OURS = `
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (import "env" "mmap" (func $mmap (param i32 i32 i32 i32 i32 i64) (result i32)))
  (import "env" "munmap" (func $munmap (param i32 i32) (result i32)))
  (import "env" "__sbrk" (func $sbrk (param i32) (result i32)))
  (import "env" "dup" (func $dup (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))`;

const KINDS = ["i32", "i64", "f32", "f64", "v128"] as const;

/** Makes a guest; the same numbers make the same one. */
export function randomGuest(random: Random): RandomGuest {
  const below = (bound: number) => Math.floor(random() * bound);
  const isRestored = below(3) === 0;
  const declared = 1 + below(3);
  const grown = below(3);
  const tables = Array.from({ length: 1 + below(2) }, () => 4 + below(12));
  const globals = Array.from({ length: 1 + below(6) }, () => KINDS[below(KINDS.length)]!);
  const pages = declared + grown;
  const maximum = below(2) === 0 ? "" : `${pages + below(4)}`;
  const { body, operations, ends } = operationsOf(globals, tables, isRestored);
  const text = `(module
    ${Object.entries(IMPORTS).map(([name, params]) => wasi(name, params)).join("\n")} ${OURS}
    (type $value (func (result i32)))
    (memory (export "memory") ${declared} ${maximum})
    ${tables.map((size, at) => `(table $t${at} ${size} ${size + 8} funcref)`).join(" ")}
    ${
    globals.map((kind, at) => `(global $g${at} (mut ${kind}) (${kind}.const ${constant(kind, below(1_000))}))`).join(
      " ",
    )
  }
    ${Array.from({ length: 6 }, (_, at) => `(func $f${at} (type $value) (i32.const ${at + 1}))`).join(" ")}
    ${tables.map((size, at) => elements(at, size, below)).join("\n")}
    (elem $passive func $f0 $f3 $f5)
    (elem declare func $f0 $f1 $f2 $f3 $f4 $f5)
    (data (i32.const ${AT.iovec}) "${bytesOf(0)}${bytesOf(pages * PAGE)}")
    (data (i32.const ${AT.iovec + 16}) "${bytesOf(AT.names)}${bytesOf(20)}")
    (data (i32.const ${AT.names}) "${Array.from({ length: NAMES }, (_, at) => `n${at}\\00\\00`).join("")}")
    (data $segment "passive data that a call may drop")
    ${Array.from({ length: below(4) }, () => dataSegment(declared, below)).join("\n")}
    ${dump(globals, tables)}
    ${body}
    (func $init (export "init") (result i32)
      (if (i32.eq (memory.grow (i32.const ${grown})) (i32.const -1)) (then (unreachable)))
      ${Array.from({ length: 3 + below(20) }, () => initial(pages, isRestored, below)).join("\n      ")}
      (i32.const 0))
    (func (export "main") (result i32)
      (local $count i32) (local $at i32)
      ;; First of all, before anything is written: the memory.
      (drop (call $fd_write (i32.const 1) (i32.const ${AT.iovec}) (i32.const 1) (i32.const 4)))
      (call $dump)
      (call $write_output (i32.const ${AT.dump}) (i32.const ${OUTPUT_BYTES}))
      (local.set $count (i32.shr_u (call $read_input (i32.const ${AT.input}) (i32.const ${
    STEPS_MAX * 16
  })) (i32.const 4)))
      (local.set $at (i32.const ${AT.input}))
      (block $end (loop $next
        (br_if $end (i32.eqz (local.get $count)))
        (call $do (i32.load (local.get $at)) (i32.load offset=4 (local.get $at))
          (i32.load offset=8 (local.get $at)) (i32.load offset=12 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
      (i32.const 0)))`;
  return { wasm: assemble(text, "random"), pages, isRestored, operations, ends };
}

function wasi(name: string, params: string): string {
  return `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`;
}

function constant(kind: string, value: number): string {
  return kind === "v128" ? `i64x2 ${value} ${value * 3}` : `${value}`;
}

function bytesOf(number: number): string {
  return [0, 8, 16, 24].map((shift) => `\\${((number >>> shift) & 0xff).toString(16).padStart(2, "0")}`).join("");
}

type Below = (bound: number) => number;

function elements(table: number, size: number, below: Below): string {
  const count = 1 + below(3);
  const functions = Array.from({ length: count }, () => `$f${below(6)}`).join(" ");
  return `(elem (table $t${table}) (i32.const ${below(size - count)}) func ${functions})`;
}

function dataSegment(pages: number, below: Below): string {
  const text = "x".repeat(1 + below(200));
  const room = pages * PAGE - AT.data - text.length;
  // At the very end now and then.
  const offset = below(4) === 0 ? room : below(room);
  return `(data (i32.const ${AT.data + offset}) "${text}")`;
}

/** One thing that the initialiser does. */
function initial(pages: number, isRestored: boolean, below: Below): string {
  const address = AT.data + below(pages * PAGE - AT.data - 16);
  const name = nameAt(`(i32.const ${below(NAMES)})`);
  const choices = [
    `(i32.store8 (i32.const ${address}) (i32.const ${below(256)}))`,
    `(i64.store (i32.const ${address}) (i64.const ${below(2 ** 31)}))`,
    `(memory.fill (i32.const ${address}) (i32.const ${below(256)}) (i32.const ${below(16)}))`,
    `(call $setGlobal (i32.const ${below(8)}) (i32.const ${below(2 ** 31)}))`,
    `(drop (call $path_create_directory (i32.const 3) ${name} (i32.const 2)))`,
    `(call $open (i32.const ${below(NAMES)}) (i32.const 1) (i32.const ${below(2)}))`,
    `(drop (call $fd_write (i32.const ${4 + below(3)}) (i32.const ${AT.iovec + 16}) (i32.const 1) (i32.const 4)))`,
    `(drop (call $fd_seek (i32.const ${4 + below(3)}) (i64.const ${below(50)}) (i32.const 0) (i32.const 8)))`,
    `(drop (call $path_symlink ${name} (i32.const 2) (i32.const 3) ${
      nameAt(`(i32.const ${below(NAMES)})`)
    } (i32.const 2)))`,
    ...(isRestored ? [`(table.set $t0 (i32.const ${below(4)}) (ref.func $f${below(6)}))`] : []),
  ];
  return choices[below(choices.length)]!;
}

function nameAt(number: string): string {
  return `(i32.add (i32.const ${AT.names}) (i32.mul (i32.and ${number} (i32.const ${NAMES - 1})) (i32.const 4)))`;
}

/** Everything but the memory goes to a place of its own in the output. */
function dump(globals: readonly string[], tables: readonly number[]): string {
  const at = (offset: number) => `(i32.const ${AT.dump + offset})`;
  const entry = (table: number) => `
      (local.set $at (i32.const 0))
      (loop $next
        (if (i32.lt_u (local.get $at) (table.size $t${table})) (then
          (if (ref.is_null (table.get $t${table} (local.get $at)))
            (then (i32.store8 offset=${AT.dump + 512 + table * 64} (local.get $at) (i32.const 0xff)))
            (else (i32.store8 offset=${AT.dump + 512 + table * 64} (local.get $at)
              (call_indirect $t${table} (type $value) (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next))))`;
  return `(func $dump (local $at i32)
      (memory.fill ${at(0)} (i32.const 0) (i32.const ${OUTPUT_BYTES}))
      (i32.store ${at(0)} (memory.size))
      ${tables.map((_, table) => `(i32.store ${at(4 + table * 4)} (table.size $t${table}))`).join(" ")}
      ${globals.map((kind, number) => `(${kind}.store ${at(64 + number * 16)} (global.get $g${number}))`).join(" ")}
      ${tables.map((_, table) => entry(table)).join("\n")}
      ;; Descriptors: errno, what it is, where it stands.
      (local.set $at (i32.const 0))
      (loop $next
        (i32.store8 offset=${AT.dump + 1_024} (i32.mul (local.get $at) (i32.const 40))
          (call $fd_fdstat_get (local.get $at)
            (i32.add ${at(1_024 + 8)} (i32.mul (local.get $at) (i32.const 40)))))
        (i32.store8 offset=${AT.dump + 1_025} (i32.mul (local.get $at) (i32.const 40))
          (call $fd_tell (local.get $at) (i32.add ${at(1_024 + 32)} (i32.mul (local.get $at) (i32.const 40)))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const ${FDS}))))
      ;; The root's entries, then each name: errno, what it is, the first bytes of a file, when it changed.
      (i32.store8 ${at(2_000)} (call $fd_readdir (i32.const 3) ${at(2_008)} (i32.const 1000) (i64.const 0) ${
    at(2_004)
  }))
      (local.set $at (i32.const 0))
      (loop $next
        (i32.store8 offset=${AT.dump + 4_096} (i32.mul (local.get $at) (i32.const 128))
          (call $path_filestat_get (i32.const 3) (i32.const 0) ${nameAt("(local.get $at)")} (i32.const 2)
            (i32.const ${AT.scratch})))
        (memory.copy (i32.add ${at(4_096 + 8)} (i32.mul (local.get $at) (i32.const 128))) (i32.const ${AT.scratch})
          (i32.const 40))
        (memory.copy (i32.add ${at(TIMES_AT)} (i32.mul (local.get $at) (i32.const 24)))
          (i32.const ${AT.scratch + 40}) (i32.const 24))
        (i32.store (i32.const ${AT.scratch + 64})
          (i32.add ${at(4_096 + 56)} (i32.mul (local.get $at) (i32.const 128))))
        (i32.store (i32.const ${AT.scratch + 68}) (i32.const 64))
        (if (i32.eqz (call $path_open (i32.const 3) (i32.const 0) ${nameAt("(local.get $at)")} (i32.const 2)
              (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const ${AT.scratch + 72})))
          (then
            (drop (call $fd_read (i32.load (i32.const ${AT.scratch + 72})) (i32.const ${AT.scratch + 64}) (i32.const 1)
              (i32.const ${AT.scratch + 76})))
            (drop (call $fd_close (i32.load (i32.const ${AT.scratch + 72}))))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $at) (i32.const ${NAMES})))))`;
}

/** An address that leaves room for `bytes`, wherever memory ends by now. */
function address(number: string, bytes: number): string {
  return `(i32.rem_u ${number} (i32.sub (i32.mul (memory.size) (i32.const ${PAGE})) (i32.const ${bytes})))`;
}

/** Operations by number; each takes three numbers and makes them fit. The last ones end the call. */
function operationsOf(globals: readonly string[], tables: readonly number[], isRestored: boolean) {
  const [a, b, c] = ["(local.get $a)", "(local.get $b)", "(local.get $c)"];
  const fd = (number: string) => `(i32.rem_u ${number} (i32.const ${FDS}))`;
  const name = (number: string) => `${nameAt(number)} (i32.const 2)`;
  const wide = (number: string) => `(i64.extend_i32_u ${number})`;
  const rights = (number: string) => `(i64.and ${wide(number)} (i64.const 0x1fffffff))`;
  const few = (number: string) => `(i32.and ${number} (i32.const 1023))`;
  const all = [
    `(i64.store ${address(a, 8)} (i64.mul ${wide(b)} ${wide(c)}))`,
    `(memory.fill ${address(a, 1_024)} ${b} ${few(c)})`,
    `(memory.copy ${address(a, 1_024)} ${address(b, 1_024)} ${few(c)})`,
    "(call $grow)",
    `(call $setGlobal ${a} ${b})`,
    `(call $open ${a} (i32.and ${b} (i32.const 15)) (i32.and ${c} (i32.const 1)))`,
    `(i32.store (i32.const ${AT.scratch}) ${address(a, 1_024)}) (i32.store (i32.const ${AT.scratch + 4}) ${few(b)})
     (drop (call $fd_write ${fd(c)} (i32.const ${AT.scratch}) (i32.const 1) (i32.const ${AT.scratch + 8})))`,
    `(drop (call $fd_close ${fd(a)}))`,
    `(drop (call $fd_renumber ${fd(a)} ${fd(b)}))`,
    `(drop (call $path_create_directory (i32.const 3) ${name(a)}))`,
    `(drop (call $path_unlink_file (i32.const 3) ${name(a)}))`,
    `(drop (call $path_remove_directory (i32.const 3) ${name(a)}))`,
    `(drop (call $path_rename (i32.const 3) ${name(a)} (i32.const 3) ${name(b)}))`,
    `(drop (call $path_symlink ${name(a)} (i32.const 3) ${name(b)}))`,
    `(drop (call $path_link (i32.const 3) (i32.const 0) ${name(a)} (i32.const 3) ${name(b)}))`,
    `(drop (call $fd_seek ${fd(a)} ${wide(b)} (i32.rem_u ${c} (i32.const 3)) (i32.const ${AT.scratch})))`,
    `(drop (call $fd_filestat_set_size ${fd(a)} ${wide(few(b))}))`,
    `(drop (call $fd_filestat_set_times ${fd(a)} ${wide(b)} ${wide(c)} (i32.const 5)))`,
    `(drop (call $fd_fdstat_set_flags ${fd(a)} (i32.and ${b} (i32.const 7))))`,
    `(drop (call $fd_fdstat_set_rights ${fd(a)} ${rights(b)} ${rights(c)}))`,
    `(drop (i32.atomic.rmw.add (i32.and ${address(a, 8)} (i32.const -8)) ${b}))`,
    `(v128.store ${address(a, 16)} (i32x4.splat ${b}))`,
    `(drop (call $mmap (i32.const 0) (i32.and ${a} (i32.const 0x1ffff)) (i32.const 3) (i32.const 0x22) (i32.const -1)
       (i64.const 0)))`,
    `(drop (call $munmap (i32.and ${a} (i32.const 0xffff0000)) (i32.const 65536)))`,
    `(drop (call $sbrk (i32.sub (i32.and ${a} (i32.const 0x1ffff)) (i32.const 0x8000))))`,
    `(drop (call $dup ${fd(a)}))`,
    `(drop (call $fd_read ${fd(a)} (i32.const ${AT.iovec}) (i32.const 1) (i32.const ${AT.scratch})))`,
    ...tables.flatMap((size, table) => isRestored ? tableOperations(table, size) : []),
  ];
  const ends = [
    "(unreachable)",
    "(loop $again (br $again))",
    "(call $proc_exit (i32.const 0))",
    `(call $proc_exit (i32.and ${a} (i32.const 255)))`,
    "(drop (i32.load8_u (i32.const -1)))",
    `(call $do (i32.const ${all.length + 5}) ${a} ${b} ${c}) (i32.store (i32.const 0) ${a})`,
  ];
  const cases = [...all, ...ends];
  const labels = cases.map((_, at) => `$c${at}`);
  const body = `
    (func $setGlobal (param $which i32) (param $value i32)
      ${globals.map((kind, at) => setGlobal(at, kind, globals.length)).join("\n      ")})
    ;; A page more, which has to be zero.
    (func $grow (local $at i32) (local $end i32)
      (local.set $at (memory.grow (i32.const 1)))
      (if (i32.eq (local.get $at) (i32.const -1)) (then (return)))
      (local.set $at (i32.mul (local.get $at) (i32.const ${PAGE})))
      (local.set $end (i32.add (local.get $at) (i32.const ${PAGE})))
      (loop $next
        (if (i64.ne (i64.load (local.get $at)) (i64.const 0)) (then (call $proc_exit (i32.const ${OLD_BYTES}))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))
    (func $open (param $name i32) (param $how i32) (param $flags i32)
      (drop (call $path_open (i32.const 3) (i32.const 0) ${nameAt("(local.get $name)")} (i32.const 2) (local.get $how)
        (i64.const 0x1fffffff) (i64.const 0x1fffffff) (local.get $flags) (i32.const ${AT.scratch}))))
    (func $do (param $operation i32) (param $a i32) (param $b i32) (param $c i32)
      (block $end
        ${labels.toReversed().map((label) => `(block ${label}`).join(" ")}
        (br_table ${labels.join(" ")} $end (local.get $operation))
        ${cases.map((text) => `) ${text} (return)`).join("\n        ")}))`;
  return { body, operations: all.length, ends: ends.length };
}

function tableOperations(table: number, size: number): string[] {
  const entry = (number: string) => `(i32.rem_u ${number} (table.size $t${table}))`;
  const [a, b] = ["(local.get $a)", "(local.get $b)"];
  return [
    `(table.set $t${table} ${entry(a)} (ref.func $f4))`,
    `(table.set $t${table} ${entry(a)} (ref.null func))`,
    `(drop (table.grow $t${table} (ref.func $f1) (i32.and ${a} (i32.const 3))))`,
    `(table.fill $t${table} ${entry(a)} (ref.func $f2) (i32.const 1))`,
    `(table.copy $t${table} $t${table} ${entry(a)} ${entry(b)} (i32.const 1))`,
    `(table.init $t${table} $passive (i32.rem_u ${a} (i32.const ${size - 3})) (i32.const 0) (i32.const 3))`,
    `(memory.init $segment ${address(a, 64)} (i32.const 0) (i32.const 8))`,
    "(data.drop $segment)",
    "(elem.drop $passive)",
  ];
}

function setGlobal(number: number, kind: string, count: number): string {
  const value: Readonly<Record<string, string>> = {
    i32: "(local.get $value)",
    i64: "(i64.extend_i32_s (local.get $value))",
    f32: "(f32.reinterpret_i32 (local.get $value))",
    f64: "(f64.reinterpret_i64 (i64.mul (i64.extend_i32_s (local.get $value)) (i64.const 0x100000001)))",
    v128: "(i32x4.splat (local.get $value))",
  };
  const isMeant = `(i32.eq (i32.rem_u (local.get $which) (i32.const ${count})) (i32.const ${number}))`;
  return `(if ${isMeant} (then (global.set $g${number} ${value[kind]})))`;
}

/** A script for a guest: operations with random numbers. Half of them end in another way than by returning. */
export function randomScript({ operations, ends }: RandomGuest, random: Random): Uint8Array {
  const steps = 1 + Math.floor(random() * 40);
  const bytes = new Uint8Array((steps + 1) * 16);
  const view = new DataView(bytes.buffer);
  for (let step = 0; step <= steps; step++) {
    const isEnd = step === steps && random() < 0.5;
    const operation = isEnd ? operations + Math.floor(random() * ends) : Math.floor(random() * operations);
    view.setUint32(step * 16, operation, true);
    for (const at of [4, 8, 12]) view.setUint32(step * 16 + at, Math.floor(random() * 2 ** 32), true);
  }
  return bytes;
}
