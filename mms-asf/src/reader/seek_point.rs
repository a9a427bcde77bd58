//! Places in a file, and what is looked for there.

use std::time::Duration;

/// Where reading starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeekPoint {
    /// The packet to start with, counted from 0.
    pub packet: u64,
    /// The media time at which the key frame in that packet is shown, on the clock of the time
    /// that was asked for; 0 for one that is shown within the preroll. `None` when the stream has
    /// no key frame at that time or before; the packet is the first one then.
    pub time: Option<Duration>,
    /// How it was found.
    pub method: SeekMethod,
}

/// How a place in a file is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SeekMethod {
    /// By the Simple Index of the stream.
    SimpleIndex,
    /// By the Index Object.
    Index,
    /// By bisection over send times, and from there backwards to a key frame.
    SendTimes,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) stream: u8,
    /// Only marked objects are key frames.
    pub(super) video: bool,
    /// The send time of the first packet: where 32-bit times are put on one line.
    pub(super) first: u32,
    /// What that time stands for on the line, in milliseconds.
    pub(super) base: u64,
    /// A presentation time in milliseconds.
    pub(super) shown: u64,
}

/// The packet of a key frame, and its presentation time in milliseconds.
pub(super) type Found = (u64, u64);

/// What an index says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) packet: u64,
    /// The presentation time in milliseconds that it stands for.
    pub(super) time: u64,
}

/// What a packet holds of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The presentation time of the last key frame that starts in time.
    pub(super) start: Option<u64>,
    /// A media object that starts too late, or everything in it was sent too late.
    pub(super) late: bool,
}
