;; H06: grows its memory until refused, a step of sixteen pages and then of one, and writes to every byte of it. Answer: the
;; pages that it has. With an input it waits afterwards, for as many milliseconds as that says.
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "main")
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (memory.fill (i32.const 0) (i32.const 0xa5) (i32.mul (memory.size) (i32.const 65536)))
    (i32.store (i32.const 0) (memory.size))
    (call $write_output (i32.const 0) (i32.const 4))
    (if (i32.eqz (call $read_input (i32.const 0) (i32.const 0))) (then (return)))
    (drop (call $read_input (i32.const 0) (i32.const 4)))
    (memory.fill (i32.const 64) (i32.const 0) (i32.const 48))
    (i64.store (i32.const 88) (i64.mul (i64.extend_i32_u (i32.load (i32.const 0))) (i64.const 1000000)))
    (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 320)))))
