;; H06: three tables that each grow until refused. Answer: their sizes. The initialiser "init" grows the first one by seven,
;; with nothing in it that refers to a function.
(module
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (table $a 1 funcref) (table $b 1 funcref) (table $c 1 funcref)
  (memory (export "memory") 1)
  (func (export "init") (drop (table.grow $a (ref.null func) (i32.const 7))))
  (func (export "sizes") (call $answer))
  (func (export "main")
    (loop $more (br_if $more (i32.ne (table.grow $a (ref.null func) (i32.const 10000)) (i32.const -1))))
    (loop $more (br_if $more (i32.ne (table.grow $b (ref.null func) (i32.const 1000)) (i32.const -1))))
    (loop $more (br_if $more (i32.ne (table.grow $c (ref.null func) (i32.const 1)) (i32.const -1))))
    (call $answer))
  (func $answer
    (i32.store (i32.const 0) (table.size $a))
    (i32.store (i32.const 4) (table.size $b))
    (i32.store (i32.const 8) (table.size $c))
    (call $write_output (i32.const 0) (i32.const 12))))
