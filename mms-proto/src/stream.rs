//! Which streams of a file a player gets, and how much of each.

use std::fmt;
use std::num::NonZeroU8;

/// Number of a stream inside an ASF file: 1 to 127.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamNumber(NonZeroU8);

impl StreamNumber {
    /// The number, if it is between 1 and 127.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match NonZeroU8::new(number) {
            Some(valid) if number <= 127 => Some(Self(valid)),
            _ => None,
        }
    }

    /// The number as an integer, 1 to 127.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0.get()
    }
}

impl fmt::Debug for StreamNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

impl fmt::Display for StreamNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.get(), f)
    }
}

/// How much of a stream is delivered.
#[doc(alias = "wThinningLevel")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Everything.
    Full,
    /// Key frames only.
    KeyFramesOnly,
    /// Nothing.
    Off,
}

/// One stream and what shall become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StreamSelection {
    /// The stream meant.
    pub stream: StreamNumber,
    /// How much of it to deliver.
    pub delivery: Delivery,
    /// The stream that it takes the place of, which goes on until the new one has a key frame.
    pub replaces: Option<StreamNumber>,
}

impl StreamSelection {
    /// This stream, delivered like this.
    #[must_use]
    pub const fn new(stream: StreamNumber, delivery: Delivery) -> Self {
        Self { stream, delivery, replaces: None }
    }

    /// The whole stream.
    #[must_use]
    pub const fn full(stream: StreamNumber) -> Self {
        Self::new(stream, Delivery::Full)
    }

    /// Nothing of the stream.
    #[must_use]
    pub const fn off(stream: StreamNumber) -> Self {
        Self::new(stream, Delivery::Off)
    }

    /// The whole stream `new` from its next key frame on, until then `old`.
    #[must_use]
    pub const fn replace(old: StreamNumber, new: StreamNumber) -> Self {
        Self { stream: new, delivery: Delivery::Full, replaces: Some(old) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_the_range_cannot_be_built() {
        assert_eq!(StreamNumber::new(0), None);
        assert_eq!(StreamNumber::new(128), None);
        assert_eq!(StreamNumber::new(127).map(StreamNumber::get), Some(127));
    }
}
