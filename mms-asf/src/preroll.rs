//! The preroll that a header declares, compared with the times at which media starts.

use std::time::Duration;

/// Media that starts this much before the preroll or less is near it, in milliseconds.
const MAX_BEFORE: u64 = 1_000;
/// Media that starts this much after the preroll or less is near it, in milliseconds: encoders wait
/// for a first picture.
const MAX_AFTER: u64 = 5_000;
/// The most by which the times between sending and presentation differ in objects that start a
/// stream, in milliseconds.
const MAX_LEADS_APART: u64 = 5_000;
/// Objects of a stream that are looked at.
const OBJECTS: usize = 3;

/// Times of the first media objects of a stream, in milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Starts {
    /// From sending to presentation, and the presentation.
    times: [(i64, u64); OBJECTS],
    count: usize,
}

impl Starts {
    /// Notes the presentation time of a media object that begins in a packet sent at `sent`, in the
    /// order of the file.
    #[inline]
    pub(crate) fn note(&mut self, sent: u64, time: u64) {
        if let Some(slot) = self.times.get_mut(self.count) {
            let lead = i128::from(time).saturating_sub(i128::from(sent));
            *slot = (i64::try_from(lead).unwrap_or(i64::MAX), time);
            self.count = self.count.saturating_add(1);
        }
    }

    /// The earliest of them. One whose packet is sent at a time that does not fit is damaged.
    pub(crate) fn earliest(&self) -> Option<u64> {
        let mut times = self.times;
        let times = times.get_mut(..self.count)?;
        times.sort_unstable();
        let (middle, _) = *times.get(self.count.checked_sub(1)? / 2)?;
        let usual = times.iter().filter(|(lead, _)| lead.abs_diff(middle) <= MAX_LEADS_APART);
        usual.map(|(_, time)| *time).min()
    }
}

/// The preroll of a file whose media starts at `start` milliseconds, when the declared one cannot
/// be true: media starts at the preroll in all files of encoders. It may be in another unit, or
/// have stayed when times were moved.
pub(crate) fn mended(declared: Duration, start: u64) -> Option<Duration> {
    let start = Duration::from_millis(start);
    let early = declared.saturating_sub(start) > Duration::from_millis(MAX_BEFORE);
    let late = start.saturating_sub(declared) > Duration::from_millis(MAX_AFTER);
    (early || late).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_object_counts_unless_it_is_far_away() {
        for (times, earliest) in [
            (&[][..], None),
            (&[3_000], Some(3_000)),
            (&[3_000, 3_400], Some(3_000)),
            (&[3_000, 3_120, 3_040, 0], Some(3_000)),
            (&[3_080, 3_000, 3_040], Some(3_000)),
            (&[9_000, 0, 9_040], Some(9_000)),
            (&[u64::MAX, 3_000, 3_040], Some(3_000)),
        ] {
            let mut starts = Starts::default();
            times.iter().for_each(|&time| starts.note(0, time));
            assert_eq!(starts.earliest(), earliest, "{times:?}");
        }
        // A pause after the first object.
        let mut starts = Starts::default();
        for sent in [0, 70_000, 71_000] {
            starts.note(sent, sent + 3_000);
        }
        assert_eq!(starts.earliest(), Some(3_000));
    }

    #[test]
    fn a_preroll_near_the_media_is_believed() {
        for (declared, start, wanted) in [
            (3_000, 3_000, None),
            (3_000, 2_000, None),
            (3_000, 1_999, Some(1_999)),
            (3_000, 8_000, None),
            (3_000, 8_001, Some(8_001)),
            (0, 5_000, None),
            (30_000_000, 3_000, Some(3_000)),
        ] {
            let found = mended(Duration::from_millis(declared), start);
            assert_eq!(found, wanted.map(Duration::from_millis), "{declared} {start}");
        }
    }
}
