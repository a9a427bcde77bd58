//! How long media objects last, which packets hardly ever say.

use crate::time::to_millis;
use crate::{Stream, StreamKind};

/// A longer distance between two objects of a stream is a pause, not an object's duration.
const LONGEST_OBJECT: u64 = 2_000;

/// What a stream's declaration tells about the durations of its media objects. All in milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Lasting {
    /// Objects have a duration: audio and video do, commands and pictures happen.
    lasts: bool,
    per_frame: Option<u64>,
    /// The rate of an audio stream.
    bytes_per_second: Option<u64>,
}

impl Lasting {
    pub(crate) fn new(stream: &Stream) -> Self {
        let video = stream.kind == StreamKind::Video;
        Self {
            lasts: video || stream.kind == StreamKind::Audio,
            per_frame: stream
                .time_per_frame
                .map(to_millis)
                // Encoders leave garbage in this field of audio streams.
                .filter(|&time| video && time <= LONGEST_OBJECT),
            bytes_per_second: stream.audio().map(|audio| u64::from(audio.avg_bytes)),
        }
    }

    /// Whether the stream's objects last at all.
    pub(crate) fn lasts(&self) -> bool {
        self.lasts
    }

    /// How long an object of so many bytes lasts that comes `distance` behind the one before.
    #[inline]
    pub(crate) fn guess(&self, size: u64, distance: u64) -> u64 {
        if !self.lasts {
            return 0;
        }
        // Audio objects of one stream differ much in length; the rate knows better.
        let played = || {
            self.bytes_per_second
                .and_then(|rate| size.saturating_mul(1_000).checked_div(rate))
                .filter(|&duration| duration <= LONGEST_OBJECT)
        };
        let distance = Some(distance).filter(|&distance| distance <= LONGEST_OBJECT);
        self.per_frame.or_else(played).or(distance).unwrap_or(0)
    }
}
