//! Rates, and the time that bytes take at them.

use std::time::{Duration, Instant};

/// A sender that fell behind by more than this does not hurry to catch up.
pub(crate) const MAX_LAG: Duration = Duration::from_secs(5);

/// Content that is sent faster than it plays, at the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Burst {
    /// How much of it.
    pub(crate) content: Duration,
    /// Bits per second.
    pub(crate) rate: u32,
}

/// A rate of bits at another speed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the value is not negative, and what is too large becomes the largest"
)]
pub(crate) fn scaled(rate: u32, speed: f64) -> u32 {
    if rate == 0 { 0 } else { ((f64::from(rate) * speed) as u32).max(1) }
}

/// Time that bytes take at a rate in bits per second; a rate of zero counts as one.
pub(crate) fn transmission_time(bytes: usize, rate: u32) -> Duration {
    let bits = (bytes as u64).saturating_mul(8);
    let nanoseconds = u128::from(bits).saturating_mul(1_000_000_000) / u128::from(rate.max(1));
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

/// A moment that is to come, when everything goes so many times as fast from now on.
pub(crate) fn at_speed(now: Instant, at: Instant, times: f64) -> Instant {
    let left = at.saturating_duration_since(now);
    if left.is_zero() {
        return at;
    }
    let left = Duration::try_from_secs_f64(left.as_secs_f64() / times).unwrap_or(Duration::MAX);
    now.checked_add(left).unwrap_or(at)
}
