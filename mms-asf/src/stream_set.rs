//! Sets of streams.

/// Streams of a file by their numbers, 0 to 127; no other number is ever in it.
///
/// ```
/// use mms_asf::StreamSet;
///
/// let chosen: StreamSet = [1, 3].into_iter().collect();
/// assert!(chosen.contains(3) && !chosen.contains(2));
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct StreamSet(u128);

impl StreamSet {
    /// No stream.
    pub const EMPTY: Self = Self(0);
    /// Every stream that a file can have.
    pub const ALL: Self = Self(u128::MAX);

    /// This stream alone.
    #[inline]
    #[must_use]
    pub fn of(stream: u8) -> Self {
        Self(1_u128.checked_shl(stream.into()).unwrap_or(0))
    }

    /// Whether no stream is in the set.
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this stream is in the set.
    #[inline]
    #[must_use]
    pub fn contains(self, stream: u8) -> bool {
        self.0 & Self::of(stream).0 != 0
    }

    /// Whether each stream of the other set is in this one.
    #[inline]
    #[must_use]
    pub fn contains_all(self, other: Self) -> bool {
        other.without(self).is_empty()
    }

    /// Adds a stream. Returns whether it is new.
    #[inline]
    pub fn insert(&mut self, stream: u8) -> bool {
        let before = self.0;
        self.0 |= Self::of(stream).0;
        self.0 != before
    }

    /// Takes a stream out.
    #[inline]
    pub fn remove(&mut self, stream: u8) {
        self.0 &= !Self::of(stream).0;
    }

    /// The streams of both sets.
    #[inline]
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The streams of either set.
    #[inline]
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The streams that are not in the other set.
    #[inline]
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl FromIterator<u8> for StreamSet {
    fn from_iter<I: IntoIterator<Item = u8>>(streams: I) -> Self {
        streams.into_iter().fold(Self::EMPTY, |all, stream| all.or(Self::of(stream)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_stream_has_are_in_no_set() {
        for number in [128, 255] {
            assert_eq!(StreamSet::of(number), StreamSet::EMPTY);
            assert!(!StreamSet::ALL.contains(number), "{number}");
            assert!(!StreamSet::default().insert(number), "{number}");
        }
        assert!(StreamSet::ALL.contains(0) && StreamSet::ALL.contains(127));
    }

    #[test]
    fn sets() {
        let mut set: StreamSet = [1, 2, 127].into_iter().collect();
        assert!(!set.insert(2) && set.insert(3));
        set.remove(127);
        assert_eq!(set, [3, 2, 1].into_iter().collect());
        let other: StreamSet = [2, 5].into_iter().collect();
        assert_eq!(set.and(other), StreamSet::of(2));
        assert_eq!(set.without(other), [1, 3].into_iter().collect());
        assert_eq!(set.or(other), [1, 2, 3, 5].into_iter().collect());
        assert!(set.contains_all(StreamSet::of(3)) && !set.contains_all(other));
        assert!(set.contains_all(StreamSet::EMPTY));
    }
}
