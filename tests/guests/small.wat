;; H11: one page, no data. Its first act is to show all of it; then it reads at the address that its input says (u32).
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "main")
    (call $write_output (i32.const 0) (i32.const 65536))
    (if (i32.eqz (call $read_input (i32.const 0) (i32.const 4))) (then (return)))
    (drop (i32.load8_u (i32.load (i32.const 0))))))
