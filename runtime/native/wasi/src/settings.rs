//! What a function's Faaslets have in common.

use std::time::Duration;

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
    pub http: HttpLimits,
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
            http: HttpLimits::default(),
        }
    }
}

/// What one HTTP request of a guest, and its answer, may be.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    pub request_body_bytes: u64,
    /// Status line and headers, those before the final ones included.
    pub answer_head_bytes: usize,
    /// What may be read of one answer.
    pub answer_body_bytes: u64,
    pub redirects: usize,
    /// From the look-up of the name to the end of the answer's head, redirects included.
    pub head: Duration,
    /// Between two pieces of the answer's body.
    pub pause: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            request_body_bytes: 1 << 20,
            answer_head_bytes: 64 << 10,
            answer_body_bytes: 1 << 20,
            redirects: 10,
            head: Duration::from_secs(10),
            pause: Duration::from_secs(10),
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
