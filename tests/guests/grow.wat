;; H06: grows its memory and its table until refused. Answer: pages and entries reached, two 32-bit numbers.
(module
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (table $table 1 funcref)
  (memory (export "memory") 1)
  (func (export "main") (result i32)
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (loop $more
      (br_if $more (i32.ne (table.grow $table (ref.null func) (i32.const 1000)) (i32.const -1))))
    (i32.store (i32.const 0) (memory.size))
    (i32.store (i32.const 4) (table.size $table))
    (call $write_output (i32.const 0) (i32.const 8))
    (i32.const 0)))
