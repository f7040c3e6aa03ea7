//! The process as a whole: limits of the compiler's child, and counters that show leaks.

use napi_derive::napi;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::convert::Coded;
use crate::engine::Running;
use crate::fault::Fault;
use crate::group;
use crate::memory::slots_in_use;

/// Bounds this process for good: bytes of data (RLIMIT_DATA) and processor seconds (RLIMIT_CPU). For the compiler's child.
#[napi(catch_unwind)]
pub fn limit_process(data_bytes: f64, cpu_seconds: u32) -> Result<(), Coded> {
    let limit = |resource, value: u64| {
        let limit = Rlimit { current: Some(value), maximum: Some(value) };
        setrlimit(resource, limit).map_err(|e| Fault::new("ERR_CAPACITY", format!("cannot limit the process: {e}")))
    };
    limit(Resource::Data, data_bytes as u64)?;
    limit(Resource::Cpu, u64::from(cpu_seconds))?;
    Ok(())
}

/// What lives in this process now, over all isolates. All zero when everything was closed.
#[napi(object)]
pub struct LiveCounts {
    pub groups: u32,
    pub threads: u32,
    pub memories: u32,
    pub running_guests: u32,
}

/// Counts what a test's sanitizers cannot see.
#[napi(catch_unwind)]
pub fn live() -> LiveCounts {
    LiveCounts {
        groups: group::open_groups() as u32,
        threads: group::open_threads() as u32,
        memories: slots_in_use() as u32,
        running_guests: Running::count() as u32,
    }
}
