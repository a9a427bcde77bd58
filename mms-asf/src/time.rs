//! Durations as the container stores them.

use std::time::Duration;

/// A duration stored in units of 100 ns.
pub(crate) fn from_ticks(ticks: u64) -> Duration {
    let nanos = (ticks % 10_000_000).saturating_mul(100);
    Duration::new(ticks / 10_000_000, u32::try_from(nanos).unwrap_or(0))
}

/// In units of 100 ns, rounded down; the longest that there are for what is longer.
pub(crate) fn to_ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos() / 100).unwrap_or(u64::MAX)
}

/// In milliseconds, rounded down; the longest that there are for what is longer.
pub(crate) fn to_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for ticks in [0, 1, 9_999_999, 10_000_000, 116_444_736_000_000_001, u64::MAX] {
            assert_eq!(to_ticks(from_ticks(ticks)), ticks);
        }
        assert_eq!(to_ticks(Duration::MAX), u64::MAX);
        assert_eq!(to_millis(Duration::from_millis(u64::MAX)), u64::MAX);
        assert_eq!(to_millis(Duration::MAX), u64::MAX);
    }
}
