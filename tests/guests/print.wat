;; A command: writes to standard output and error, then ends with the value 3.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\06\00\00\00answer\0a\0a")
  (data (i32.const 64) "\48\00\00\00\05\00\00\00trace")
  (func (export "_start")
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (drop (call $fd_write (i32.const 2) (i32.const 64) (i32.const 1) (i32.const 32)))
    (call $proc_exit (i32.const 3))))
