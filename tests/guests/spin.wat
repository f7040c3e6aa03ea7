;; Never ends by itself (H21).
(module
  (memory (export "memory") 1)
  (func (export "main") (result i32) (loop $again (br $again)) (unreachable)))
