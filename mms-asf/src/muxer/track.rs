//! What is known about one stream while it is written.

use super::Sample;
use crate::Stream;
use crate::lasting::{Lasting, Neighbours};
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
    neighbours: Neighbours,
    /// The highest end of the objects that say how long they last.
    known_end: Option<u64>,
}

impl Track {
    pub(super) fn new(stream: &Stream) -> Self {
        Self {
            number: stream.number,
            next: 0,
            bytes: 0,
            largest: 0,
            lasting: Lasting::new(stream),
            neighbours: Neighbours::default(),
            known_end: None,
        }
    }

    /// Notes an object and tells when it ends, as far as the objects before it tell.
    pub(super) fn object(&mut self, sample: &Sample, time: u64) -> u64 {
        let told = sample.duration.map(to_millis);
        let duration = told.or_else(|| self.lasting.guess(sample.data.len() as u64));
        self.neighbours.note(time, duration);
        self.known_end = self.known_end.max(duration.map(|duration| time.saturating_add(duration)));
        time.saturating_add(duration.unwrap_or_else(|| self.neighbours.duration()))
    }

    /// When the last object ends, if there is one.
    pub(super) fn end(&self) -> Option<u64> {
        self.known_end.max(self.neighbours.end())
    }
}
