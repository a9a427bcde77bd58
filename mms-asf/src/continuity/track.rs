//! The last presentation time of each stream.

use crate::clock::moved;
use crate::{Header, Payload, SendClock, StreamKind};

/// A stream whose presentation times are compared.
#[derive(Debug, Clone)]
pub(super) struct Track {
    pub(super) number: u8,
    /// The last presentation time, on the line.
    shown: Option<u32>,
}

/// The audio and video of a header, or all streams when it has neither: commands and pictures have
/// times of their own.
pub(super) fn tracks(header: &Header) -> Vec<Track> {
    let media = |kind| matches!(kind, StreamKind::Audio | StreamKind::Video);
    let streams = header.streams();
    let any = streams.iter().any(|stream| media(stream.kind));
    streams
        .iter()
        .filter(|stream| !any || media(stream.kind))
        .map(|stream| Track { number: stream.number, shown: None })
        .collect()
}

impl Track {
    /// Distance from the last presentation time to the payload's, in milliseconds.
    pub(super) fn step(&self, payload: &Payload<'_>, by: i64) -> Option<i64> {
        Some(SendClock::distance(self.shown?, moved(time(payload)?, by)))
    }

    #[inline]
    pub(super) fn note(&mut self, payload: &Payload<'_>, by: i64) {
        if let Some(time) = time(payload) {
            self.shown = Some(moved(time, by));
        }
    }
}

/// The presentation time, if the payload has one.
fn time(payload: &Payload<'_>) -> Option<u32> {
    let given = payload.compressed.is_some() || payload.object_size.is_some();
    given.then_some(payload.presentation_time)
}
