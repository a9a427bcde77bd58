//! Which streams of a file a player gets, and how much of each.

use mms_asf::{Header, Selection, Selector, StreamKind};
use mms_proto::{Delivery, StreamSelection};

/// The streams of a file with what a player asked for.
#[derive(Debug, Clone)]
pub(super) struct Chosen(Vec<Stream>);

#[derive(Debug, Clone, Copy)]
struct Stream {
    number: u8,
    kind: Kind,
    delivery: Delivery,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Audio,
    Video,
    /// Commands, pictures: they have no time at which they must begin.
    Other,
}

impl Chosen {
    /// Nothing of any stream.
    pub(super) fn nothing(header: &Header) -> Self {
        let streams = header.streams().iter().map(|stream| Stream {
            number: stream.number,
            kind: match stream.kind {
                StreamKind::Audio => Kind::Audio,
                StreamKind::Video => Kind::Video,
                _ => Kind::Other,
            },
            delivery: Delivery::Off,
        });
        Self(streams.collect())
    }

    /// These, and nothing of the streams that are not named.
    pub(super) fn new(header: &Header, selections: &[StreamSelection]) -> Self {
        let mut chosen = Self::nothing(header);
        for selection in selections {
            chosen.apply(selection);
        }
        chosen
    }

    /// Changes one stream, if the file has it.
    pub(super) fn apply(&mut self, selection: &StreamSelection) {
        if !self.has(selection.stream.get()) {
            return;
        }
        let replaced = selection.replaces.map(StreamSelection::off);
        let plain = StreamSelection::new(selection.stream, selection.delivery);
        for entry in replaced.into_iter().chain([plain]) {
            let number = entry.stream.get();
            if let Some(stream) = self.0.iter_mut().find(|stream| stream.number == number) {
                stream.delivery = entry.delivery;
            }
        }
    }

    pub(super) fn has(&self, number: u8) -> bool {
        self.0.iter().any(|stream| stream.number == number)
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.wanted().next().is_none()
    }

    pub(super) fn is_everything(&self) -> bool {
        self.0.iter().all(|stream| stream.delivery == Delivery::Full)
    }

    /// The first video stream of which something is sent.
    pub(super) fn video(&self) -> Option<u8> {
        self.wanted().find(|stream| stream.kind == Kind::Video).map(|stream| stream.number)
    }

    /// The streams that must be decoded from a time on.
    pub(super) fn timed(&self, fast: bool) -> Vec<u8> {
        let timed = |stream: &&Stream| match stream.kind {
            Kind::Video => true,
            Kind::Audio => !fast,
            Kind::Other => false,
        };
        self.wanted().filter(timed).map(|stream| stream.number).collect()
    }

    /// What a selector is told of a stream: played fast, key frames of video and nothing else.
    pub(super) fn selection(&self, number: u8, delivery: Delivery, fast: bool) -> Selection {
        let video = |stream: &Stream| stream.number == number && stream.kind == Kind::Video;
        match delivery {
            Delivery::Off => Selection::Off,
            _ if fast && !self.0.iter().any(video) => Selection::Off,
            Delivery::Full if !fast => Selection::Full,
            Delivery::Full | Delivery::KeyFramesOnly => Selection::KeyFrames,
        }
    }

    /// A selector that sends this, from the first packet of the file on.
    pub(super) fn selector(&self, header: &Header, fast: bool) -> Selector {
        let mut selector = Selector::new(header);
        for stream in &self.0 {
            let selection = self.selection(stream.number, stream.delivery, fast);
            // It is a stream of this header.
            let _ = selector.select(stream.number, selection);
        }
        selector
    }

    fn wanted(&self) -> impl Iterator<Item = &Stream> {
        self.0.iter().filter(|stream| stream.delivery != Delivery::Off)
    }
}
