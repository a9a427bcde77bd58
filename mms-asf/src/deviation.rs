//! What a file does wrong without becoming unusable.

use std::fmt;
use std::time::Duration;

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
