//! What a copy found and changed.

use std::time::Duration;

use uuid::Uuid;

use super::Change;
use crate::offsets::{at, data};
use crate::{Cause, Deviation, Finalizer, Header, Restart, Shift};

/// The most changes that are listed one by one; more damage is counted.
const MOST: usize = 1_000;
/// How many of them are about the header and the indexes.
const RESERVED: usize = 50;

/// A repaired file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Repaired {
    /// How many packets it has.
    pub packets: u64,
    /// Its size in bytes.
    pub file_size: u64,
    /// How long its media lasts.
    pub media_duration: Duration,
    /// Players can seek in it.
    pub seekable: bool,
    /// Bytes of the input that are not in it: damage, packets that were cut, old indexes.
    pub left_out: u64,
    /// Those of them that were where packets should be and are not zero: media that is lost.
    pub lost: u64,
    /// Size of all its packets in bytes.
    pub packet_bytes: u64,
    /// What differs from the input, at most 1000 entries. Empty for a file that was whole.
    pub changes: Vec<Change>,
    /// Where in the input the header of another stream lies, in bytes, at which the file ends.
    pub next: Option<u64>,
}

/// Gathers the changes.
#[derive(Debug)]
pub(super) struct Report {
    found: Header,
    changes: Vec<Change>,
    left_out: u64,
    /// Bytes of media among them.
    lost: u64,
    /// Packets that got their padding back, and the bytes of it.
    padded: (u64, u64),
    /// Packets that got a head without packet length.
    lengths: u64,
    pub(super) next: Option<u64>,
}

impl Report {
    /// For an input with this header.
    pub(super) fn new(found: &Header) -> Self {
        // The number of packets is told when it is known.
        let told_later = |d: &&Deviation| matches!(d, Deviation::DataPacketCount { .. });
        let told = found.deviations().iter().filter(|d| !told_later(d));
        let changes = told.cloned().map(Change::Header);
        let changes = changes.take(MOST.saturating_sub(RESERVED)).collect();
        Self {
            found: found.clone(),
            changes,
            left_out: 0,
            lost: 0,
            padded: (0, 0),
            lengths: 0,
            next: None,
        }
    }

    /// Something that the parser put right already.
    pub(super) fn header(&mut self, deviation: Deviation) {
        self.note(Change::Header(deviation));
    }

    pub(super) fn damage(&mut self, offset: u64, bytes: &[u8], cause: Cause) {
        let len = bytes.len() as u64;
        self.left_out = self.left_out.saturating_add(len);
        if matches!(cause, Cause::Packet(_) | Cause::Lost | Cause::Partial) {
            self.media_lost(bytes);
        }
        // Long damage comes in pieces.
        if let Some(Change::Damage { offset: start, len: before, cause: same }) =
            self.changes.last_mut()
        {
            let (end, packet) = (start.saturating_add(*before), matches!(cause, Cause::Packet(_)));
            if end == offset && *same == cause && !packet {
                *before = before.saturating_add(len);
                return;
            }
        }
        self.note(Change::Damage { offset, len, cause });
    }

    /// Counts media that is lost. Zeros are none: programs that download files allocate all of them
    /// at the start.
    fn media_lost(&mut self, bytes: &[u8]) {
        let lost = bytes.iter().filter(|&&byte| byte != 0).count();
        self.lost = self.lost.saturating_add(lost as u64);
    }

    pub(super) fn restarted(&mut self, offset: u64, restart: Restart) {
        self.note(Change::Restarted { offset, restart });
    }

    pub(super) fn repeated(&mut self, offset: u64, len: u64) {
        self.left_out = self.left_out.saturating_add(len);
        self.note(Change::Repeated { offset, len });
    }

    pub(super) fn cut(&mut self, offset: u64, bytes: &[u8]) {
        let len = bytes.len() as u64;
        self.left_out = self.left_out.saturating_add(len);
        self.media_lost(bytes);
        self.note(Change::Cut { offset, len });
    }

    /// The whole payloads in the first `len` bytes of a packet are kept, what follows them is damage.
    pub(super) fn kept(&mut self, offset: u64, len: u64) {
        self.note(Change::Kept { offset, len });
    }

    pub(super) fn filled(&mut self, offset: u64, missing: u64, rest: &[u8]) {
        let lost = rest.len() as u64;
        self.left_out = self.left_out.saturating_add(lost);
        self.media_lost(rest);
        self.note(Change::Filled { offset, missing, lost });
    }

    /// A packet got its normal form; `missing` is the number of bytes that it lacked.
    pub(super) fn normalised(&mut self, missing: u64) {
        if missing == 0 {
            self.lengths = self.lengths.saturating_add(1);
        } else {
            let (packets, bytes) = self.padded;
            self.padded = (packets.saturating_add(1), bytes.saturating_add(missing));
        }
    }

    pub(super) fn object_left_out(&mut self, id: Uuid, offset: u64, len: u64) {
        self.left_out = self.left_out.saturating_add(len);
        self.note(Change::ObjectLeftOut { id, offset });
    }

    /// The last word. `made` indexes are those that were not in the input.
    pub(super) fn finish(
        mut self,
        recording: &Finalizer,
        header: &Header,
        file_size: u64,
        made: u64,
        shift: Shift,
    ) -> Repaired {
        let (before, after) = (self.found.file().clone(), header.file());
        if let (packets @ 1.., missing) = self.padded {
            self.last(Change::Padded { packets, missing });
        }
        if let packets @ 1.. = self.lengths {
            self.last(Change::PacketLengths { packets });
        }
        if before.broadcast() {
            self.last(Change::Broadcast);
        }
        if before.packet_count != after.packet_count {
            let (declared, found) = (before.packet_count, after.packet_count);
            self.last(Change::PacketCount { declared, found });
        }
        if before.preroll != after.preroll {
            let (declared, start) = (before.preroll, after.preroll);
            self.last(Change::Header(Deviation::Preroll { declared, start }));
        }
        if before.play_duration != after.play_duration {
            let (declared, found) = (before.play_duration, after.play_duration);
            self.last(Change::PlayDuration { declared, found });
        }
        if before.send_duration != after.send_duration {
            let (declared, found) = (before.send_duration, after.send_duration);
            self.last(Change::SendDuration { declared, found });
        }
        if before.packet_count == after.packet_count && data_head(&self.found) != data_head(header)
        {
            let (declared, found) = (self.found.data_size(), header.data_size());
            self.last(Change::DataObject { declared, found });
        }
        if before.file_size != file_size {
            self.last(Change::FileSize { declared: before.file_size, found: file_size });
        }
        if shift != Shift::default() {
            self.last(Change::Rebased(shift));
        }
        if made > 0 {
            self.last(Change::IndexMade(made));
        }
        if after.seekable() && !before.seekable() {
            self.last(Change::Seekable);
        }
        for id in blanked(recording.header(), header) {
            self.last(Change::Blanked { id });
        }
        Repaired {
            packets: recording.packets(),
            file_size,
            media_duration: recording.media_duration(),
            seekable: after.seekable(),
            left_out: self.left_out,
            lost: self.lost,
            packet_bytes: recording.packets().saturating_mul(u64::from(after.packet_size)),
            changes: self.changes,
            next: self.next,
        }
    }

    fn note(&mut self, change: Change) {
        if self.changes.len() < MOST.saturating_sub(RESERVED) {
            self.changes.push(change);
        }
    }

    /// Notes what there is room for however much damage there was.
    fn last(&mut self, change: Change) {
        if self.changes.len() < MOST {
            self.changes.push(change);
        }
    }
}

/// Size and packet count of the Data Object as they are written.
fn data_head(header: &Header) -> Option<(&[u8], &[u8])> {
    let (bytes, (_, data_at)) = (header.as_bytes(), header.patch_points());
    Some((bytes.get(at(data_at, data::SIZE))?, bytes.get(at(data_at, data::PACKET_COUNT))?))
}

/// The objects that finishing the file made padding of.
fn blanked(before: &Header, after: &Header) -> Vec<Uuid> {
    let all = |header: &Header| {
        let objects = header.objects().iter().chain(header.extension_objects());
        objects.map(|object| object.id).collect::<Vec<_>>()
    };
    let pairs = all(before).into_iter().zip(all(after));
    pairs.filter(|(old, new)| old != new).map(|(old, _)| old).collect()
}
