//! What a function's Faaslets have in common.

use crate::network::Allowed;

/// A function's side of WASI.
#[derive(Debug, Clone)]
pub struct WasiSettings {
    /// argv, the program's name first.
    pub args: Vec<String>,
    pub env: Vec<(String, String)>,
    /// All clocks are multiples of it.
    pub clock_resolution_ns: u64,
    pub quotas: FileQuotas,
    /// Whether descriptor 3 is the root directory; without it the guest sees no file system.
    pub preopen_root: bool,
    /// What sockets may reach.
    pub network: Allowed,
}

impl Default for WasiSettings {
    fn default() -> Self {
        Self {
            args: Vec::new(),
            env: Vec::new(),
            clock_resolution_ns: 1_000_000,
            quotas: FileQuotas::default(),
            preopen_root: true,
            network: Allowed::default(),
        }
    }
}

/// What a Faaslet may keep in its private layer.
#[derive(Debug, Clone, Copy)]
pub struct FileQuotas {
    /// Contents of all files that were written or made.
    pub bytes: u64,
    /// Files, directories and links that were written or made.
    pub files: usize,
    pub descriptors: usize,
    /// Directories inside directories.
    pub depth: usize,
}

impl Default for FileQuotas {
    fn default() -> Self {
        Self { bytes: 64 << 20, files: 4096, descriptors: 256, depth: 128 }
    }
}
