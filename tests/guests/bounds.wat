;; H01: one access at the address in the input (u32), of the kind in its fifth byte. The memory has one page, no more.
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (memory (export "memory") 1 1)
  (func (export "main")
    (local $at i32) (local $kind i32)
    (drop (call $read_input (i32.const 0) (i32.const 5)))
    (local.set $at (i32.load (i32.const 0)))
    (local.set $kind (i32.load8_u (i32.const 4)))
    (block $done
      (block $8 (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $3 $4 $5 $6 $7 $8 (local.get $kind)))
        (drop (i32.load8_u (local.get $at))) (br $done))
        (drop (i32.load16_u (local.get $at))) (br $done))
        (drop (i32.load (local.get $at))) (br $done))
        (drop (i64.load (local.get $at))) (br $done))
        (i32.store8 (local.get $at) (i32.const 1)) (br $done))
        (i64.store (local.get $at) (i64.const 1)) (br $done))
        (drop (i32.load offset=0xfffffff0 (local.get $at))) (br $done))
        (memory.fill (local.get $at) (i32.const 1) (i32.const 2)) (br $done))
        (memory.copy (i32.const 0) (local.get $at) (i32.const 2)))))
