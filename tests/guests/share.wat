;; Two of them at once, through one region. Input: a byte that chooses, then a number of rounds (u32).
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_read_state_ptr" (func $state_ptr (param i32 i32) (result i32)))
  (import "env" "__faasm_read_state" (func $read_state (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 1024) "shared\00")

  ;; Waits until the word at $at is $value at least.
  (func $await (param $at i32) (param $value i32)
    (loop $again
      (if (i32.lt_u (i32.atomic.load (local.get $at)) (local.get $value)) (then
        (drop (call $yield))
        (br $again)))))

  ;; Each says to the other in which round it is, and waits until the other has come there.
  (func $turns (param $mine i32) (param $other i32) (param $rounds i32)
    (local $round i32)
    (loop $next
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (i32.atomic.store (local.get $other) (local.get $round))
      (call $await (local.get $mine) (local.get $round))
      (br_if $next (i32.lt_u (local.get $round) (local.get $rounds)))))

  ;; Reads the size of the value whose key lies in the region, while the other one flips that key. Counts sizes that are neither.
  (func $read_flipping (param $region i32) (param $rounds i32) (result i32)
    (local $size i32) (local $wrong i32)
    (loop $next
      (local.set $size (call $read_state (i32.add (local.get $region) (i32.const 64)) (i32.const 0) (i32.const 0)))
      (if (i32.and (i32.ne (local.get $size) (i32.const 1)) (i32.ne (local.get $size) (i32.const 2))) (then
        (local.set $wrong (i32.add (local.get $wrong) (i32.const 1)))))
      (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
      (br_if $next (local.get $rounds)))
    (i32.atomic.store (local.get $region) (i32.const 1))
    (local.get $wrong))

  ;; Flips the key between "a" and "b", until the other one has ended.
  (func $flip (param $region i32)
    (loop $next
      (i32.atomic.store8 offset=64 (local.get $region) (i32.const 97))
      (i32.atomic.store8 offset=64 (local.get $region) (i32.const 98))
      (br_if $next (i32.eqz (i32.atomic.load (local.get $region))))))

  (func (export "main") (result i32)
    (local $choice i32) (local $rounds i32) (local $region i32)
    (drop (call $read_input (i32.const 0) (i32.const 5)))
    (local.set $choice (i32.load8_u (i32.const 0)))
    (local.set $rounds (i32.load (i32.const 1)))
    (local.set $region (call $state_ptr (i32.const 1024) (i32.const 128)))
    (if (i32.eq (local.get $choice) (i32.const 1)) (then
      (call $turns (local.get $region) (i32.add (local.get $region) (i32.const 4)) (local.get $rounds))
      (return (i32.const 0))))
    (if (i32.eq (local.get $choice) (i32.const 2)) (then
      (call $turns (i32.add (local.get $region) (i32.const 4)) (local.get $region) (local.get $rounds))
      (return (i32.const 0))))
    (if (i32.eq (local.get $choice) (i32.const 3)) (then
      (return (call $read_flipping (local.get $region) (local.get $rounds)))))
    (if (i32.eq (local.get $choice) (i32.const 4)) (then
      (call $flip (local.get $region))
      (return (i32.const 0))))
    (i32.const 99)))
