//! What lay behind the packets, and what of it is still true.

use bytes::Bytes;
use uuid::Uuid;

use super::report::Report;
use crate::object::Object;
use crate::{Header, IndexObject, SimpleIndex, StreamKind, guid};

/// The most objects that are kept; files have one for each video stream and a few more.
const MOST: usize = 256;

/// Objects behind the packets.
#[derive(Debug, Default)]
pub(super) struct Behind {
    objects: Vec<(u64, Object)>,
    /// The packets are not the ones that an index was made for, or not where it says.
    differ: bool,
}

impl Behind {
    /// A packet follows, so what came before does not lie behind all of them.
    pub(super) fn packet(&mut self) {
        self.differ |= !self.objects.is_empty();
    }

    pub(super) fn packets_differ(&mut self) {
        self.differ = true;
    }

    pub(super) fn object(&mut self, id: Uuid, offset: u64, bytes: Bytes) {
        if self.objects.len() < MOST {
            self.objects.push((offset, Object { id, offset: 0, bytes }));
        }
    }

    /// What the copy keeps: indexes that lead to its packets, and all that is no index.
    pub(super) fn kept(
        &mut self,
        header: &Header,
        packets: u64,
        report: &mut Report,
    ) -> Vec<Object> {
        let objects = std::mem::take(&mut self.objects);
        let indexes: Vec<_> = objects
            .iter()
            .filter(|(_, object)| is_index(object.id))
            .map(|(_, object)| IndexObject::parse(&object.bytes).ok())
            .collect();
        let fit = !self.differ
            && indexes.iter().all(|index| index.as_ref().is_some_and(|i| fits(i, header, packets)));
        let whole = fit && covers(&indexes, header);
        objects
            .into_iter()
            .filter(|(offset, object)| {
                let kept = match object.id {
                    guid::SIMPLE_INDEX => whole,
                    id => !is_index(id) || fit,
                };
                if !kept {
                    report.object_left_out(object.id, *offset, object.bytes.len() as u64);
                }
                kept
            })
            .map(|(_, object)| object)
            .collect()
    }
}

fn is_index(id: Uuid) -> bool {
    [guid::SIMPLE_INDEX, guid::INDEX, guid::MEDIA_OBJECT_INDEX, guid::TIMECODE_INDEX].contains(&id)
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
        IndexObject::Index(index) => {
            let columns = index.specifiers().count();
            (0..index.len())
                .all(|row| (0..columns).filter_map(|column| index.target(column, row)).all(inside))
        }
        _ => true,
    }
}

/// Whether there is a Simple Index for each video stream, up to the end.
fn covers(indexes: &[Option<IndexObject>], header: &Header) -> bool {
    let reaches = |index: &SimpleIndex| {
        let entries = u32::try_from(index.len()).unwrap_or(u32::MAX);
        let covered = index.interval().saturating_mul(entries.saturating_add(1));
        !index.is_empty() && covered >= header.file().play_duration
    };
    let videos = header.streams().iter().filter(|s| s.kind == StreamKind::Video).count();
    let covering = indexes.iter().flatten().filter(|index| match index {
        IndexObject::Simple(index) => reaches(index),
        _ => false,
    });
    covering.count() >= videos
}
