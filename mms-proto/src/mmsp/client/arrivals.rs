//! Counts of what arrives of a stream, and the quality of its reception.

use std::time::{Duration, Instant};

/// Over how long reception is measured, `dwMinArrivalsQuality` of MS-MMSP 2.2.1.2.
const WINDOW: Duration = Duration::from_secs(30);

/// Packets of one play command, or of one entry that came without one.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// Number of packets that the server announced.
    pub(super) announced: Option<u64>,
    /// Delivered packets.
    pub(super) packets: u64,
    pub(super) first: Option<u32>,
    pub(super) last: Option<u32>,
    pub(super) rejected: u64,
    window: Option<Window>,
    /// The lowest percentage of the windows that are over.
    lowest: Option<u32>,
    /// How much media the application has played, where it says so.
    pub(super) played: Option<Duration>,
    /// How things stood before the latest packet: when the one before came, and how long the next
    /// was waited for.
    pub(super) before: Option<(Instant, Option<Instant>)>,
}

/// Packets of half a minute.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    packets: u64,
    rejected: u64,
}

impl Window {
    /// The packets that could be used, in percent.
    fn quality(self) -> Option<u32> {
        let usable = self.packets.saturating_sub(self.rejected);
        let percent = usable.saturating_mul(100).checked_div(self.packets)?;
        Some(u32::try_from(percent).unwrap_or(100))
    }
}

impl Arrivals {
    /// Nothing of so many packets yet.
    pub(super) fn new(announced: Option<u64>) -> Self {
        Self { announced, ..Self::default() }
    }

    /// Counts a packet that is delivered.
    #[inline]
    pub(super) fn packet(&mut self, now: Instant, number: u32) {
        self.packets = self.packets.saturating_add(1);
        self.first = self.first.or(Some(number));
        self.last = Some(number);
        self.before = None;
        match &mut self.window {
            Some(window) if now.saturating_duration_since(window.since) < WINDOW => {
                window.packets = window.packets.saturating_add(1);
            }
            window => {
                let over = window.replace(Window { since: now, packets: 1, rejected: 0 });
                self.lowest = lower(self.lowest, over);
            }
        }
    }

    /// The lowest percentage of usable packets in any half minute; 0 when none came.
    pub(super) fn quality(&self) -> u32 {
        lower(self.lowest, self.window).unwrap_or(0)
    }

    /// Packets from the first to the latest, those included that were left out between them.
    pub(super) fn span(&self) -> Option<u64> {
        let distance = u64::from(self.last?.abs_diff(self.first?));
        Some(distance.saturating_add(1))
    }

    /// Packets that were delivered and could not be used.
    pub(super) fn rejected(&self) -> u64 {
        self.rejected
    }

    pub(super) fn reject(&mut self) {
        self.rejected = self.rejected.saturating_add(1);
        if let Some(window) = &mut self.window {
            window.rejected = window.rejected.saturating_add(1);
        }
    }
}

fn lower(lowest: Option<u32>, window: Option<Window>) -> Option<u32> {
    lowest.into_iter().chain(window.and_then(Window::quality)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_is_that_of_the_worst_half_minute() {
        #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut arrivals = Arrivals::default();
        assert_eq!(arrivals.quality(), 0, "nothing came");
        for second in 0..4 {
            arrivals.packet(at(second), 0);
        }
        assert_eq!(arrivals.quality(), 100);
        arrivals.reject();
        assert_eq!(arrivals.quality(), 75);
        // Thirty seconds from the first packet on, to the nanosecond.
        arrivals.packet(at(30) - Duration::from_nanos(1), 0);
        assert_eq!(arrivals.quality(), 80);
        for second in 30..130 {
            arrivals.packet(at(second), 0);
        }
        assert_eq!(arrivals.quality(), 80, "the worst, not the latest");
        arrivals.packet(at(200), 0);
        arrivals.reject();
        assert_eq!(arrivals.quality(), 0);
    }

    #[test]
    fn a_span_counts_both_ways() {
        #[expect(clippy::disallowed_methods, reason = "a test may look at a clock")]
        let now = Instant::now();
        for (numbers, span) in
            [(&[][..], None), (&[7], Some(1)), (&[3, 9], Some(7)), (&[9, 3], Some(7))]
        {
            let mut arrivals = Arrivals::default();
            for number in numbers {
                arrivals.packet(now, *number);
            }
            assert_eq!(arrivals.span(), span, "{numbers:?}");
        }
    }
}
