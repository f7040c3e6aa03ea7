;; Traps two frames deep, both with names.
(module
  (func $inner unreachable)
  (func $outer call $inner)
  (func (export "main") (result i32) (call $outer) (i32.const 0)))
