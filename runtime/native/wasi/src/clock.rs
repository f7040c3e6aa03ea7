//! The guest's clocks: rounded down, so that they do not measure what other guests leave in caches, and without anything of
//! the machine's own history in them.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What the monotonic clock shows at its origin. Not zero: Go's runtime takes that for a broken clock and gives up.
const ORIGIN_SHOWS_NS: u64 = 1_000_000_000;

/// Where the monotonic clock starts: the first time that this process asks.
fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Nanoseconds since a second before the origin, a multiple of `resolution_ns`.
pub fn monotonic_ns(resolution_ns: u64) -> u64 {
    round(origin().elapsed() + Duration::from_nanos(ORIGIN_SHOWS_NS), resolution_ns)
}

/// Nanoseconds since 1970, a multiple of `resolution_ns`.
pub fn realtime_ns(resolution_ns: u64) -> u64 {
    round(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(), resolution_ns)
}

/// The instant that the monotonic clock will show as `ns`; far away when there is none.
pub fn instant_of_monotonic(ns: u64) -> Instant {
    add(origin(), ns.saturating_sub(ORIGIN_SHOWS_NS))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reading_of_the_monotonic_clock_is_not_zero() {
        // Go ends with "nanotime returning zero": the first call of a host did, when the clock started there.
        for resolution_ns in [1, 1_000, 1_000_000, 1_000_000_000] {
            assert!(monotonic_ns(resolution_ns) > 0);
        }
    }

    #[test]
    fn an_instant_of_the_monotonic_clock_is_when_it_shows_that() {
        let shown = monotonic_ns(1);
        let (before, after) = (instant_of_monotonic(shown), Instant::now());
        assert!(before <= after);
        assert!(after - before < Duration::from_secs(1));
        assert_eq!(instant_of_monotonic(0), instant_of_monotonic(ORIGIN_SHOWS_NS), "what was before it has passed");
    }
}
