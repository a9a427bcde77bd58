//! What to play: from where, until where, how fast, which streams.

use std::fmt;
use std::time::Duration;

use crate::stream::{StreamNumber, StreamSelection};

/// Everything that one play command says.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PlayRequest {
    /// Every stream of the file with what to deliver of it. A server sends nothing of a stream
    /// that is not named.
    pub streams: Vec<StreamSelection>,
    /// Where to begin.
    pub start: Start,
    /// Where to end; `None` plays to the end.
    pub stop: Option<Stop>,
    /// Speed and direction.
    pub rate: Rate,
    /// A start faster than real time; sent to servers of version 9 and later only.
    pub accel: Option<Accel>,
}

impl PlayRequest {
    /// All of these streams, from the beginning to the end, at normal speed.
    pub fn all(streams: impl IntoIterator<Item = StreamNumber>) -> Self {
        Self::select(streams.into_iter().map(StreamSelection::full))
    }

    /// These selections, from the beginning to the end, at normal speed.
    pub fn select(streams: impl IntoIterator<Item = StreamSelection>) -> Self {
        Self {
            streams: streams.into_iter().collect(),
            start: Start::Beginning,
            stop: None,
            rate: Rate::NORMAL,
            accel: None,
        }
    }

    /// Where to begin.
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// Where to end.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// How fast, and in which direction.
    #[must_use]
    pub fn rate(mut self, rate: Rate) -> Self {
        self.rate = rate;
        self
    }

    /// Asks for a start faster than real time.
    #[must_use]
    pub fn accel(mut self, accel: Accel) -> Self {
        self.accel = Some(accel);
        self
    }
}

/// Where playing begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// The first packet; in a live stream, now.
    #[default]
    Beginning,
    /// This time from the beginning of the content, preroll not included.
    #[doc(alias = "position")]
    Time(Duration),
    /// The packet at this byte of the ASF file, header included.
    #[doc(alias = "asfOffset")]
    ByteOffset(u64),
    /// The packet with this number, from 0.
    #[doc(alias = "locationId")]
    Packet(Position),
}

impl Start {
    /// The packet with this number; `None` for the one number that the wire cannot carry.
    #[must_use]
    pub fn packet(number: u32) -> Option<Self> {
        Position::new(number).map(Self::Packet)
    }
}

/// A packet number: any `u32` but `0xFFFFFFFF`, which means "not used".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u32);

impl Position {
    /// The position, unless it is `0xFFFFFFFF`.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        if value == u32::MAX { None } else { Some(Self(value)) }
    }

    /// The position as an integer.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Where playing ends: 1 to 2,147,483,647 milliseconds.
#[doc(alias = "frameOffset")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop {
    milliseconds: u32,
    relative: bool,
}

impl Stop {
    /// At this time of the content; `None` when it is zero or out of range.
    #[must_use]
    pub fn at(time: Duration) -> Option<Self> {
        Self::new(time, false)
    }

    /// This long after the start; `None` when it is zero or out of range.
    #[must_use]
    pub fn after(time: Duration) -> Option<Self> {
        Self::new(time, true)
    }

    /// The time meant.
    #[must_use]
    pub fn time(self) -> Duration {
        Duration::from_millis(self.milliseconds.into())
    }

    /// True when it counts from the start position, false when from the start of the content.
    #[must_use]
    pub fn is_relative(self) -> bool {
        self.relative
    }

    fn new(time: Duration, relative: bool) -> Option<Self> {
        let milliseconds = u32::try_from(time.as_millis()).ok()?;
        (1..=0x7FFF_FFFF).contains(&milliseconds).then_some(Self { milliseconds, relative })
    }
}

/// Speed and direction: −5 to 5, not 0. One is normal speed; anything else is trick play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate(f64);

impl Rate {
    /// Normal speed, forwards.
    pub const NORMAL: Self = Self(1.0);

    /// The rate, if it is between −5 and 5 and not 0.
    #[must_use]
    pub fn new(rate: f64) -> Option<Self> {
        (rate != 0.0 && (-5.0..=5.0).contains(&rate)).then_some(Self(rate))
    }

    /// The rate as a number.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// True at normal speed.
    #[must_use]
    pub fn is_normal(self) -> bool {
        self == Self::NORMAL
    }
}

/// A start faster than real time ("Fast Start").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accel {
    /// Bits per second that the client can take while it fills its buffer.
    #[doc(alias = "dwAccelBandwidth")]
    pub bandwidth: u32,
    /// Milliseconds of content to send at that rate.
    #[doc(alias = "dwAccelDuration")]
    pub duration: u32,
    /// Bits per second of the client's link, where known.
    #[doc(alias = "dwLinkBandwidth")]
    pub link_bandwidth: Option<u32>,
}

impl Accel {
    /// So many bits per second for so many milliseconds of content.
    #[must_use]
    pub const fn new(bandwidth: u32, duration: u32) -> Self {
        Self { bandwidth, duration, link_bandwidth: None }
    }

    /// Bits per second of the client's link; `None` when unknown.
    #[must_use]
    pub fn with_link_bandwidth(mut self, bits_per_second: impl Into<Option<u32>>) -> Self {
        self.link_bandwidth = bits_per_second.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_outside_the_range_cannot_be_built() {
        // MMSP-C-070
        for bad in [0.0, -0.0, 5.1, -5.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Rate::new(bad), None, "{bad}");
        }
        for good in [-5.0, -0.5, 0.1, 1.0, 5.0] {
            assert_eq!(Rate::new(good).map(Rate::get), Some(good));
        }
    }

    #[test]
    fn stop_positions() {
        let ms = Duration::from_millis;
        assert_eq!(Stop::at(Duration::ZERO), None);
        assert_eq!(Stop::at(ms(0x8000_0000)), None);
        assert_eq!(Stop::after(ms(0x7FFF_FFFF)).map(Stop::time), Some(ms(0x7FFF_FFFF)));
        assert!(Stop::after(ms(1)).is_some_and(Stop::is_relative));
    }

    #[test]
    fn the_unused_mark_is_no_position() {
        assert_eq!(Start::packet(u32::MAX), None);
        assert!(Start::packet(0).is_some());
    }
}
