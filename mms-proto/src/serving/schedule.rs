//! When packets go that say when they are due.

use std::time::{Duration, Instant};

use super::rate::{Burst, MAX_LAG, at_speed, transmission_time};

/// Turns times on the clock of the content into moments.
#[derive(Debug)]
pub(crate) struct Schedule {
    /// Seconds of content in one second.
    speed: f64,
    burst: Option<Burst>,
    /// How long it took to send what belongs to the burst so far.
    took: Duration,
    /// The first packet's moment and time.
    origin: Option<(Instant, Duration)>,
    /// The latest packet's.
    latest: Option<(Instant, Duration)>,
}

impl Schedule {
    /// A schedule at this speed, which is positive.
    pub(crate) fn new(speed: f64, burst: Option<Burst>) -> Self {
        Self { speed, burst, took: Duration::ZERO, origin: None, latest: None }
    }

    /// When a packet of so many bytes goes whose turn is at `time` of the content.
    pub(crate) fn due(&mut self, now: Instant, time: Duration, bytes: usize) -> Instant {
        let (start, first) = *self.origin.get_or_insert((now, time));
        let played = time.saturating_sub(first);
        let after = match self.burst {
            Some(burst) if played < burst.content => {
                // A rate that was promised too low delays nothing.
                let after = self.took.min(self.real(played));
                self.took = self.took.saturating_add(transmission_time(bytes, burst.rate));
                after
            }
            Some(burst) => {
                let begun = self.took.min(self.real(burst.content));
                begun.saturating_add(self.real(played.saturating_sub(burst.content)))
            }
            None => self.real(played),
        };
        let due = start.checked_add(after).unwrap_or(start);
        // A sender that fell behind by more than this does not hurry to catch up.
        let late = now.saturating_duration_since(due).saturating_sub(MAX_LAG);
        let moved = start.checked_add(late).unwrap_or(start);
        self.origin = Some((moved, first));
        let due = due.checked_add(late).unwrap_or(due);
        self.latest = Some((due, time));
        due
    }

    /// Goes on from the latest packet, so many times as fast.
    pub(crate) fn change(&mut self, now: Instant, times: f64) {
        self.origin = self.latest.map(|(due, time)| {
            let passed = now.saturating_duration_since(due).min(MAX_LAG);
            let played = Duration::try_from_secs_f64(passed.as_secs_f64() * self.speed);
            let time = time.saturating_add(played.unwrap_or(Duration::MAX));
            (at_speed(now, due.max(now), times), time)
        });
        self.latest = self.origin;
        self.speed *= times;
        self.burst = None;
    }

    /// Times count from elsewhere: the next packet goes at once.
    pub(crate) fn turn(&mut self) {
        (self.origin, self.latest) = (None, None);
    }

    /// How long content of this length plays.
    fn real(&self, content: Duration) -> Duration {
        Duration::try_from_secs_f64(content.as_secs_f64() / self.speed).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
    fn now() -> Instant {
        Instant::now()
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn packets_go_when_they_are_due() {
        let start = now();
        for (speed, at) in [(1.0, 500), (2.0, 250), (0.5, 1000)] {
            let mut schedule = Schedule::new(speed, None);
            assert_eq!(schedule.due(start, ms(7_000), 100), start);
            assert_eq!(schedule.due(start, ms(7_500), 100), start + ms(at));
            // Times that run backwards are due at once.
            assert_eq!(schedule.due(start, ms(100), 100), start);
        }
    }

    #[test]
    fn a_burst_goes_at_its_own_rate() {
        // A second of content in packets of 1,000 bytes each 100 ms (80 kbit/s), at 800 kbit/s.
        let start = now();
        let burst = Burst { content: ms(1_000), rate: 800_000 };
        let mut schedule = Schedule::new(1.0, Some(burst));
        for packet in 0..10 {
            assert_eq!(schedule.due(start, ms(packet * 100), 1_000), start + ms(packet * 10));
        }
        for packet in 10..20 {
            let due = ms(100) + ms((packet - 10) * 100);
            assert_eq!(schedule.due(start, ms(packet * 100), 1_000), start + due);
        }
        // One that is slower than the content changes nothing.
        let mut schedule = Schedule::new(1.0, Some(Burst { content: ms(1_000), rate: 8_000 }));
        for packet in 0..20 {
            assert_eq!(schedule.due(start, ms(packet * 100), 1_000), start + ms(packet * 100));
        }
    }

    #[test]
    fn another_speed_goes_on_from_the_latest_packet() {
        let start = now();
        let mut schedule = Schedule::new(1.0, None);
        schedule.due(start, ms(0), 100);
        assert_eq!(schedule.due(start, ms(1_000), 100), start + ms(1_000));
        // Half a second is left of its pause.
        schedule.change(start + ms(500), 2.0);
        assert_eq!(schedule.due(start + ms(750), ms(2_000), 100), start + ms(1_250));
        // After a long stall five seconds at the old speed are hurried through, and no more.
        let late = start + ms(101_250);
        schedule.change(late, 0.5);
        assert_eq!(schedule.due(late, ms(12_000), 100), late);
        assert_eq!(schedule.due(late, ms(13_000), 100), late + ms(1_000));
        schedule.turn();
        assert_eq!(schedule.due(late, ms(0), 100), late);
    }

    #[test]
    fn a_long_stall_is_not_caught_up_with() {
        let start = now();
        let mut schedule = Schedule::new(1.0, None);
        schedule.due(start, ms(0), 100);
        let late = start + Duration::from_secs(100);
        assert_eq!(schedule.due(late, ms(1_000), 100), late - MAX_LAG);
        assert_eq!(schedule.due(late, ms(7_000), 100), late + ms(6_000) - MAX_LAG);
    }
}
