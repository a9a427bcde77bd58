//! What is sent of each stream, and what was sent of it last.

use super::{NoSuchStream, Selection};
use crate::{Payload, Stream, StreamKind};

/// The streams of a header, indexed by stream number.
#[derive(Debug, Clone)]
pub(super) struct Tracks(Vec<Option<Track>>);

#[derive(Debug, Clone)]
struct Track {
    selection: Selection,
    /// Most objects need the ones before them, back to the last key frame.
    video: bool,
    /// Objects since the last key frame are missing.
    broken: bool,
    /// The number of the object whose beginning was sent last, as long as it is the newest one.
    sending: Option<u32>,
    takes_over: Option<TakesOver>,
}

/// What a key frame leads to.
#[derive(Debug, Clone, Copy)]
struct TakesOver {
    from: u8,
    selection: Selection,
}

impl Tracks {
    pub(super) fn new(streams: &[Stream]) -> Self {
        let mut tracks = Vec::new();
        for stream in streams {
            let index = usize::from(stream.number);
            if tracks.len() <= index {
                tracks.resize(index.saturating_add(1), None);
            }
            if let Some(entry) = tracks.get_mut(index) {
                *entry = Some(Track {
                    selection: Selection::Full,
                    video: stream.kind == StreamKind::Video,
                    broken: false,
                    sending: None,
                    takes_over: None,
                });
            }
        }
        Self(tracks)
    }

    pub(super) fn selection(&self, stream: u8) -> Option<Selection> {
        let track = self.0.get(usize::from(stream))?.as_ref()?;
        Some(track.selection)
    }

    pub(super) fn select(&mut self, stream: u8, selection: Selection) -> Result<(), NoSuchStream> {
        let track = self.track(stream).ok_or(NoSuchStream { number: stream })?;
        track.selection = selection;
        track.takes_over = None;
        Ok(())
    }

    pub(super) fn switch(
        &mut self,
        from: u8,
        to: u8,
        selection: Selection,
    ) -> Result<(), NoSuchStream> {
        for number in [from, to] {
            self.track(number).ok_or(NoSuchStream { number })?;
        }
        // `from` may be about to replace a stream that still goes on.
        let replaced = self.track(from).and_then(|track| track.takes_over.take());
        let from = match replaced {
            Some(replaced) if self.selection(from) == Some(Selection::Off) => replaced.from,
            Some(replaced) => {
                self.end(replaced.from);
                from
            }
            None => from,
        };
        for track in self.0.iter_mut().flatten() {
            if track.takes_over.is_some_and(|takes_over| takes_over.from == from) {
                track.takes_over = None;
            }
        }
        if selection == Selection::Off {
            self.select(from, Selection::Off)?;
        }
        if from == to || self.selection(from) == Some(Selection::Off) {
            return self.select(to, selection);
        }
        if let Some(track) = self.track(to) {
            track.takes_over = Some(TakesOver { from, selection });
        }
        Ok(())
    }

    pub(super) fn seek(&mut self) {
        let mut over = Vec::new();
        for track in self.0.iter_mut().flatten() {
            track.broken = true;
            track.sending = None;
            if let Some(TakesOver { from, selection }) = track.takes_over.take() {
                track.selection = selection;
                over.push(from);
            }
        }
        for from in over {
            self.end(from);
        }
    }

    /// Whether the payload is sent; it counts as sent from then on.
    pub(super) fn keep(&mut self, payload: &Payload<'_>) -> bool {
        let Some(track) = self.track(payload.stream) else { return false };
        let number = Some(payload.object_number);
        if !payload.begins_object() {
            return track.sending == number;
        }
        let key = payload.key_frame || !track.video;
        let takes_over = if key { track.takes_over.take() } else { None };
        if let Some(takes_over) = takes_over {
            track.selection = takes_over.selection;
        }
        let sent = match track.selection {
            Selection::Full => key || !track.broken,
            Selection::KeyFrames => key,
            Selection::Off => false,
        };
        track.sending = if sent { number } else { None };
        track.broken = !sent;
        if let Some(takes_over) = takes_over {
            self.end(takes_over.from);
        }
        sent
    }

    /// Stops a stream that was replaced. An object that was begun is finished.
    fn end(&mut self, stream: u8) {
        if let Some(track) = self.track(stream) {
            track.selection = Selection::Off;
        }
    }

    fn track(&mut self, stream: u8) -> Option<&mut Track> {
        self.0.get_mut(usize::from(stream))?.as_mut()
    }
}
