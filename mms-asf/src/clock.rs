//! Times of 32 bits, as packets carry them, extended to 64 bits. All that is known of their wrap is
//! here.

/// The longest time before its presentation that media is sent, in milliseconds: one hour. What is
/// farther ahead has presentation times that do not count from where send times do:
/// the `asfmux` element takes send times from the clock of the machine.
const MAX_LEAD: i64 = 3_600_000;
/// A first time this close to the wrap is before zero, in milliseconds: one minute. Some encoders
/// write send times down to minus the preroll.
const MAX_NEGATIVE: u32 = 60_000;
/// Times of 32 bits repeat after this many milliseconds.
pub(crate) const WRAP: i64 = 1 << 32;

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
    /// A clock whose last time was `time`.
    pub(crate) fn at(time: i64) -> Self {
        Self { last: Some(time) }
    }

    /// The last time on the line; `None` before the first one.
    pub(crate) fn last(&self) -> Option<i64> {
        self.last
    }

    /// A clock that takes the first time as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// A time that has no other before it, in milliseconds: one less than a minute before the wrap
    /// is negative, as 32 bits hold it.
    ///
    /// ```
    /// assert_eq!(mms_asf::SendClock::first(2_000), 2_000);
    /// assert_eq!(mms_asf::SendClock::first(0xFFFF_FFC6), -58);
    /// ```
    pub fn first(time: u32) -> i64 {
        let negative = time > u32::MAX - MAX_NEGATIVE;
        i64::from(time).saturating_sub(if negative { WRAP } else { 0 })
    }

    /// Distance from one time to another in milliseconds, the shorter way round: negative when `to`
    /// is the earlier one.
    ///
    /// ```
    /// assert_eq!(mms_asf::SendClock::distance(0xFFFF_FFF0, 16), 32);
    /// assert_eq!(mms_asf::SendClock::distance(16, 0xFFFF_FFF0), -32);
    /// ```
    #[inline]
    pub fn distance(from: u32, to: u32) -> i64 {
        i64::from(i32::from_le_bytes(to.wrapping_sub(from).to_le_bytes()))
    }

    /// The next packet's send time on the line.
    pub fn follow(&mut self, send_time: u32) -> i64 {
        let time = self.shown(send_time);
        self.last = Some(time);
        time
    }

    /// Where a presentation time of the packet that was followed last lies on the line.
    pub fn shown(&self, presentation_time: u32) -> i64 {
        self.last.map_or_else(
            || i64::from(presentation_time),
            |last| shown_near(last, presentation_time),
        )
    }
}

/// A presentation time on the line of the send time of its packet. Send times of more than 24.8
/// days with presentation times near zero look like media that is shown weeks later, as 32 bits do
/// not hold the difference: the earlier time is meant.
#[inline]
pub(crate) fn shown_near(sent: i64, presentation_time: u32) -> i64 {
    let time = near(sent, presentation_time);
    let earlier = time.saturating_sub(WRAP);
    if time.saturating_sub(sent) > MAX_LEAD && earlier >= 0 { earlier } else { time }
}

/// [`shown_near`] on the line of a file, which begins at zero: what was before counts as zero.
#[inline]
pub(crate) fn shown_in_file(sent: u64, presentation_time: u32) -> u64 {
    let time = near_in_file(sent, presentation_time);
    let ahead = time.saturating_sub(sent) > MAX_LEAD.unsigned_abs();
    time.checked_sub(WRAP.unsigned_abs()).filter(|_| ahead).unwrap_or(time)
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

/// A time of 32 bits, moved by a distance.
#[inline]
pub(crate) fn moved(time: u32, by: i64) -> u32 {
    let [a, b, c, d, ..] = i64::from(time).wrapping_add(by).to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// From a time on the line, given by its bytes, to the nearest that ends in these 32 bits.
#[inline]
fn distance(from: [u8; 8], time: u32) -> i64 {
    let [a, b, c, d, ..] = from;
    SendClock::distance(u32::from_le_bytes([a, b, c, d]), time)
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
    fn presentation_times_can_count_from_elsewhere() {
        for (sent, presentation, shown) in [
            (1_000, 4_000, 4_000),
            (3_600_000_000, 5_000, 5_000),
            (3_600_000_000, 3_600_005_000, 3_600_005_000),
            (WRAP + 3_600_000_000, 5_000, WRAP + 5_000),
            (1_000_000_000, 5_000, 5_000),
            // A wrap between the two, and media far ahead on the first lap.
            (WRAP - 1_000, 2_000, WRAP + 2_000),
            (WRAP + 100, 0xFFFF_FFFF, WRAP - 1),
            (0, 7_200_000, 7_200_000),
        ] {
            assert_eq!(shown_near(sent, presentation), shown, "{sent} {presentation}");
            assert_eq!(shown_in_file(sent.unsigned_abs(), presentation), shown.unsigned_abs());
        }
        assert_eq!(shown_near(5, 0xFFFF_FFF0), -16);
        assert_eq!(shown_in_file(5, 0xFFFF_FFF0), 0);
        let mut clock = SendClock::new();
        clock.follow(3_600_000_000);
        assert_eq!(clock.shown(5_000), 5_000);
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
