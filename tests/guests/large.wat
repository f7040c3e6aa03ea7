;; H11: leaves secrets in each page of a large memory, those that it grows by too; with an input it traps afterwards.
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (memory (export "memory") 64)
  (data (i32.const 0) "a secret at the beginning") (data (i32.const 4194280) "a secret at the end")
  (func (export "main")
    (drop (memory.grow (i32.const 16)))
    (memory.fill (i32.const 0) (i32.const 0x5a) (i32.mul (memory.size) (i32.const 65536)))
    (if (call $read_input (i32.const 0) (i32.const 0)) (then (unreachable)))))
