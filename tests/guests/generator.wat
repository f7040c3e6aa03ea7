;; H12: a generator of pseudo-random numbers that the initialiser seeds, as a C library does. Each call renews the seed by fresh bytes
;; from the host, as the SDK's hook does, and answers with the next number of the generator, the next one as it would be without
;; the hook, sixteen fresh bytes, and the clocks: monotonic at 32, real at 40.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (memory (export "memory") 1)
  (global $state (mut i64) (i64.const 0))
  (func $seed
    (drop (call $random (i32.const 1024) (i32.const 8)))
    (global.set $state (i64.xor (global.get $state) (i64.load (i32.const 1024)))))
  ;; xorshift64* (Vigna 2016).
  (func $next (result i64)
    (global.set $state (i64.xor (global.get $state) (i64.shr_u (global.get $state) (i64.const 12))))
    (global.set $state (i64.xor (global.get $state) (i64.shl (global.get $state) (i64.const 25))))
    (global.set $state (i64.xor (global.get $state) (i64.shr_u (global.get $state) (i64.const 27))))
    (i64.mul (global.get $state) (i64.const 0x2545f4914f6cdd1d)))
  (func (export "init") (call $seed))
  (func (export "main")
    (local $frozen i64)
    (local.set $frozen (global.get $state))
    (i64.store (i32.const 8) (call $next))
    (global.set $state (local.get $frozen))
    (call $seed)
    (i64.store (i32.const 0) (call $next))
    (drop (call $random (i32.const 16) (i32.const 16)))
    (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 32)))
    (drop (call $clock (i32.const 0) (i64.const 0) (i32.const 40)))
    (call $write_output (i32.const 0) (i32.const 48))))
