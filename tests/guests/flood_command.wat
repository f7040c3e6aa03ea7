;; H29: a command that writes a mebibyte at a time to its standard output, for ever.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 20)
  (data (i32.const 0) "\10\00\00\00\00\00\10\00")
  (func (export "_start")
    (loop $again (br_if $again (i32.eqz (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))))
