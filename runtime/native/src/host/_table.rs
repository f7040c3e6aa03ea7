//! Generated from `hostif/table.ts` by `deno task native`; do not edit.

/// A value type of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    I32,
    #[allow(dead_code, reason = "the interface has 64-bit types whether or not a function takes one")]
    I64,
}

/// One function of the host interface.
#[derive(Debug)]
pub struct HostFunction {
    pub module: &'static str,
    pub name: &'static str,
    pub params: &'static [ValueType],
    pub results: &'static [ValueType],
}

/// Every function of ours that a guest may import.
pub const HOST_FUNCTIONS: &[HostFunction] = &[
    HostFunction {
        module: "env",
        name: "__faasm_read_input",
        params: &[ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_write_output",
        params: &[ValueType::I32, ValueType::I32],
        results: &[],
    },
    HostFunction {
        module: "env",
        name: "__faasm_memory_layout_protection",
        params: &[],
        results: &[],
    },
    HostFunction {
        module: "env",
        name: "__faasm_host_interface_test",
        params: &[ValueType::I32],
        results: &[],
    },
    HostFunction {
        module: "env",
        name: "__faasm_chain_name",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_chain_function",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_chain_ptr",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_chain_this",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_get_idx",
        params: &[],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_await_call",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_await_call_output",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "mmap",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I64],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "munmap",
        params: &[ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__sbrk",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "brk",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faaslet_errno",
        params: &[],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "dup",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__wasi_fd_dup",
        params: &[ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "dlopen",
        params: &[ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "dlsym",
        params: &[ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "dlclose",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "dlerror",
        params: &[],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_conf_flag",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "__faasm_backtrace",
        params: &[ValueType::I32],
        results: &[],
    },
    HostFunction {
        module: "env",
        name: "uname",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "getpwuid",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "sysconf",
        params: &[ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "getuid",
        params: &[],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "geteuid",
        params: &[],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "getgid",
        params: &[],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "getegid",
        params: &[],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "socket",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "connect",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "bind",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "listen",
        params: &[ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "accept",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "send",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "sendto",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "recv",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "recvfrom",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "getsockname",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "getpeername",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "shutdown",
        params: &[ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "setsockopt",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
    HostFunction {
        module: "env",
        name: "getsockopt",
        params: &[ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32, ValueType::I32],
        results: &[ValueType::I32],
    },
];
