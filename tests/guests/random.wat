;; H12: sixteen random bytes and the monotonic clock (i64) at each call.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "init") (drop (call $random (i32.const 32) (i32.const 16))))
  (func (export "main") (result i32)
    (drop (call $random (i32.const 0) (i32.const 16)))
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 16)))
    (call $write_output (i32.const 0) (i32.const 48))
    (i32.const 0)))
