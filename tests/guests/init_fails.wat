;; Its initialiser prints, then traps (H08); "loop" never ends, "grow" asks for more memory than there is.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\08\00\00\00starting")
  (func (export "trap")
    (drop (call $fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32)))
    (unreachable))
  (func (export "loop") (loop $again (br $again)))
  (func (export "grow") (result i32) (i32.eq (memory.grow (i32.const 65000)) (i32.const -1)))
  (func (export "main")))
