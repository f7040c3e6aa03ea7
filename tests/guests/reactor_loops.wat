;; H08: `_initialize` waits in a host call for an hour, and looks whether it was let go before its time.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; A clock's subscription at 64: tag 0, clock 1, an hour of nanoseconds.
  (data (i32.const 80) "\01")
  (func (export "_initialize")
    (i64.store (i32.const 88) (i64.const 3600000000000))
    (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 320))))
  (func (export "main")))
