;; H08: the module's own start function asks for more memory than there may be, and traps when it does not get it.
(module
  (memory (export "memory") 1)
  (func $start
    (if (i32.eq (memory.grow (i32.const 60000)) (i32.const -1)) (then (unreachable))))
  (start $start)
  (func (export "main")))
