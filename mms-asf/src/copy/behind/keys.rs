//! Where key frames begin, to find out whether an index that is there leads to them.

use std::borrow::Borrow;

use crate::clock::shown_in_file;
use crate::{Header, Index, KeyFrames, Limits, Payload, SimpleIndex, StreamKind};

/// The key frames of all video streams.
#[derive(Debug)]
pub(super) struct Keys {
    /// Video streams by number, as Simple Indexes follow each other.
    videos: Vec<(u8, KeyFrames)>,
    /// How many more may be kept; `None` when there were too many.
    room: Option<u32>,
}

impl Keys {
    pub(super) fn new(header: &Header, limits: &Limits) -> Self {
        let videos = header.streams().iter().filter(|stream| stream.kind == StreamKind::Video);
        let mut videos: Vec<_> =
            videos.map(|stream| (stream.number, KeyFrames::default())).collect();
        videos.sort_unstable_by_key(|(number, _)| *number);
        Self { videos, room: Some(limits.index_entries) }
    }

    /// Notes the key frames of packet `number`, which is sent at `sent` milliseconds.
    #[inline]
    pub(super) fn packet<'a>(
        &mut self,
        number: u64,
        sent: u64,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>>,
    ) {
        if self.videos.is_empty() || self.room.is_none() {
            return;
        }
        for payload in payloads {
            let payload = payload.borrow();
            if !payload.key_frame || !payload.begins_object() {
                continue;
            }
            let video = self.videos.iter_mut().find(|(stream, _)| *stream == payload.stream);
            let Some((_, frames)) = video else { continue };
            let before = frames.packets();
            frames.note(number, shown_in_file(sent, payload.presentation_time));
            if frames.packets() != before {
                self.room = self.room.and_then(|room| room.checked_sub(1));
            }
        }
    }

    /// Whether an Index Object leads to the key frames of the video streams that it has.
    pub(super) fn are_led_to_by(&self, index: &Index, packet_size: u32) -> bool {
        self.room.is_some()
            && self
                .videos
                .iter()
                .all(|(stream, frames)| frames.led_astray_by(index, *stream, packet_size) == 0)
    }

    /// Whether the indexes lead to the key frames of their streams.
    pub(super) fn are_led_to(&self, indexes: &[&SimpleIndex]) -> bool {
        self.room.is_some()
            && self
                .videos
                .iter()
                .zip(indexes)
                .all(|((_, frames), index)| frames.led_astray(index) == 0)
    }
}
