//! What a copy found and changed.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::{Cause, Deviation, Header, Recording, Restart, Shift, guid};

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
    /// What differs from the input, at most 1000 entries. Empty for a file that was whole.
    pub changes: Vec<Change>,
    /// Where in the input the header of another stream lies, in bytes, at which the file ends.
    pub next: Option<u64>,
}

/// Something that a repair changed. Offsets count from the start of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// The header did something wrong, and does not any more.
    Header(Deviation),
    /// The header was that of an unfinished file or a live stream.
    Broadcast,
    /// The header says how many packets there are.
    PacketCount {
        /// What it said.
        declared: u64,
        /// How many there are.
        found: u64,
    },
    /// The header says how large the file is.
    FileSize {
        /// What it said, in bytes.
        declared: u64,
        /// The size in bytes.
        found: u64,
    },
    /// The header says how long the file plays, preroll included.
    PlayDuration {
        /// What it said.
        declared: Duration,
        /// What the packets say.
        found: Duration,
    },
    /// The header says how long sending takes.
    SendDuration {
        /// What it said.
        declared: Duration,
        /// What the packets say.
        found: Duration,
    },
    /// Only the Data Object said something else about its size or its packets.
    DataObject {
        /// The size it declared, in bytes.
        declared: u64,
        /// Its size.
        found: u64,
    },
    /// An object of the header became padding, because what it is about is not there any more: a
    /// signature over another header, or the declaration of an index.
    Blanked {
        /// What it was; see [`guid`].
        id: Uuid,
    },
    /// The header says that players can seek.
    Seekable,
    /// All times were moved so that the file starts at zero.
    Rebased(Shift),
    /// The clock of the encoder started anew: the packets from there on were moved so that they
    /// continue where those before them end.
    Restarted {
        /// Offset of the first packet of the new clock.
        offset: u64,
        /// Its times, and how far the packets were moved.
        restart: Restart,
    },
    /// Bytes that are no packet were left out.
    Damage {
        /// Where they lay.
        offset: u64,
        /// How many there were.
        len: u64,
        /// Why.
        cause: Cause,
    },
    /// The header was there again and was left out.
    Repeated {
        /// Where it lay.
        offset: u64,
        /// How many bytes it has.
        len: u64,
    },
    /// A last packet that was cut was left out.
    Cut {
        /// Where it lay.
        offset: u64,
        /// How many bytes were there.
        len: u64,
    },
    /// A last packet was cut, and its whole payloads were kept.
    Filled {
        /// Offset of the packet.
        offset: u64,
        /// Number of bytes that were missing.
        missing: u64,
        /// Number of bytes of a payload that was cut, which were left out.
        lost: u64,
    },
    /// Packets that were stored without their padding got it back.
    Padded {
        /// Number of packets.
        packets: u64,
        /// Number of bytes that were missing in all of them.
        missing: u64,
    },
    /// Packets whose packet length left no room for their payloads, because it did not count the
    /// padding, got a head without packet length (section 5.2.2 of the ASF specification).
    PacketLengths {
        /// Number of packets.
        packets: u64,
    },
    /// An object behind the packets was left out: an index that does not fit them, or one that is
    /// too large.
    ObjectLeftOut {
        /// What it is; see [`guid`].
        id: Uuid,
        /// Where it lay.
        offset: u64,
    },
    /// Indexes were made, of so many bytes.
    IndexMade(u64),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(deviation) => write!(f, "mended the header: {deviation}"),
            Self::Broadcast => f.write_str("marked the file as finished"),
            Self::PacketCount { declared, found } => {
                write!(f, "packets: {found}, the header said {declared}")
            }
            Self::FileSize { declared, found } => {
                write!(f, "file size: {found} bytes, the header said {declared}")
            }
            Self::PlayDuration { declared, found } => write!(
                f,
                "play duration: {:.3} s, the header said {:.3} s",
                found.as_secs_f64(),
                declared.as_secs_f64()
            ),
            Self::SendDuration { declared, found } => write!(
                f,
                "send duration: {:.3} s, the header said {:.3} s",
                found.as_secs_f64(),
                declared.as_secs_f64()
            ),
            Self::DataObject { declared, found } => {
                write!(f, "data size: {found} bytes, the Data Object said {declared}")
            }
            Self::Blanked { id } => match guid::name(*id) {
                Some(name) => write!(f, "took the {name} out of the header"),
                None => write!(f, "took the object {id} out of the header"),
            },
            Self::Seekable => f.write_str("marked the file as seekable"),
            Self::Rebased(shift) => {
                let [send, shown] = [shift.send, shift.presentation].map(seconds);
                match (shift.send, shift.presentation) {
                    (sent, shown) if sent == shown => write!(f, "moved all times by {send:+.3} s"),
                    (_, 0) => write!(f, "moved send times by {send:+.3} s"),
                    (0, _) => write!(f, "moved presentation times by {shown:+.3} s"),
                    _ => write!(
                        f,
                        "moved send times by {send:+.3} s and presentation times by {shown:+.3} s"
                    ),
                }
            }
            Self::Restarted { offset, restart } => {
                let [step, by] = [restart.step, restart.shift.send].map(seconds);
                write!(f, "moved the packets from byte {offset} on by {by:+.3} s: ")?;
                write!(f, "their clock started anew, {step:+.3} s from those before")
            }
            Self::Damage { offset, len, cause } => {
                write!(f, "left out {len} bytes at byte {offset}: {cause}")
            }
            Self::Repeated { offset, len } => {
                write!(f, "left out {len} bytes at byte {offset}: the header again")
            }
            Self::Cut { offset, len } => {
                write!(f, "left out {len} bytes at byte {offset}: a packet that was cut")
            }
            Self::Filled { offset, missing, lost: 0 } => {
                write!(f, "added {missing} bytes of padding to the packet at byte {offset}")
            }
            Self::Filled { offset, missing, lost } => write!(
                f,
                "kept the whole payloads of the packet at byte {offset}, which lacks {missing} \
                 bytes, and left out the last {lost} bytes of it"
            ),
            Self::Padded { packets, missing } => {
                write!(f, "added {missing} bytes of padding to {packets} packets stored without it")
            }
            Self::PacketLengths { packets } => write!(
                f,
                "wrote the heads of {packets} packets anew: their packet length does not count \
                 the padding"
            ),
            Self::ObjectLeftOut { id, offset } => match guid::name(*id) {
                Some(name) => write!(f, "left out the {name} at byte {offset}"),
                None => write!(f, "left out the object {id} at byte {offset}"),
            },
            Self::IndexMade(len) => write!(f, "made an index of {len} bytes"),
        }
    }
}

fn seconds(milliseconds: i64) -> f64 {
    let seconds = Duration::from_millis(milliseconds.unsigned_abs()).as_secs_f64();
    if milliseconds < 0 { -seconds } else { seconds }
}

/// Gathers the changes.
#[derive(Debug)]
pub(super) struct Report {
    found: Header,
    changes: Vec<Change>,
    left_out: u64,
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
        Self { found: found.clone(), changes, left_out: 0, padded: (0, 0), lengths: 0, next: None }
    }

    /// Something that the parser put right already.
    pub(super) fn header(&mut self, deviation: Deviation) {
        self.note(Change::Header(deviation));
    }

    pub(super) fn damage(&mut self, offset: u64, len: u64, cause: Cause) {
        self.left_out = self.left_out.saturating_add(len);
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

    pub(super) fn restarted(&mut self, offset: u64, restart: Restart) {
        self.note(Change::Restarted { offset, restart });
    }

    pub(super) fn repeated(&mut self, offset: u64, len: u64) {
        self.left_out = self.left_out.saturating_add(len);
        self.note(Change::Repeated { offset, len });
    }

    pub(super) fn cut(&mut self, offset: u64, len: u64) {
        self.left_out = self.left_out.saturating_add(len);
        self.note(Change::Cut { offset, len });
    }

    pub(super) fn filled(&mut self, offset: u64, missing: u64, lost: u64) {
        self.left_out = self.left_out.saturating_add(lost);
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
        recording: &Recording,
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
    let head = header.as_bytes().get(header.patch_points().1..)?;
    Some((head.get(16..24)?, head.get(40..48)?))
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
