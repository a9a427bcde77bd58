//! What lay behind the packets, and what of it is still true.

mod keys;

use std::borrow::Borrow;

use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use self::keys::Keys;
use crate::index::is_index;
use crate::object::Object;
use crate::{Finalizer, Header, IndexObject, Limits, Payload, SimpleIndex, StreamKind, guid};

/// Objects behind the packets.
#[derive(Debug)]
pub(super) struct Behind {
    objects: Vec<(u64, Object)>,
    /// How many more objects, and how many more of their bytes, are kept.
    room: (usize, u64),
    keys: Keys,
    /// The packets are not the ones that an index was made for, or not where it says.
    differ: bool,
}

/// What becomes of the objects.
#[derive(Debug)]
pub(super) struct Tail {
    /// What the copy keeps: indexes that lead to its packets, and all that is no index.
    pub(super) kept: Vec<Object>,
    /// What it does not, with the places in the input.
    pub(super) left: Vec<(u64, Object)>,
    /// All of it as it was.
    pub(super) bytes: Bytes,
}

impl Behind {
    /// Behind the packets of a file with this header.
    pub(super) fn new(header: &Header, limits: &Limits) -> Self {
        Self {
            objects: Vec::new(),
            room: (limits.objects as usize, limits.index_bytes),
            keys: Keys::new(header, limits),
            differ: false,
        }
    }

    /// A packet follows, so what came before does not lie behind all of them.
    pub(super) fn packet(&mut self) {
        self.differ |= !self.objects.is_empty();
    }

    /// Notes what an index may lead to in packet `number` of the output, which is sent at `sent`
    /// milliseconds.
    #[inline]
    pub(super) fn watch<'a>(
        &mut self,
        number: u64,
        sent: u64,
        payloads: impl Iterator<Item: Borrow<Payload<'a>>>,
    ) {
        self.keys.packet(number, sent, payloads);
    }

    pub(super) fn packets_differ(&mut self) {
        self.differ = true;
    }

    /// Keeps an object. Fails with its size when there is no room for it.
    pub(super) fn object(&mut self, id: Uuid, offset: u64, bytes: Bytes) -> Result<(), u64> {
        let len = bytes.len() as u64;
        let (count, left) = self.room;
        let Some(room) = count.checked_sub(1).zip(left.checked_sub(len)) else {
            // What an index stands for depends on the ones in front of it.
            self.differ = true;
            return Err(len);
        };
        self.room = room;
        self.objects.push((offset, Object { id, offset: 0, bytes }));
        Ok(())
    }

    /// What the copy keeps.
    pub(super) fn tail(&mut self, recording: &Finalizer) -> Tail {
        let (header, packets) = (recording.header(), recording.packets());
        let objects = std::mem::take(&mut self.objects);
        let mut bytes = BytesMut::new();
        objects.iter().for_each(|(_, object)| bytes.extend_from_slice(&object.bytes));
        let indexes: Vec<_> = objects
            .iter()
            .filter(|(_, object)| is_index(object.id))
            .map(|(_, object)| IndexObject::parse(&object.bytes).ok())
            .collect();
        let fit = !self.differ
            && indexes.iter().all(|index| index.as_ref().is_some_and(|i| fits(i, header, packets)));
        let simple: Vec<&SimpleIndex> = indexes
            .iter()
            .flatten()
            .filter_map(|index| match index {
                IndexObject::Simple(index) => Some(index),
                _ => None,
            })
            .collect();
        let size = header.file().packet_size;
        let timely = fit
            && indexes.iter().flatten().all(|index| match index {
                IndexObject::Index(index) => self.keys.are_led_to_by(index, size),
                _ => true,
            });
        let whole = fit && covers(&simple, recording) && self.keys.are_led_to(&simple);
        let (kept, left): (Vec<_>, _) =
            objects.into_iter().partition(|(_, object)| match object.id {
                guid::SIMPLE_INDEX => whole,
                guid::INDEX => timely,
                id => !is_index(id) || fit,
            });
        let kept = kept.into_iter().map(|(_, object)| object).collect();
        Tail { kept, left, bytes: bytes.freeze() }
    }
}

/// Whether an index leads to packets only.
fn fits(index: &IndexObject, header: &Header, packets: u64) -> bool {
    let size = u64::from(header.file().packet_size);
    let inside = |target: u64| {
        target.checked_div(size).is_some_and(|packet| packet < packets)
            && target.checked_rem(size) == Some(0)
    };
    match index {
        IndexObject::Simple(index) => {
            index.entries().all(|entry| u64::from(entry.packet) < packets)
        }
        IndexObject::Index(index) => index.targets().all(inside),
        _ => true,
    }
}

/// Whether there is a Simple Index for each video stream, up to the end.
fn covers(indexes: &[&SimpleIndex], recording: &Finalizer) -> bool {
    let play_duration = recording.play_duration();
    let reaches = |index: &SimpleIndex| {
        let entries = u32::try_from(index.len()).unwrap_or(u32::MAX);
        let covered = index.interval().saturating_mul(entries.saturating_add(1));
        !index.is_empty() && covered >= play_duration
    };
    let videos =
        recording.header().streams().iter().filter(|s| s.kind == StreamKind::Video).count();
    indexes.iter().filter(|index| reaches(index)).count() >= videos
}
