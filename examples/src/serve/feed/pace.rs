//! When a packet is due, on the one timeline that all players share.

use std::time::{Duration, Instant};

/// A step on the timeline that is waited for, in milliseconds. What is farther away, or behind, is
/// no pause in the content but a clock that was set anew.
const STEPS: std::ops::RangeInclusive<i64> = -1_000..=60_000;
/// With more delay than this, what was missed is not made up for: the machine slept, or nobody took
/// packets.
const LATE: Duration = Duration::from_secs(5);

/// Real time for positions on a timeline in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// A position and when it was due.
    anchor: Option<(Instant, i64)>,
    last: i64,
}

impl Pace {
    /// When the packet at this position is due, which is now or later.
    pub(super) fn due(&mut self, now: Instant, position: i64) -> Instant {
        let usual = STEPS.contains(&position.saturating_sub(self.last));
        self.last = position;
        let due = self.anchor.filter(|_| usual).and_then(|(start, from)| {
            let after = u64::try_from(position.saturating_sub(from)).unwrap_or(0);
            start.checked_add(Duration::from_millis(after))
        });
        match due {
            Some(due) if now.saturating_duration_since(due) <= LATE => due.max(now),
            _ => {
                self.anchor = Some((now, position));
                now
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_due_in_real_time() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = Pace::default();
        assert_eq!(pace.due(at(0), 50_000), at(0));
        assert_eq!(pace.due(at(0), 50_040), at(40));
        assert_eq!(pace.due(at(0), 51_000), at(1_000));
        assert_eq!(pace.due(at(0), 50_500), at(500), "a little out of order");
        assert_eq!(pace.due(at(3_000), 51_500), at(3_000), "late, and made up for");
        assert_eq!(pace.due(at(3_000), 53_500), at(3_500));
        assert_eq!(pace.due(at(3_500), 113_000), at(63_000), "a long pause");
    }

    #[test]
    fn a_clock_that_jumps_is_not_followed() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut pace = Pace::default();
        pace.due(at(0), 0);
        assert_eq!(pace.due(at(10), 4_000_000_000), at(10));
        assert_eq!(pace.due(at(10), 4_000_000_500), at(510));
        assert_eq!(pace.due(at(510), 7), at(510));
        assert_eq!(pace.due(at(510), 1_007), at(1_510));
        assert_eq!(pace.due(at(20_000), 1_107), at(20_000), "the machine slept");
        assert_eq!(pace.due(at(20_000), 1_207), at(20_100));
        for position in [i64::MIN, i64::MAX, 0] {
            assert_eq!(pace.due(at(20_000), position), at(20_000));
        }
    }
}
