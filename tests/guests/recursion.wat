;; H07: recursion without end, and recursion that calls the host at every depth (entry "with_host").
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (func $down (param i32) (result i32)
    (i32.add (call $down (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func $down_with_host (param i32) (result i32)
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 64)))
    (i32.add (call $down_with_host (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func (export "main") (result i32) (call $down (i32.const 0)))
  (func (export "with_host") (result i32) (call $down_with_host (i32.const 0))))
