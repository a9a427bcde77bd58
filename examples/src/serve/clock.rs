//! Send times, 32 bits in packets, on a line that goes on for ever.

/// Follows send times, which wrap after 49.7 days: each one is taken near the one before it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// A send time on the line, in milliseconds.
    pub(super) fn follow(&mut self, time: u32) -> i64 {
        let time = self.last.map_or_else(|| i64::from(time), |last| near(last, time));
        self.last = Some(time);
        time
    }
}

/// The time that ends in these 32 bits and is nearest to `reference`, in milliseconds.
pub(super) fn near(reference: i64, time: u32) -> i64 {
    let [a, b, c, d, ..] = reference.to_le_bytes();
    let difference = time.wrapping_sub(u32::from_le_bytes([a, b, c, d]));
    reference.saturating_add(i64::from(i32::from_le_bytes(difference.to_le_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrap_is_no_step_back() {
        let mut clock = Clock::default();
        assert_eq!(clock.follow(0xFFFF_FFF0), 0xFFFF_FFF0);
        assert_eq!(clock.follow(16), 0x1_0000_0010);
        assert_eq!(clock.follow(6), 0x1_0000_0006);
    }

    #[test]
    fn times_are_near_their_reference() {
        assert_eq!(near(5, 0xFFFF_FFF0), -16);
        assert_eq!(near(0x1_0000_0005, 0xFFFF_FFF0), 0xFFFF_FFF0);
        assert_eq!(near(i64::MAX, 3), i64::MAX);
    }
}
