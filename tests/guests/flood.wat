;; H25: writes a gibibyte to its standard output and error, with escape sequences and half a character at the end.
;; It could answer through the host interface, so what it prints is a log.
(module
  (import "env" "__faasm_write_output" (func (param i32 i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (data (i32.const 0) "\10\00\00\00\00\00\10\00")
  (data (i32.const 16) "\1b]0;title\07\1b[31mred\c3\28")
  (func $flood (param $descriptor i32)
    (local $count i32)
    (loop $again
      (if (call $fd_write (local.get $descriptor) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $count) (i32.const 1024)))))
  ;; What a program prints is its answer; what a handler prints is a log.
  (func (export "main") (export "handler") (call $flood (i32.const 1)) (call $flood (i32.const 2))))
