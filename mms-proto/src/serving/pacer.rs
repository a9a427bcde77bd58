//! When the next packet may go: bit rate and turns.
//!
//! A turn ends with a `Wait`, so that a driver looks at its socket now and then however much
//! there is to send: a player that stops or seeks is heard.

use std::time::Instant;

use super::rate::{Burst, MAX_LAG, at_speed, transmission_time};

/// Bytes of one turn.
const TURN: usize = 256 << 10;
#[derive(Debug)]
pub(crate) struct Pacer {
    /// Bits per second; `None` for full speed.
    rate: Option<u32>,
    /// When the next packet is due.
    due: Instant,
    turn: usize,
    burst: Option<ByteBurst>,
}

/// The beginning of what goes at a higher rate.
#[derive(Debug)]
struct ByteBurst {
    rate: u32,
    left: usize,
}

impl Pacer {
    /// A pacer that lets the first packet go at once. A rate of zero is full speed.
    pub(crate) fn new(now: Instant, rate: Option<u32>) -> Self {
        Self { rate: rate.filter(|&rate| rate > 0), due: now, turn: TURN, burst: None }
    }

    /// So much content goes at a higher rate first.
    pub(crate) fn with_burst(mut self, burst: Option<Burst>) -> Self {
        let Some((rate, burst)) = self.rate.zip(burst) else { return self };
        if burst.rate > rate {
            let bytes = burst.content.as_millis().saturating_mul(rate.into()) / 8000;
            let left = usize::try_from(bytes).unwrap_or(usize::MAX);
            self.burst = Some(ByteBurst { rate: burst.rate, left });
        }
        self
    }

    /// Goes on at another rate, so many times as fast: what is left of a pause is shorter or longer.
    /// A rate of zero is full speed.
    pub(crate) fn change(&mut self, now: Instant, rate: Option<u32>, times: f64) {
        self.rate = rate.filter(|&rate| rate > 0);
        self.due = at_speed(now, self.due, times);
        self.burst = None;
    }

    /// Nothing was due before this moment.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.due = now;
    }

    /// False when it is time to look at the socket.
    pub(crate) fn has_turn(&self) -> bool {
        self.turn > 0
    }

    /// Counts what was sent at a time that somebody else decided.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.turn = self.turn.saturating_sub(bytes);
    }

    /// Input arrived or time passed: another turn.
    pub(crate) fn new_turn(&mut self) {
        self.turn = TURN;
    }

    /// Bytes that may be sent now; zero for none.
    pub(crate) fn room(&self, now: Instant) -> usize {
        let Some(rate) = self.rate else {
            return self.turn;
        };
        if self.due > now {
            return 0;
        }
        let late = now.saturating_duration_since(self.due).min(MAX_LAG);
        let bytes = late.as_millis().saturating_mul(rate.into()) / 8000;
        usize::try_from(bytes).unwrap_or(usize::MAX).saturating_add(1).min(self.turn)
    }

    /// When to look again, if nothing may be sent now.
    pub(crate) fn deadline(&self, now: Instant) -> Instant {
        self.due.max(now)
    }

    /// Counts what was sent.
    pub(crate) fn sent(&mut self, now: Instant, bytes: usize) {
        self.took(bytes);
        let Some(rate) = self.rate else { return };
        let rate = match &mut self.burst {
            Some(burst) if burst.left > 0 => {
                burst.left = burst.left.saturating_sub(bytes);
                burst.rate
            }
            _ => rate,
        };
        let earliest = now.checked_sub(MAX_LAG).unwrap_or(now);
        let from = self.due.max(earliest);
        self.due = from.checked_add(transmission_time(bytes, rate)).unwrap_or(from);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn full_speed_takes_turns() {
        let start = now();
        for rate in [None, Some(0)] {
            let mut pacer = Pacer::new(start, rate);
            assert_eq!(pacer.room(start), TURN);
            pacer.sent(start, TURN - 1);
            assert_eq!(pacer.room(start), 1);
            pacer.sent(start, 1440);
            assert_eq!(pacer.room(start), 0);
            assert_eq!(pacer.deadline(start), start);
            pacer.new_turn();
            assert_eq!(pacer.room(start), TURN);
        }
    }

    #[test]
    fn a_bit_rate_is_kept() {
        let start = now();
        let mut pacer = Pacer::new(start, Some(80_000));
        let mut sent = 0;
        for millisecond in 0..=10_000 {
            let now = start + Duration::from_millis(millisecond);
            pacer.new_turn();
            while pacer.room(now) > 0 {
                pacer.sent(now, 1000);
                sent += 1000;
            }
            assert!(pacer.deadline(now) > now);
        }
        // Ten seconds at 10,000 bytes, and the packet that goes at the very beginning.
        assert_eq!(sent, 101_000);
    }

    #[test]
    fn a_burst_goes_at_its_own_rate() {
        let start = now();
        let burst = Burst { content: Duration::from_secs(1), rate: 800_000 };
        let mut pacer = Pacer::new(start, Some(80_000)).with_burst(Some(burst));
        let mut sent = 0;
        for millisecond in 0..1_000 {
            let now = start + Duration::from_millis(millisecond);
            pacer.new_turn();
            while pacer.room(now) > 0 {
                pacer.sent(now, 1_000);
                sent += 1_000;
            }
        }
        // 10,000 bytes in a tenth of a second, then the same each second.
        assert_eq!(sent, 19_000);
        // A burst that is no faster is none.
        let slow = Burst { content: Duration::from_secs(1), rate: 80_000 };
        assert!(Pacer::new(start, Some(80_000)).with_burst(Some(slow)).burst.is_none());
    }

    #[test]
    fn a_long_stall_is_not_caught_up_with() {
        let start = now();
        let mut pacer = Pacer::new(start, Some(8_000));
        let late = start + Duration::from_secs(100);
        let mut sent = 0;
        while pacer.room(late) > 0 {
            pacer.sent(late, 100);
            sent += 100;
        }
        assert_eq!(sent, 5_100);
    }
}
