//! What can go wrong, and what is put up with.

use std::fmt;
use std::time::Duration;

/// Why bytes or media objects were refused. Offsets are in bytes, from the first one handed to the
/// function that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes contradict the format, or end too early.
    #[error("{what} at byte {offset}: expected {expected}")]
    Malformed {
        /// The object, packet or field that could not be read.
        what: &'static str,
        /// Where it lies.
        offset: u64,
        /// What should have been there.
        expected: &'static str,
    },
    /// The bytes are no header of any kind: there are none, or they are text.
    #[error("{0}")]
    NotAsf(NotAsf),
    /// The bytes may be legal, but this crate does not handle them.
    #[error("{what} at byte {offset} is not supported")]
    Unsupported {
        /// The thing that is not handled.
        what: &'static str,
        /// Where it lies.
        offset: u64,
    },
    /// A declared or real size is beyond a limit; nothing of that size was reserved.
    #[error("{what} is {value}, the limit is {limit}")]
    Limit {
        /// The quantity that is too large.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The largest value allowed.
        limit: u64,
    },
    /// The bytes do something that is put up with elsewhere, but not by
    /// [`Header::parse_strict`](crate::Header::parse_strict).
    #[error("against the rules: {0}")]
    Deviates(Deviation),
    /// A media object is for a stream that the header does not declare, or such a stream was asked
    /// for.
    #[error("stream {number} is not declared")]
    NoSuchStream {
        /// The stream number.
        number: u8,
    },
    /// No stream is kept, or none of those that are has a packet.
    #[error("nothing is kept")]
    NothingKept,
    /// A media object comes too late to be sent before it has to be shown.
    #[error(
        "a media object of stream {stream} for {time} ms comes behind one for {latest} ms, \
             which is more than the preroll of {preroll} ms later"
    )]
    TooLate {
        /// The stream number.
        stream: u8,
        /// The media time of the media object, in milliseconds.
        time: u64,
        /// The highest media time before, in milliseconds.
        latest: u64,
        /// The preroll, in milliseconds.
        preroll: u64,
    },
}

/// Bytes that are taken for an ASF file by their name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAsf {
    /// There are none.
    Empty,
    /// They are text.
    Text,
}

impl NotAsf {
    /// What a file is that starts with these bytes, if that can be said.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        if start.is_empty() {
            return Some(Self::Empty);
        }
        let whole = match std::str::from_utf8(start) {
            Ok(text) => Some(text),
            // A character that is cut off where the bytes end.
            Err(error) if error.error_len().is_none() => {
                start.get(..error.valid_up_to()).and_then(|start| std::str::from_utf8(start).ok())
            }
            Err(_) => None,
        };
        let prints = |c: char| !c.is_control() || c.is_ascii_whitespace();
        let utf16 = start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]);
        let text = utf16 || whole.is_some_and(|text| !text.is_empty() && text.chars().all(prints));
        text.then_some(Self::Text)
    }
}

impl fmt::Display for NotAsf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::Text => "it is text, not ASF",
        })
    }
}

/// An [`Error`] of the format, or one of the reader or writer underneath.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The bytes of the file were refused.
    #[error(transparent)]
    Format(#[from] Error),
    /// The reader or writer failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// No whole packet follows the header.
    #[error("no whole packet follows the header")]
    NoPackets,
    /// The header is damaged, and a stream that packets belong to is not declared in what is left
    /// of it: without its format nothing plays it.
    #[error(
        "the header is damaged, and stream {stream}, which has packets, is not declared any more"
    )]
    StreamLost {
        /// The stream number.
        stream: u8,
    },
    /// The file has no such packet.
    #[error("there is no packet {number}, the file holds {count}")]
    NoSuchPacket {
        /// The packet asked for, counted from 0.
        number: u64,
        /// How many packets the file holds.
        count: u64,
    },
}

/// Something a header, a size or an index does wrong without making the file unusable. Offsets are
/// in bytes and count as those of the function or event that reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deviation {
    /// The header declares another number of children than it holds.
    ChildCount {
        /// The number in the Header Object.
        declared: u32,
        /// The number of children found.
        found: u32,
    },
    /// An object of the header declares another size than it has: it ends where the next known
    /// object starts, or where its own fields end.
    ChildSize {
        /// Where the object starts.
        offset: u64,
        /// The size it declares, in bytes.
        declared: u64,
        /// The size it has, in bytes.
        found: u64,
    },
    /// Bytes between two objects of the header belong to neither.
    ForeignBytes {
        /// Where they start.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// A text of an object was cut; what can be read of it counts.
    Incomplete {
        /// The object's name.
        what: &'static str,
        /// Where it starts.
        offset: u64,
    },
    /// An unknown object declares a size that its parent has no room for, or none; it and what
    /// follows it was not read.
    ChildTooLong {
        /// Where the child lies.
        offset: u64,
        /// The size it declares.
        size: u64,
        /// The bytes its parent has left.
        left: u64,
    },
    /// Fewer bytes than an object needs lie behind the last child.
    LeftoverBytes {
        /// Where they lie.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// Bytes follow the Data Object's fixed part.
    TrailingBytes {
        /// Where they start: the offset of the first packet.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// The bytes end with the Header Object; the fixed part of the Data Object was made up.
    DataObjectMissing,
    /// The reserved field of the Data Object does not hold 0x0101.
    DataObjectReserved {
        /// What it holds.
        value: u16,
    },
    /// A reserved field of another object holds something else than the specification demands.
    Reserved {
        /// The object's name.
        what: &'static str,
        /// Where the field lies.
        offset: u64,
    },
    /// The Data Object declares another number of packets than the File Properties Object.
    DataPacketCount {
        /// The number in the File Properties Object.
        declared: u64,
        /// The number in the Data Object.
        data: u64,
    },
    /// The Data Object carries another File ID than File Properties.
    FileIdMismatch,
    /// An object that may be there once is there again; the first one counts.
    Duplicate {
        /// The object's name.
        what: &'static str,
        /// Where the second one lies.
        offset: u64,
    },
    /// A stream is declared with number 0 and left out.
    StreamNumberZero {
        /// Where its Stream Properties Object lies.
        offset: u64,
    },
    /// A stream number is declared again; the first declaration counts.
    DuplicateStream {
        /// The stream number.
        number: u8,
        /// Where the second declaration lies.
        offset: u64,
    },
    /// Minimum and maximum packet size differ; the packets have the maximum, as far as is known.
    PacketSizes {
        /// The minimum, in bytes.
        minimum: u32,
        /// The maximum, in bytes.
        maximum: u32,
    },
    /// The packets have another size than File Properties declares.
    PacketSize {
        /// The minimum that is declared, in bytes.
        minimum: u32,
        /// The maximum that is declared, in bytes.
        maximum: u32,
        /// The size that the packets have, in bytes.
        found: u32,
    },
    /// The Header Extension Object declares another data size than its object size leaves.
    ExtensionSize {
        /// The size it declares.
        declared: u32,
        /// The size it has.
        real: u64,
    },
    /// An object that can be done without could not be read.
    Unreadable {
        /// The object's name.
        what: &'static str,
        /// Where it lies.
        offset: u64,
    },
    /// The Data Object does not lie where the Header Object says that it ends.
    DataObjectElsewhere {
        /// Where the Header Object ends by its size.
        declared: u64,
        /// Where the Data Object lies.
        found: u64,
    },
    /// The packets do not end where the Data Object says.
    DataEnd {
        /// Where the Data Object ends by its size.
        declared: u64,
        /// Where the packets end.
        found: u64,
    },
    /// The header declares another number of packets than there are.
    PacketCount {
        /// The number in the File Properties Object.
        declared: u64,
        /// The number of packets found.
        found: u64,
    },
    /// Media does not start at the preroll, but far before or after it: the preroll is in another
    /// unit, or stayed when times were moved.
    Preroll {
        /// The preroll in the File Properties Object.
        declared: Duration,
        /// The presentation time of the first media object.
        start: Duration,
    },
    /// Bytes behind the data are no objects, or another file.
    UnknownBytes {
        /// Where they lie.
        offset: u64,
        /// How many there are.
        len: u64,
    },
    /// An index entry does not lead to what it stands for; the index was left alone.
    StaleIndex {
        /// The index object's name.
        what: &'static str,
        /// The stream it was asked about.
        stream: u8,
    },
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChildCount { declared, found } => {
                write!(f, "the header declares {declared} objects and holds {found}")
            }
            Self::ChildSize { offset, declared, found } => {
                write!(f, "the object at byte {offset} declares {declared} bytes and has {found}")
            }
            Self::ForeignBytes { offset, len } => {
                write!(f, "{len} bytes at byte {offset} of the header are no object")
            }
            Self::Incomplete { what, offset } => {
                write!(f, "the {what} at byte {offset} was cut; what can be read of it counts")
            }
            Self::ChildTooLong { offset, size, left } => {
                write!(f, "the object at byte {offset} declares {size} bytes, {left} are left")
            }
            Self::LeftoverBytes { offset, len } => {
                write!(f, "{len} bytes at byte {offset} are too few for an object")
            }
            Self::TrailingBytes { offset, len } => {
                write!(f, "{len} bytes follow the header at byte {offset}")
            }
            Self::DataObjectMissing => f.write_str("the Data Object is missing"),
            Self::DataObjectReserved { value } => {
                write!(f, "the reserved field of the Data Object holds {value:#06x}")
            }
            Self::Reserved { what, offset } => {
                write!(f, "a reserved field of the {what} at byte {offset} holds something else")
            }
            Self::DataPacketCount { declared, data } => {
                write!(f, "{declared} packets are declared, {data} in the Data Object")
            }
            Self::FileIdMismatch => f.write_str("the Data Object carries another File ID"),
            Self::Duplicate { what, offset } => write!(f, "a second {what} at byte {offset}"),
            Self::StreamNumberZero { offset } => {
                write!(f, "the stream declared at byte {offset} has number 0")
            }
            Self::DuplicateStream { number, offset } => {
                write!(f, "stream {number} is declared again at byte {offset}")
            }
            Self::PacketSizes { minimum, maximum } => {
                write!(f, "packet sizes from {minimum} to {maximum} bytes are declared")
            }
            Self::PacketSize { minimum, maximum, found } if minimum == maximum => {
                write!(f, "a packet size of {maximum} bytes is declared, the packets have {found}")
            }
            Self::PacketSize { minimum, maximum, found } => write!(
                f,
                "packet sizes from {minimum} to {maximum} bytes are declared, the packets have \
                 {found}"
            ),
            Self::ExtensionSize { declared, real } => {
                write!(f, "the header extension declares {declared} bytes and has {real}")
            }
            Self::Unreadable { what, offset } => {
                write!(f, "the {what} at byte {offset} could not be read")
            }
            Self::DataObjectElsewhere { declared, found } => {
                write!(f, "the header ends at byte {declared}, the Data Object is at {found}")
            }
            Self::DataEnd { declared, found } => {
                write!(f, "the packets are said to end at byte {declared}, they end at {found}")
            }
            Self::PacketCount { declared, found } => {
                write!(f, "{declared} packets are declared, {found} are there")
            }
            Self::Preroll { declared, start } => {
                let [declared, start] = [declared, start].map(Duration::as_secs_f64);
                write!(f, "media starts at {start:.3} s, the preroll is {declared:.3} s")
            }
            Self::UnknownBytes { offset, len } => {
                write!(f, "{len} bytes at byte {offset} behind the data are unknown")
            }
            Self::StaleIndex { what, stream } => {
                write!(f, "the {what} leads astray for stream {stream}")
            }
        }
    }
}
