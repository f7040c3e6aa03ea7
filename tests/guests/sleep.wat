;; Waits in poll_oneoff for as many milliseconds as its input says (u32).
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "main")
    (drop (call $read_input (i32.const 0) (i32.const 4)))
    ;; subscription: userdata u64, tag u8 at 8 (0 = clock), clock id u32 at 16, timeout u64 at 24, precision, flags
    (i32.store (i32.const 80) (i32.const 1))
    (i64.store (i32.const 88) (i64.mul (i64.extend_i32_u (i32.load (i32.const 0))) (i64.const 1000000)))
    (if (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 320)) (then (unreachable)))))
