//! A change that a copy made.

use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::{Cause, Deviation, Restart, Shift, guid};

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
    /// A packet is damaged, and the whole payloads in front of the damage were kept.
    Kept {
        /// Offset of the packet.
        offset: u64,
        /// Number of its bytes up to the end of the last whole payload.
        len: u64,
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
                write!(f, "file size in the header: {found} bytes, {declared} before")
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
            Self::Kept { offset, len } => write!(
                f,
                "kept the whole payloads in the first {len} bytes of the packet at byte {offset}"
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
