//! What is known about one stream while it is written.

use super::Sample;
use crate::time::to_millis;
use crate::{Stream, StreamKind};

/// A longer distance between two objects of a stream is a pause, not an object's duration.
const LONGEST_OBJECT: u64 = 2_000;

/// All times in milliseconds.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) number: u8,
    /// The number of the next media object.
    pub(super) next: u8,
    /// What its payloads took so far, in bytes.
    pub(super) bytes: u64,
    /// The size of its largest media object, in bytes.
    pub(super) largest: u32,
    /// Objects have a duration: audio and video do, commands and pictures happen.
    lasts: bool,
    per_frame: Option<u64>,
    /// The rate of an audio stream.
    bytes_per_second: Option<u64>,
    /// The time of the last object, and its distance to the one before.
    last: Option<u64>,
    distance: u64,
}

impl Track {
    pub(super) fn new(stream: &Stream) -> Self {
        let video = stream.kind == StreamKind::Video;
        Self {
            number: stream.number,
            next: 0,
            bytes: 0,
            largest: 0,
            lasts: video || stream.kind == StreamKind::Audio,
            per_frame: stream
                .time_per_frame
                .map(to_millis)
                // Encoders leave garbage in this field of audio streams.
                .filter(|&time| video && time <= LONGEST_OBJECT),
            bytes_per_second: stream.audio().map(|audio| u64::from(audio.avg_bytes)),
            last: None,
            distance: 0,
        }
    }

    /// Notes an object and tells how long it lasts.
    pub(super) fn object(&mut self, sample: &Sample, time: u64) -> u64 {
        if let Some(last) = self.last {
            self.distance = time.saturating_sub(last);
        }
        self.last = Some(time);
        if let Some(duration) = sample.duration {
            return to_millis(duration);
        }
        if !self.lasts {
            return 0;
        }
        let size = sample.data.len() as u64;
        let played = self
            .bytes_per_second
            .and_then(|rate| size.saturating_mul(1_000).checked_div(rate))
            .filter(|&duration| duration <= LONGEST_OBJECT);
        let distance = Some(self.distance).filter(|&distance| distance <= LONGEST_OBJECT);
        self.per_frame.or(played).or(distance).unwrap_or(0)
    }
}
