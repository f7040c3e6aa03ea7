;; H22: bulk memory operations do not look at the deadline while they run.
(module
  (memory (export "memory") 8192)
  (func (export "main")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x1fffffff))
      (memory.copy (i32.const 0) (i32.const 4096) (i32.const 0x1fffe000))
      (br $again))))
