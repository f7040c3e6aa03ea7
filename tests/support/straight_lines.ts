/** Code without loops and calls of its own functions: guest code looks at its deadline nowhere in it (H22, H23). */
import { assemble } from "./guests.ts";

/** One host call each, as costly as it can be made; the guest has 17 MiB of memory and a file that is open as descriptor 4. */
const LINES: Readonly<Record<string, string>> = {
  fd_pwrite: "(drop (call $fd_pwrite (i32.const 4) (i32.const 16) (i32.const 1) (i64.const 0) (i32.const 8)))",
  fd_pread: "(drop (call $fd_pread (i32.const 4) (i32.const 16) (i32.const 1) (i64.const 0) (i32.const 8)))",
  fd_filestat_set_size: `(drop (call $fd_filestat_set_size (i32.const 4) (i64.const 0)))
    (drop (call $fd_filestat_set_size (i32.const 4) (i64.const 16777216)))`,
  __faasm_write_output: "(call $__faasm_write_output (i32.const 1048576) (i32.const 16777216))",
  __faasm_read_input: "(drop (call $__faasm_read_input (i32.const 1048576) (i32.const 16777216)))",
};

const IMPORTS = `
  (import "env" "__faasm_read_input" (func $__faasm_read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $__faasm_write_output (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_pwrite" (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_set_size" (func $fd_filestat_set_size (param i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))`;

export const STRAIGHT_LINES = Object.keys(LINES);

/** A guest that makes the call so many times in a row. */
export function straightLine(name: string, count: number): Uint8Array {
  const open = `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 1)
    (i64.const 0x1fffffff) (i64.const 0) (i32.const 0) (i32.const 8)))
    (drop (call $fd_filestat_set_size (i32.const 4) (i64.const 16777216)))`;
  return assemble(`(module ${IMPORTS}
    (memory (export "memory") 272)
    (data (i32.const 16) "\\00\\00\\10\\00\\00\\00\\00\\01") (data (i32.const 32) "f")
    (func (export "main") ${open} ${`${LINES[name]}\n`.repeat(count)}))`);
}
