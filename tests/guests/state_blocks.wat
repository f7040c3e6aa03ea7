;; Has an allocator whose blocks lie in its own data, between other data. Answers with the address of the region "k" and with the
;; 32 bytes before it, at its beginning and behind it; then writes to it.
(module
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (import "env" "__faasm_read_state_ptr" (func $state_ptr (param i32 i32) (result i32)))
  (import "env" "__faasm_write_state" (func $write_state (param i32 i32 i32)))
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 131072))
  (data (i32.const 1024) "k\00")
  (data (i32.const 2048) "region!")
  (data (i32.const 131040) "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
  (data (i32.const 139232) "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF")

  (func (export "aligned_alloc") (param $alignment i32) (param $size i32) (result i32)
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get $size))))

  (func (export "init")
    ;; A page of the snapshot that is no data segment's.
    (memory.fill (i32.const 135168) (i32.const 0x5a) (i32.const 4096)))

  ;; What an initialiser cannot do.
  (func (export "init_maps")
    (call $write_state (i32.const 1024) (i32.const 2048) (i32.const 7))
    (drop (call $state_ptr (i32.const 1024) (i32.const 7))))

  (func (export "main") (result i32)
    (local $region i32)
    (local.set $region (call $state_ptr (i32.const 1024) (i32.const 8192)))
    (i32.store (i32.const 0) (local.get $region))
    (memory.copy (i32.const 4) (i32.sub (local.get $region) (i32.const 32)) (i32.const 32))
    (memory.copy (i32.const 36) (local.get $region) (i32.const 32))
    (memory.copy (i32.const 68) (i32.add (local.get $region) (i32.const 8192)) (i32.const 32))
    (call $write_output (i32.const 0) (i32.const 100))
    (memory.fill (local.get $region) (i32.const 0x77) (i32.const 8192))
    (i32.const 0))

  ;; Entry 0 of the table: its own memory, all of it.
  (table 1 funcref)
  (elem (i32.const 0) $dump)
  (func $dump (result i32)
    (call $write_output (i32.const 0) (i32.const 262144))
    (i32.const 0)))
