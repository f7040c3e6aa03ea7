//! The guest's clocks: rounded down, so that they do not measure what other guests leave in caches, and without anything of
//! the machine's own history in them.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where the monotonic clock starts: the first time that this process asks.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Nanoseconds since the origin, a multiple of `resolution_ns`.
pub fn monotonic_ns(resolution_ns: u64) -> u64 {
    round(origin().elapsed(), resolution_ns)
}

/// Nanoseconds since 1970, a multiple of `resolution_ns`.
pub fn realtime_ns(resolution_ns: u64) -> u64 {
    round(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), resolution_ns)
}

/// The instant that the monotonic clock will show as `ns`; far away when there is none.
pub fn instant_of_monotonic(ns: u64) -> Instant {
    add(origin(), ns)
}

/// `ns` after `start`, or so far away that no call lives to see it.
pub fn add(start: Instant, ns: u64) -> Instant {
    const FAR: Duration = Duration::from_secs(86_400 * 365);
    start.checked_add(Duration::from_nanos(ns)).unwrap_or_else(|| start + FAR)
}

fn round(time: Duration, resolution_ns: u64) -> u64 {
    let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    ns - ns % resolution_ns.max(1)
}
