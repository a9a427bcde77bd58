//! Where key frames begin, to find out whether an index that is there leads to them.

use crate::{Header, Limits, Payload, SimpleIndex, StreamKind};

/// The packets in which key frames begin.
#[derive(Debug)]
pub(super) struct Keys {
    /// Video streams by number, as Simple Indexes follow each other, with their packets in order.
    videos: Vec<(u8, Vec<u32>)>,
    /// How many more may be kept; `None` when there were too many.
    room: Option<u32>,
}

impl Keys {
    pub(super) fn new(header: &Header, limits: &Limits) -> Self {
        let videos = header.streams().iter().filter(|stream| stream.kind == StreamKind::Video);
        let mut videos: Vec<_> = videos.map(|stream| (stream.number, Vec::new())).collect();
        videos.sort_unstable_by_key(|(number, _)| *number);
        Self { videos, room: Some(limits.index_entries) }
    }

    #[inline]
    pub(super) fn packet<'a>(&mut self, number: u64, payloads: impl Iterator<Item = Payload<'a>>) {
        if self.videos.is_empty() || self.room.is_none() {
            return;
        }
        // An index has no more than 32 bits for a packet number.
        let Ok(number) = u32::try_from(number) else { return };
        for payload in payloads.filter(|p| p.key_frame && p.begins_object()) {
            let video = self.videos.iter_mut().find(|(stream, _)| *stream == payload.stream);
            let Some((_, packets)) = video else { continue };
            if packets.last() != Some(&number) {
                self.room = self.room.and_then(|room| room.checked_sub(1));
                packets.push(number);
            }
        }
    }

    /// Whether the indexes lead to key frames of their streams; in front of the first one, to the
    /// start of the file.
    pub(super) fn are_led_to(&self, indexes: &[&SimpleIndex]) -> bool {
        self.room.is_some()
            && self.videos.iter().zip(indexes).all(|((_, packets), index)| {
                let mut found = false;
                index.entries().all(|entry| {
                    let key = packets.binary_search(&entry.packet).is_ok();
                    found |= key;
                    key || (!found && entry.packet == 0)
                })
            })
    }
}
