;; H29: the input's first byte chooses: "m" a million tiny outputs, "l" an output one byte longer than its second
;; 32-bit word says, "x" an output and then proc_exit(0), "t" an output and then a trap, "p" a bad pointer.
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 64)
  (func $is (param i32) (result i32) (i32.eq (i32.load8_u (i32.const 0)) (local.get 0)))
  (func (export "main")
    (local $count i32)
    (drop (call $read_input (i32.const 0) (i32.const 8)))
    (if (call $is (i32.const 0x6d)) (then
      (loop $again
        (i32.store (i32.const 16) (local.get $count))
        (call $write_output (i32.const 16) (i32.const 4))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $count) (i32.const 1000000))))))
    (if (call $is (i32.const 0x6c)) (then
      (call $write_output (i32.const 0) (i32.load (i32.const 4)))))
    (if (call $is (i32.const 0x78)) (then
      (call $write_output (i32.const 0) (i32.const 1))
      (call $proc_exit (i32.const 0))))
    (if (call $is (i32.const 0x74)) (then
      (call $write_output (i32.const 0) (i32.const 1))
      (unreachable)))
    (if (call $is (i32.const 0x70)) (then
      (call $write_output (i32.const 0x3ffffe) (i32.const 4))))))
