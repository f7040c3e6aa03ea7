;; The hook gets fresh bits in each call that starts from the snapshot, and in no other: answers how often it ran in this Faaslet
;; since the snapshot, and the bits.
(module
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (memory (export "memory") 1)
  (global $runs (mut i64) (i64.const 0))
  (func (export "init"))
  (func (export "__faaslet_reseed") (param $bits i64)
    (global.set $runs (i64.add (global.get $runs) (i64.const 1)))
    (i64.store (i32.const 8) (local.get $bits)))
  (func (export "main")
    (i64.store (i32.const 0) (global.get $runs))
    (call $write_output (i32.const 0) (i32.const 16))))
