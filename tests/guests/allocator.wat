;; H07: an allocator that the host calls back. The input: 0 asks for memory again, without end; 1 never returns; 2 ends the
;; call with the value 5; 3 traps; 4 gives memory outside of memory; 5 gives its first page, which is its own.
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "mmap" (func $mmap (param i32 i32 i32 i32 i32 i64) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 2)
  (func $map (result i32)
    (call $mmap (i32.const 0) (i32.const 65536) (i32.const 3) (i32.const 0x22) (i32.const -1) (i64.const 0)))
  (func (export "__faaslet_alloc") (param i32 i32) (result i32)
    (local $case i32)
    (local.set $case (i32.load (i32.const 0)))
    (if (i32.eqz (local.get $case)) (then (return (i32.add (call $map) (i32.const 1)))))
    (if (i32.eq (local.get $case) (i32.const 1)) (then (loop $again (br $again))))
    (if (i32.eq (local.get $case) (i32.const 2)) (then (call $proc_exit (i32.const 5))))
    (if (i32.eq (local.get $case) (i32.const 3)) (then (unreachable)))
    (if (i32.eq (local.get $case) (i32.const 4)) (then (return (i32.const 0x7fff0000))))
    (i32.const 65536))
  (func (export "main") (result i32)
    (drop (call $read_input (i32.const 0) (i32.const 4)))
    (drop (call $map))
    ;; Twice: the second time it was given out already.
    (drop (call $map))
    (i32.const 0)))
