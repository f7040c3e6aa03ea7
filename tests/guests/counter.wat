;; Counts its calls in memory, in a global, in its memory's size and in a far page; its answer is the four counts as bytes.
;; A Faaslet that was reset answers 1 1 1 1 for ever.
(module
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (memory (export "memory") 2)
  (global $calls (mut i32) (i32.const 7))
  (func $init (export "init") (global.set $calls (i32.const 100)))
  (func (export "main") (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))
    (i32.store8 (i32.const 100000) (i32.add (i32.load8_u (i32.const 100000)) (i32.const 1)))
    (drop (memory.grow (i32.const 1)))
    (i32.store8 (i32.const 16) (i32.load8_u (i32.const 0)))
    (i32.store8 (i32.const 17) (i32.load8_u (i32.const 100000)))
    (i32.store8 (i32.const 18) (i32.sub (global.get $calls) (i32.const 100)))
    (i32.store8 (i32.const 19) (i32.sub (memory.size) (i32.const 2)))
    (call $write_output (i32.const 16) (i32.const 4))
    (i32.const 0)))
