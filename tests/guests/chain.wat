;; Makes calls, as its input says: a byte that chooses, then a number n (u32).
(module
  (import "env" "__faasm_read_input" (func $read_input (param i32 i32) (result i32)))
  (import "env" "__faasm_write_output" (func $write_output (param i32 i32)))
  (import "env" "__faasm_chain_name" (func $chain_name (param i32 i32 i32) (result i32)))
  (import "env" "__faasm_chain_ptr" (func $chain_ptr (param i32 i32 i32) (result i32)))
  (import "env" "__faasm_chain_this" (func $chain_this (param i32 i32 i32) (result i32)))
  (import "env" "__faasm_get_idx" (func $get_idx (result i32)))
  (import "env" "__faasm_await_call" (func $await (param i32) (result i32)))
  (import "env" "__faasm_await_call_output" (func $await_output (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2 64)
  (table 4 funcref)
  (elem (i32.const 0) $doubled $wrong_type)
  (data (i32.const 1024) "chain\00")
  (data (i32.const 1040) "leaf\00")
  (data (i32.const 1056) "missing\00")
  (data (i32.const 1072) "spin\00")
  (global $top (mut i32) (i32.const 65536))

  (func $malloc (export "malloc") (param $size i32) (result i32)
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
    (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.const 16))))))

  ;; Entry 0 of the table: twice the input.
  (func $doubled (result i32)
    (drop (call $read_input (i32.const 0) (i32.const 4)))
    (i32.store (i32.const 0) (i32.mul (i32.load (i32.const 0)) (i32.const 2)))
    (call $write_output (i32.const 0) (i32.const 4))
    (i32.const 7))
  (func $wrong_type (param i32))

  ;; The number as the input of another call of this function.
  (func $again (param $choice i32) (param $n i32) (result i32)
    (i32.store8 (i32.const 64) (local.get $choice))
    (i32.store (i32.const 65) (local.get $n))
    (call $chain_name (i32.const 1024) (i32.const 64) (i32.const 5)))

  (func $deep (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
    (call $await (call $again (i32.const 1) (i32.sub (local.get $n) (i32.const 1)))))

  ;; n calls of leaf with 0 to n - 1 as their input, awaited from the last to the first: the sum of their outputs.
  (func $wide (param $n i32) (result i32)
    (local $at i32) (local $sum i32)
    (loop $start
      (if (i32.lt_u (local.get $at) (local.get $n)) (then
        (i32.store (i32.const 64) (local.get $at))
        (drop (call $chain_name (i32.const 1040) (i32.const 64) (i32.const 4)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $start))))
    (loop $end
      (if (local.get $at) (then
        (if (call $await_output (local.get $at) (i32.const 32) (i32.const 36)) (then (unreachable)))
        (if (i32.ne (i32.load (i32.const 36)) (i32.const 4)) (then (unreachable)))
        (local.set $sum (i32.add (local.get $sum) (i32.load (i32.load (i32.const 32)))))
        (local.set $at (i32.sub (local.get $at) (i32.const 1)))
        (br $end))))
    (i32.store (i32.const 16) (local.get $sum))
    (call $write_output (i32.const 16) (i32.const 4))
    (i32.const 0))

  ;; The output of a chained call becomes its own; returns what that call returned.
  (func $forward (param $handle i32) (result i32)
    (local $value i32)
    (local.set $value (call $await_output (local.get $handle) (i32.const 32) (i32.const 36)))
    (call $write_output (i32.load (i32.const 32)) (i32.load (i32.const 36)))
    (local.get $value))

  (func (export "main") (result i32)
    (local $choice i32) (local $n i32)
    (drop (call $read_input (i32.const 0) (i32.const 5)))
    (local.set $choice (i32.load8_u (i32.const 0)))
    (local.set $n (i32.load (i32.const 1)))
    (if (call $get_idx) (then (return (call $get_idx))))
    (if (i32.eq (local.get $choice) (i32.const 1)) (then (return (call $deep (local.get $n)))))
    (if (i32.eq (local.get $choice) (i32.const 2)) (then (return (call $wide (local.get $n)))))
    (if (i32.eq (local.get $choice) (i32.const 3)) (then
      (return (call $forward (call $chain_ptr (local.get $n) (i32.const 1) (i32.const 4))))))
    (if (i32.eq (local.get $choice) (i32.const 4)) (then
      (return (call $await (call $chain_name (i32.const 1056) (i32.const 0) (i32.const 0))))))
    ;; 5: awaits a handle that it does not hold
    (if (i32.eq (local.get $choice) (i32.const 5)) (then (return (call $await (local.get $n)))))
    ;; 6: awaits the same handle twice
    (if (i32.eq (local.get $choice) (i32.const 6)) (then
      (drop (call $await (call $chain_name (i32.const 1040) (i32.const 0) (i32.const 4))))
      (return (call $await (i32.const 1)))))
    ;; 7: chains a call that never ends, and waits for it
    (if (i32.eq (local.get $choice) (i32.const 7)) (then
      (return (call $await (call $chain_name (i32.const 1072) (i32.const 0) (i32.const 0))))))
    ;; 8: two calls that do the same, awaited by nobody, n deep
    (if (i32.eq (local.get $choice) (i32.const 8)) (then
      (if (local.get $n) (then
        (drop (call $again (i32.const 8) (i32.sub (local.get $n) (i32.const 1))))
        (drop (call $again (i32.const 8) (i32.sub (local.get $n) (i32.const 1))))))
      (return (i32.const 0))))
    ;; 9: itself for ever, each awaited
    (if (i32.eq (local.get $choice) (i32.const 9)) (then
      (return (call $await (call $again (i32.const 9) (i32.const 0))))))
    ;; 10: chains one that never ends, and traps
    (if (i32.eq (local.get $choice) (i32.const 10)) (then
      (drop (call $chain_name (i32.const 1072) (i32.const 0) (i32.const 0)))
      (unreachable)))
    ;; 11: itself at index n
    (if (i32.eq (local.get $choice) (i32.const 11)) (then
      (return (call $await (call $chain_this (local.get $n) (i32.const 0) (i32.const 0))))))
    ;; 12: awaits the handles 1, 2, 3 ... 10^6 at once, as somebody who guesses
    (if (i32.eq (local.get $choice) (i32.const 12)) (then
      (return (call $await_output (i32.const 1) (i32.const -1) (i32.const 0)))))
    (i32.const 99)))
