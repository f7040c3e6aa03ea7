;; Makes one HTTP request and answers with what came of it.
;; Input: six words (method, url, headers, body, length of the body, a header to look at; all but the length are addresses,
;; 0 for none), then the bytes they lead to. It is read to 0x1000.
;; Output: error number, status, size of the header's value (three words), the value (1,012 bytes), the body.
(module
  (import "env" "__faasm_read_input" (func $input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $output (param i32 i32)))
  (import "env" "__faaslet_errno" (func $errno (result i32)))
  (import "env" "__faaslet_http" (func $http (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "__faaslet_http_status" (func $status (param i32) (result i32)))
  (import "env" "__faaslet_http_header" (func $header (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (memory (export "memory") 64)
  (func (export "main") (local $fd i32) (local $at i32) (local $error i32)
    (drop (call $input (i32.const 0x1000) (i32.const 0xf000)))
    (local.set $at (i32.const 0x10400))
    (local.set $fd (call $http
      (i32.load (i32.const 0x1000)) (i32.load (i32.const 0x1004)) (i32.load (i32.const 0x1008))
      (i32.load (i32.const 0x100c)) (i32.load (i32.const 0x1010))))
    (if (i32.eq (local.get $fd) (i32.const -1))
      (then (i32.store (i32.const 0x10000) (call $errno)))
      (else
        (i32.store (i32.const 0x10004) (call $status (local.get $fd)))
        (if (i32.load (i32.const 0x1014)) (then
          (i32.store (i32.const 0x10008)
            (call $header (local.get $fd) (i32.load (i32.const 0x1014)) (i32.const 0x1000c) (i32.const 1012)))))
        (i32.store (i32.const 12) (i32.const 0x10000))
        (block $end (loop $next
          ;; What is more than the memory holds is written over.
          (if (i32.gt_u (local.get $at) (i32.const 0x300000)) (then (local.set $at (i32.const 0x10400))))
          (i32.store (i32.const 8) (local.get $at))
          (local.set $error (call $read (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 16)))
          (if (local.get $error) (then (i32.store (i32.const 0x10000) (local.get $error)) (br $end)))
          (br_if $end (i32.eqz (i32.load (i32.const 16))))
          (local.set $at (i32.add (local.get $at) (i32.load (i32.const 16))))
          (br $next)))
        (drop (call $close (local.get $fd)))))
    (call $output (i32.const 0x10000) (i32.sub (local.get $at) (i32.const 0x10000)))))
