;; H21: computes for some tens of milliseconds.
(module
  (memory (export "memory") 1)
  (func (export "main")
    (local $count i32) (local $x i32)
    (loop $again
      (local.set $x (i32.xor (i32.mul (local.get $x) (i32.const 1664525)) (i32.load (i32.and (local.get $x) (i32.const 0xfffc)))))
      (local.set $count (i32.add (local.get $count) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $count) (i32.const 10000000))))
    (i32.store (i32.const 0) (local.get $x))))
