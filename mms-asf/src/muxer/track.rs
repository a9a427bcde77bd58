//! What is known about one stream while it is written.

use super::Sample;
use crate::Stream;
use crate::lasting::Lasting;
use crate::time::to_millis;

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
    lasting: Lasting,
    /// The time of the last object, and its distance to the one before.
    last: Option<u64>,
    distance: u64,
}

impl Track {
    pub(super) fn new(stream: &Stream) -> Self {
        Self {
            number: stream.number,
            next: 0,
            bytes: 0,
            largest: 0,
            lasting: Lasting::new(stream),
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
        match sample.duration {
            Some(duration) => to_millis(duration),
            None => self.lasting.guess(sample.data.len() as u64, self.distance),
        }
    }
}
