//! When packets go: quanta, and the time that a packet is due, by sizes or by times.
//!
//! A quantum ends with a `Wait`, so that a driver looks at its socket now and then however much
//! there is to send: a player that stops or seeks is heard.

use std::time::{Duration, Instant};

use super::rate::{Burst, MAX_LAG, at_speed, transmission_time};

/// Bytes of one quantum.
const QUANTUM: usize = 256 << 10;

/// The pace of one flow of packets.
#[derive(Debug)]
pub(crate) struct Pacing {
    /// Bytes until the socket is looked at.
    quantum: usize,
    /// Bits per second, 0 where unknown; `None` for full speed.
    rate: Option<u32>,
    /// Seconds of content in one second, above 0.
    speed: f64,
    burst: Option<Burst>,
    /// Moment from which on packets are asked for; by sizes it is that of the next packet.
    due: Instant,
    basis: Basis,
}

/// What tells when the next packet is due. Only one of them does.
#[derive(Debug)]
enum Basis {
    /// Sizes of the packets before it.
    Sizes {
        /// Bytes that still belong to the burst.
        burst_left: usize,
        /// The clock of packets that told their times before: it goes on with the next of them.
        timeline: Option<Timeline>,
    },
    /// Its time on the clock of the content.
    Times(Timeline),
}

/// Times on the clock of the content, and the moments that they stand for.
#[derive(Debug, Clone, Copy)]
struct Timeline {
    /// The first packet's moment and time.
    origin: (Instant, Duration),
    /// The latest packet's.
    latest: (Instant, Duration),
    /// Duration of sending what belongs to the burst so far.
    took: Duration,
}

impl Pacing {
    /// Lets the first packet go at once. `rate` in bits per second, 0 where unknown; `None` for
    /// full speed.
    pub(crate) fn new(now: Instant, rate: Option<u32>) -> Self {
        let basis = Basis::Sizes { burst_left: 0, timeline: None };
        Self { quantum: QUANTUM, rate, speed: 1.0, burst: None, due: now, basis }
    }

    /// Speed of packets that tell their times: seconds of content in one second, above 0.
    pub(crate) fn with_speed(mut self, speed: f64) -> Self {
        self.speed = speed;
        self
    }

    /// Content that goes at another rate first.
    pub(crate) fn with_burst(mut self, burst: Option<Burst>) -> Self {
        self.burst = burst;
        if let (Some(burst), Some(rate)) = (burst, self.known_rate()) {
            if burst.rate > rate {
                let bytes = burst.content.as_millis().saturating_mul(rate.into()) / 8000;
                let burst_left = usize::try_from(bytes).unwrap_or(usize::MAX);
                self.basis = Basis::Sizes { burst_left, timeline: None };
            }
        }
        self
    }

    /// Goes on at another rate, `times` as fast: what is left of a pause is shorter or longer.
    pub(crate) fn change(&mut self, now: Instant, rate: Option<u32>, times: f64) {
        self.rate = rate;
        self.burst = None;
        let timeline = match &mut self.basis {
            Basis::Sizes { burst_left, timeline } => {
                *burst_left = 0;
                self.due = at_speed(now, self.due, times);
                timeline.as_mut()
            }
            Basis::Times(timeline) => Some(timeline),
        };
        if let Some(timeline) = timeline {
            let (due, time) = timeline.latest;
            let passed = now.saturating_duration_since(due).min(MAX_LAG);
            let played = Duration::try_from_secs_f64(passed.as_secs_f64() * self.speed);
            let time = time.saturating_add(played.unwrap_or(Duration::MAX));
            timeline.latest = (at_speed(now, due.max(now), times), time);
            timeline.origin = timeline.latest;
        }
        self.speed *= times;
    }

    /// Times count from elsewhere: the next packet goes at once.
    pub(crate) fn restart(&mut self) {
        match &mut self.basis {
            Basis::Sizes { timeline, .. } => *timeline = None,
            Basis::Times(_) => self.basis = Basis::Sizes { burst_left: 0, timeline: None },
        }
    }

    /// Nothing was due before this moment.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.due = now;
    }

    /// False when it is time to look at the socket.
    pub(crate) fn has_quantum(&self) -> bool {
        self.quantum > 0
    }

    /// Counts bytes that went whatever the pace.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) {
        self.quantum = self.quantum.saturating_sub(bytes);
    }

    /// Input arrived or time passed: another quantum.
    pub(crate) fn new_quantum(&mut self) {
        self.quantum = QUANTUM;
    }

    /// Bytes that may be sent now; zero for none.
    #[inline]
    pub(crate) fn room(&self, now: Instant) -> usize {
        let Some(rate) = self.known_rate() else {
            return self.quantum;
        };
        if self.due > now {
            return 0;
        }
        let late = now.saturating_duration_since(self.due).min(MAX_LAG);
        let bytes = late.as_millis().saturating_mul(rate.into()) / 8000;
        usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(1).min(self.quantum)
    }

    /// When to look again, if nothing may be sent now.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        self.due.max(now)
    }

    /// Counts a packet of this size: the next one is due when its bytes have gone at the rate.
    #[inline]
    pub(crate) fn sent(&mut self, now: Instant, bytes: usize) {
        self.charge(bytes);
        if let Some(rate) = self.known_rate() {
            self.sent_at(now, bytes, rate);
        }
    }

    fn sent_at(&mut self, now: Instant, bytes: usize, rate: u32) {
        let rate = match (&mut self.basis, self.burst) {
            (Basis::Sizes { burst_left, .. }, Some(burst)) if *burst_left > 0 => {
                *burst_left = burst_left.saturating_sub(bytes);
                burst.rate
            }
            (Basis::Sizes { .. }, _) => rate,
            (Basis::Times(timeline), _) => {
                self.due = self.due.max(timeline.latest.0);
                self.basis = Basis::Sizes { burst_left: 0, timeline: Some(*timeline) };
                rate
            }
        };
        let from = self.due.checked_add(excessive_lag(now, self.due)).unwrap_or(self.due);
        self.due = from.checked_add(transmission_time(bytes, rate)).unwrap_or(from);
    }

    /// Counts a packet of this size whose turn is at `time` of the content. Returns when it goes.
    #[inline]
    pub(crate) fn due(&mut self, now: Instant, time: Duration, bytes: usize) -> Instant {
        self.charge(bytes);
        if self.rate.is_none() {
            return now;
        }
        if let Basis::Sizes { timeline, .. } = self.basis {
            let (origin, took) = ((now, time), Duration::ZERO);
            let begun = Timeline { origin, latest: origin, took };
            self.basis = Basis::Times(timeline.unwrap_or(begun));
        }
        match &mut self.basis {
            Basis::Times(timeline) => timeline.due(now, time, bytes, self.speed, self.burst),
            Basis::Sizes { .. } => now,
        }
    }

    /// Bits per second, where there is a pace and the rate is known.
    #[inline]
    fn known_rate(&self) -> Option<u32> {
        self.rate.filter(|&rate| rate > 0)
    }
}

impl Timeline {
    /// When a packet of this size goes whose turn is at `time`.
    fn due(
        &mut self,
        now: Instant,
        time: Duration,
        bytes: usize,
        speed: f64,
        burst: Option<Burst>,
    ) -> Instant {
        let (start, first) = self.origin;
        let played = time.saturating_sub(first);
        let after = match burst {
            Some(burst) if played < burst.content => {
                // A rate that was promised too low delays nothing.
                let after = self.took.min(wall_time(played, speed));
                self.took = self.took.saturating_add(transmission_time(bytes, burst.rate));
                after
            }
            Some(burst) => {
                let begun = self.took.min(wall_time(burst.content, speed));
                begun.saturating_add(wall_time(played.saturating_sub(burst.content), speed))
            }
            None => wall_time(played, speed),
        };
        let due = start.checked_add(after).unwrap_or(start);
        let lag = excessive_lag(now, due);
        self.origin.0 = start.checked_add(lag).unwrap_or(start);
        let due = due.checked_add(lag).unwrap_or(due);
        self.latest = (due, time);
        due
    }
}

/// Duration of playing content of this length at this many seconds of content in one second.
fn wall_time(content: Duration, speed: f64) -> Duration {
    Duration::try_from_secs_f64(content.as_secs_f64() / speed).unwrap_or(Duration::MAX)
}

/// Time by which a due packet is later than a sender catches up with.
fn excessive_lag(now: Instant, due: Instant) -> Duration {
    now.saturating_duration_since(due).saturating_sub(MAX_LAG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
    fn now() -> Instant {
        Instant::now()
    }

    mod by_sizes {
        use super::*;

        #[test]
        fn full_speed_takes_turns() {
            let start = now();
            for rate in [None, Some(0)] {
                let mut pacing = Pacing::new(start, rate);
                assert_eq!(pacing.room(start), QUANTUM);
                pacing.sent(start, QUANTUM - 1);
                assert_eq!(pacing.room(start), 1);
                pacing.sent(start, 1440);
                assert_eq!(pacing.room(start), 0);
                assert_eq!(pacing.deadline(start), start);
                pacing.new_quantum();
                assert_eq!(pacing.room(start), QUANTUM);
            }
        }

        #[test]
        fn a_bit_rate_is_kept() {
            let start = now();
            let mut pacing = Pacing::new(start, Some(80_000));
            let mut sent = 0;
            for millisecond in 0..=10_000 {
                let now = start + Duration::from_millis(millisecond);
                pacing.new_quantum();
                while pacing.room(now) > 0 {
                    pacing.sent(now, 1000);
                    sent += 1000;
                }
                assert!(pacing.deadline(now) > now);
            }
            // Ten seconds at 10,000 bytes, and the packet that goes at the very beginning.
            assert_eq!(sent, 101_000);
        }

        #[test]
        fn a_burst_goes_at_its_own_rate() {
            let start = now();
            let burst = Burst { content: Duration::from_secs(1), rate: 800_000 };
            let mut pacing = Pacing::new(start, Some(80_000)).with_burst(Some(burst));
            let mut sent = 0;
            for millisecond in 0..1_000 {
                let now = start + Duration::from_millis(millisecond);
                pacing.new_quantum();
                while pacing.room(now) > 0 {
                    pacing.sent(now, 1_000);
                    sent += 1_000;
                }
            }
            // 10,000 bytes in a tenth of a second, then the same each second.
            assert_eq!(sent, 19_000);
            // A burst that is no faster is none.
            let slow = Burst { content: Duration::from_secs(1), rate: 80_000 };
            let pacing = Pacing::new(start, Some(80_000)).with_burst(Some(slow));
            assert!(matches!(pacing.basis, Basis::Sizes { burst_left: 0, .. }));
        }

        #[test]
        fn a_long_stall_is_not_caught_up_with() {
            let start = now();
            let mut pacing = Pacing::new(start, Some(8_000));
            let late = start + Duration::from_secs(100);
            let mut sent = 0;
            while pacing.room(late) > 0 {
                pacing.sent(late, 100);
                sent += 100;
            }
            assert_eq!(sent, 5_100);
        }
    }

    mod by_times {
        use super::*;

        #[test]
        fn a_packet_without_a_time_grants_no_second_burst() {
            let start = now();
            let burst = Burst { content: Duration::from_secs(1), rate: 800_000 };
            let mut pacing = Pacing::new(start, Some(80_000)).with_burst(Some(burst));
            let mut last = start;
            // A hundred seconds of content, every tenth packet without its time.
            for number in 0..1_000_u32 {
                if number % 10 == 9 {
                    pacing.sent(last, 1_000);
                } else {
                    let time = Duration::from_millis(u64::from(number) * 100);
                    last = last.max(pacing.due(last, time, 1_000));
                }
            }
            assert!(last > start + Duration::from_secs(95), "{:?}", last - start);
        }

        fn ms(milliseconds: u64) -> Duration {
            Duration::from_millis(milliseconds)
        }

        fn by_times(start: Instant, speed: f64, burst: Option<Burst>) -> Pacing {
            Pacing::new(start, Some(0)).with_speed(speed).with_burst(burst)
        }

        #[test]
        fn packets_go_when_they_are_due() {
            let start = now();
            for (speed, at) in [(1.0, 500), (2.0, 250), (0.5, 1000)] {
                let mut pacing = by_times(start, speed, None);
                assert_eq!(pacing.due(start, ms(7_000), 100), start);
                assert_eq!(pacing.due(start, ms(7_500), 100), start + ms(at));
                // Times that run backwards are due at once.
                assert_eq!(pacing.due(start, ms(100), 100), start);
            }
        }

        #[test]
        fn a_burst_goes_at_its_own_rate() {
            // A second of content in packets of 1,000 bytes each 100 ms (80 kbit/s), at 800 kbit/s.
            let start = now();
            let burst = Burst { content: ms(1_000), rate: 800_000 };
            let mut pacing = by_times(start, 1.0, Some(burst));
            for packet in 0..10 {
                assert_eq!(pacing.due(start, ms(packet * 100), 1_000), start + ms(packet * 10));
            }
            for packet in 10..20 {
                let due = ms(100) + ms((packet - 10) * 100);
                assert_eq!(pacing.due(start, ms(packet * 100), 1_000), start + due);
            }
            // One that is slower than the content changes nothing.
            let mut pacing = by_times(start, 1.0, Some(Burst { content: ms(1_000), rate: 8_000 }));
            for packet in 0..20 {
                assert_eq!(pacing.due(start, ms(packet * 100), 1_000), start + ms(packet * 100));
            }
        }

        #[test]
        fn another_speed_goes_on_from_the_latest_packet() {
            let start = now();
            let mut pacing = by_times(start, 1.0, None);
            pacing.due(start, ms(0), 100);
            assert_eq!(pacing.due(start, ms(1_000), 100), start + ms(1_000));
            // Half a second is left of its pause.
            pacing.change(start + ms(500), Some(0), 2.0);
            assert_eq!(pacing.due(start + ms(750), ms(2_000), 100), start + ms(1_250));
            // After a long stall five seconds at the old speed are hurried through, and no more.
            let late = start + ms(101_250);
            pacing.change(late, Some(0), 0.5);
            assert_eq!(pacing.due(late, ms(12_000), 100), late);
            assert_eq!(pacing.due(late, ms(13_000), 100), late + ms(1_000));
            pacing.restart();
            assert_eq!(pacing.due(late, ms(0), 100), late);
        }

        #[test]
        fn a_long_stall_is_not_caught_up_with() {
            let start = now();
            let mut pacing = by_times(start, 1.0, None);
            pacing.due(start, ms(0), 100);
            let late = start + Duration::from_secs(100);
            assert_eq!(pacing.due(late, ms(1_000), 100), late - MAX_LAG);
            assert_eq!(pacing.due(late, ms(7_000), 100), late + ms(6_000) - MAX_LAG);
        }
    }

    #[test]
    fn one_basis_at_a_time() {
        let start = now();
        let second = Duration::from_secs(1);
        let mut pacing = Pacing::new(start, Some(8_000));
        pacing.sent(start, 1_000);
        assert_eq!(pacing.deadline(start), start + second);
        // Times take over, from the first packet that has one.
        assert_eq!(pacing.due(start + second, 7 * second, 1_000), start + second);
        assert_eq!(pacing.due(start + second, 9 * second, 1_000), start + 3 * second);
        // Sizes again: the next packet follows the latest one.
        pacing.sent(start + 3 * second, 1_000);
        assert_eq!(pacing.deadline(start), start + 4 * second);
    }
}
