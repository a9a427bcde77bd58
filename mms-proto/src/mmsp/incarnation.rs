//! `playIncarnation`: the labels that tie Data packets to the request that they answer.

use std::ops::RangeInclusive;

use super::message::STREAM_CHANGE_INCARNATION;

/// The label that together with an unlucky length would look like a control packet; it is never
/// used (MMSP-W-024).
const LOOKS_LIKE_A_HEADER: u8 = 0xCE;

/// The labels that a client uses for its requests, each range walked in a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incarnations {
    open: Option<u8>,
    header: RangeInclusive<u8>,
    play: RangeInclusive<u8>,
}

impl Incarnations {
    /// Labels from these ranges: `header` for `ReadBlock`, `play` for `OpenFile` and the play
    /// commands. `None` unless both lie between 1 and 0xFE and hold at least one label that may be
    /// used (0xCE may not).
    #[must_use]
    pub fn new(header: RangeInclusive<u8>, play: RangeInclusive<u8>) -> Option<Self> {
        let usable = |range: &RangeInclusive<u8>| {
            *range.start() >= 1
                && *range.end() < STREAM_CHANGE_INCARNATION
                && range.clone().any(|label| label != LOOKS_LIKE_A_HEADER)
        };
        (usable(&header) && usable(&play)).then_some(Self { open: None, header, play })
    }

    /// The labels that FFmpeg, libmms and VLC use: 1, 2, then 4 and up. Some home-made servers
    /// know no others (T51).
    #[must_use]
    pub fn of_old_players() -> Self {
        Self { open: Some(1), header: 2..=2, play: 4..=0xFE }
    }
}

impl Default for Incarnations {
    /// The ranges of the specification: 1 to 8 for headers, 9 to 0xFE for the rest.
    fn default() -> Self {
        Self { open: None, header: 1..=8, play: 9..=0xFE }
    }
}

/// Hands out labels.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    ranges: Incarnations,
    header: u8,
    play: u8,
}

impl Counters {
    pub(crate) fn new(ranges: Incarnations) -> Self {
        let (header, play) = (*ranges.header.start(), *ranges.play.start());
        Self { header: usable(header, &ranges.header), play: usable(play, &ranges.play), ranges }
    }

    pub(crate) fn open(&mut self) -> u8 {
        match self.ranges.open {
            Some(label) => label,
            None => self.play(),
        }
    }

    pub(crate) fn header(&mut self) -> u8 {
        let label = self.header;
        self.header = usable(label.wrapping_add(1), &self.ranges.header);
        label
    }

    pub(crate) fn play(&mut self) -> u8 {
        let label = self.play;
        self.play = usable(label.wrapping_add(1), &self.ranges.play);
        label
    }
}

/// The first usable label of the range from `label` on, in a circle.
fn usable(label: u8, range: &RangeInclusive<u8>) -> u8 {
    let label = if range.contains(&label) { label } else { *range.start() };
    if label != LOOKS_LIKE_A_HEADER {
        return label;
    }
    let next = label.wrapping_add(1);
    if range.contains(&next) { next } else { *range.start() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_labels_walk_from_1_to_8() {
        // MMSP-C-043
        let mut counters = Counters::new(Incarnations::default());
        let labels: Vec<u8> = (0..9).map(|_| counters.header()).collect();
        assert_eq!(labels, [1, 2, 3, 4, 5, 6, 7, 8, 1]);
    }

    #[test]
    fn play_labels_walk_from_9_to_fe_without_ce() {
        // MMSP-C-064, MMSP-W-024
        let mut counters = Counters::new(Incarnations::default());
        let labels: Vec<u8> = (0..246).map(|_| counters.play()).collect();
        let expected: Vec<u8> = (9..=0xFE).filter(|&label| label != 0xCE).chain([9]).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn ranges_that_cannot_work_do_not_exist() {
        for (header, play) in [(0..=8, 9..=20), (1..=8, 9..=0xFF), (0xCE..=0xCE, 9..=20)] {
            assert_eq!(Incarnations::new(header, play), None);
        }
        #[expect(clippy::reversed_empty_ranges, reason = "this is what is refused")]
        let reversed = Incarnations::new(8..=1, 9..=20);
        assert_eq!(reversed, None);
        let mut narrow = Counters::new(Incarnations::new(0xCD..=0xCE, 3..=3).unwrap());
        assert_eq!([narrow.header(), narrow.header()], [0xCD, 0xCD]);
        assert_eq!([narrow.play(), narrow.open()], [3, 3]);
        let mut old = Counters::new(Incarnations::of_old_players());
        assert_eq!([old.open(), old.header(), old.play(), old.play()], [1, 2, 4, 5]);
    }
}
