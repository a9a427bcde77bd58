//! Send times of packets on one line that never falls.

use std::time::Duration;

use mms_asf::SendClock;

/// The longest silence that a file is believed to have, in milliseconds. One packet with a wrong
/// time would let a player wait for weeks.
const SILENCE: u64 = 120_000;

/// Puts 32-bit send times, which wrap and need not be in order, on one line.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    backwards: bool,
    now: u64,
    /// The send time that `now` stands for.
    sent: Option<u32>,
}

impl Clock {
    /// Starts with the first send time.
    pub(super) fn forwards() -> Self {
        Self { backwards: false, now: 0, sent: None }
    }

    /// Starts at 0, and counts what lies in front of the first send time.
    pub(super) fn backwards() -> Self {
        Self { backwards: true, ..Self::forwards() }
    }

    /// When the next packet is due; a packet that could not be read goes with the one before.
    pub(super) fn tick(&mut self, sent: Option<u32>) -> Duration {
        match (self.sent, sent) {
            (_, None) => {}
            (None, Some(sent)) => {
                self.sent = Some(sent);
                self.now = if self.backwards { 0 } else { sent.into() };
            }
            (Some(before), Some(sent)) => {
                let (from, to) = if self.backwards { (sent, before) } else { (before, sent) };
                let distance = SendClock::distance(from, to);
                let ahead = u64::try_from(distance).ok().filter(|&ahead| ahead <= SILENCE);
                if let Some(ahead) = ahead {
                    self.now = self.now.saturating_add(ahead);
                    self.sent = Some(sent);
                } else if distance.unsigned_abs() > SILENCE {
                    // Another line begins where this one ends.
                    self.sent = Some(sent);
                }
            }
        }
        Duration::from_millis(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(mut clock: Clock, times: &[Option<u32>]) -> Vec<u128> {
        times.iter().map(|&sent| clock.tick(sent).as_millis()).collect()
    }

    #[test]
    fn times_never_fall() {
        let times = [Some(1_000), None, Some(1_500), Some(1_200), Some(1_600)];
        assert_eq!(ticks(Clock::forwards(), &times), [1_000, 1_000, 1_500, 1_500, 1_600]);
        assert_eq!(ticks(Clock::backwards(), &times), [0, 0, 0, 0, 0]);
        let falling = [Some(9_000), Some(9_100), None, Some(7_000), Some(0)];
        assert_eq!(ticks(Clock::backwards(), &falling), [0, 0, 0, 2_000, 9_000]);
    }

    #[test]
    fn a_wrong_time_stops_nobody() {
        let times = [Some(1_000), Some(0x8000_0000), Some(1_100), Some(1_200)];
        assert_eq!(ticks(Clock::forwards(), &times), [1_000, 1_000, 1_000, 1_100]);
    }

    #[test]
    fn times_wrap() {
        let times = [Some(u32::MAX - 99), Some(100)];
        let start = u128::from(u32::MAX - 99);
        assert_eq!(ticks(Clock::forwards(), &times), [start, start + 200]);
    }
}
