//! The streams that are kept.

use crate::StreamSet;

/// Which streams are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams(StreamSet);

impl Streams {
    /// Those from 1 to 127 that `keep` says yes to.
    pub(super) fn new(keep: impl Fn(u8) -> bool) -> Self {
        Self((1..=127).filter(|&number| keep(number)).collect())
    }

    pub(super) fn contains(self, number: u8) -> bool {
        self.0.contains(number)
    }

    /// Whether what is about this stream goes. 0, which stands for the file as a whole, and numbers
    /// that no stream can have stay.
    pub(super) fn drop(self, number: u16) -> bool {
        u8::try_from(number)
            .is_ok_and(|number| (1..=127).contains(&number) && !self.contains(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_stream_has_are_neither_kept_nor_dropped() {
        let kept = Streams::new(|number| number != 2);
        assert!(kept.drop(2) && !kept.contains(2));
        for number in [1, 3, 127] {
            assert!(kept.contains(number) && !kept.drop(number.into()), "{number}");
        }
        for number in [0, 128, 258, u16::MAX] {
            assert!(!kept.drop(number), "{number}");
        }
        assert!(!kept.contains(0) && !kept.contains(128));
    }
}
