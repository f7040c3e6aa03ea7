;; F51: asks the host to panic inside a host function.
(module
  (import "env" "__faasm_host_interface_test" (func $test (param i32)))
  (memory (export "memory") 1)
  (func (export "main") (call $test (i32.const 7)))
  (func (export "other")))
