//! Times of 32 bits, as packets carry them, on a line that goes on for ever.

/// Follows the send times of packets, which wrap after 49.7 days: each one is taken near the one
/// before it. Times are milliseconds; a time before zero is possible on the line, not in a packet.
///
/// ```
/// let mut clock = mms_asf::SendClock::new();
/// assert_eq!(clock.follow(0xFFFF_FFF0), 0xFFFF_FFF0);
/// assert_eq!(clock.follow(16), 0x1_0000_0010);
/// assert_eq!(clock.shown(3_016), 0x1_0000_0BC8);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SendClock {
    last: Option<i64>,
}

impl SendClock {
    /// A clock that takes the first time as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next packet's send time on the line.
    pub fn follow(&mut self, send_time: u32) -> i64 {
        let time = self.shown(send_time);
        self.last = Some(time);
        time
    }

    /// Where a presentation time of the packet that was followed last lies on the line.
    pub fn shown(&self, presentation_time: u32) -> i64 {
        self.last.map_or_else(|| i64::from(presentation_time), |last| near(last, presentation_time))
    }
}

/// The time that ends in these 32 bits and is nearest to `reference`.
pub(crate) fn near(reference: i64, time: u32) -> i64 {
    reference.saturating_add(distance(reference.to_le_bytes(), time))
}

/// [`near`] on the line of a file, which begins at zero: what was before counts as zero.
#[inline]
pub(crate) fn near_in_file(reference: u64, time: u32) -> u64 {
    reference.saturating_add_signed(distance(reference.to_le_bytes(), time))
}

/// Distance from one time of 32 bits to another, the shorter way round.
#[inline]
pub(crate) fn step(from: u32, to: u32) -> i64 {
    i64::from(i32::from_le_bytes(to.wrapping_sub(from).to_le_bytes()))
}

/// From a time on the line, given by its bytes, to the nearest that ends in these 32 bits.
#[inline]
fn distance(from: [u8; 8], time: u32) -> i64 {
    let [a, b, c, d, ..] = from;
    step(u32::from_le_bytes([a, b, c, d]), time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrap_is_no_step_back() {
        let mut clock = SendClock::new();
        assert_eq!(clock.follow(0xFFFF_FFF0), 0xFFFF_FFF0);
        assert_eq!(clock.follow(16), 0x1_0000_0010);
        assert_eq!(clock.follow(6), 0x1_0000_0006);
        assert_eq!(clock.shown(0xFFFF_FFFF), 0xFFFF_FFFF);
    }

    #[test]
    fn times_are_taken_near_the_reference() {
        assert_eq!(near(0xFFFF_FFF0, 5), 0x1_0000_0005);
        assert_eq!(near(0x1_0000_0005, 0xFFFF_FFF0), 0xFFFF_FFF0);
        assert_eq!(near(5, 0xFFFF_FFF0), -16);
        assert_eq!(near(-16, 5), 5);
        assert_eq!(near(1000, 900), 900);
        assert_eq!(near(i64::MAX, 3), i64::MAX);
    }

    #[test]
    fn times_in_a_file_wrap_forward_and_backward() {
        assert_eq!(near_in_file(0xFFFF_FFF0, 5), 0x1_0000_0005);
        assert_eq!(near_in_file(0x1_0000_0005, 0xFFFF_FFF0), 0xFFFF_FFF0);
        assert_eq!(near_in_file(1000, 900), 900);
        assert_eq!(near_in_file(5, 0xFFFF_FFF0), 0, "before zero");
        assert_eq!(near_in_file(u64::MAX, 5), u64::MAX);
    }
}
