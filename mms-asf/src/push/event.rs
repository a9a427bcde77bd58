//! What a [`StreamParser`](crate::StreamParser) tells.

use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

use crate::{Deviation, Error, Header};

/// What the bytes of a file or stream turned out to be. Offsets are in bytes and count from the
/// first byte that was pushed.
///
/// Every byte that was pushed is in exactly one event, or counted in one
/// [`Skipped`](Self::Skipped).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A header: the first one, or the next one of a chain, as servers send when they go on to
    /// another file. After it packets are numbered from 0 again.
    Header {
        /// Where it starts.
        offset: u64,
        /// The header, with what is wrong in it. Where its size was wrong and its children tell the
        /// right one, the size is corrected.
        header: Box<Header>,
    },
    /// A data packet.
    #[doc(alias = "ASF Data Packet")]
    Packet {
        /// Its number, counted from 0 at each header. Packets that could not be read are counted;
        /// where bytes are missing or too many, the number is the nearest one.
        number: u64,
        /// Where it starts.
        offset: u64,
        /// The packet, of [`packet_size`](crate::FileProperties::packet_size) bytes; of fewer where
        /// packets are stored without their padding, which [`Restorer`](crate::Restorer) puts back.
        bytes: Bytes,
    },
    /// Bytes that could not be understood, handed out as they are. Long damage comes in several
    /// pieces.
    Damage {
        /// Where they start.
        offset: u64,
        /// The bytes, at least one.
        bytes: Bytes,
        /// Why.
        cause: Cause,
    },
    /// An object behind the Data Object, usually an index, which
    /// [`IndexObject::parse`](crate::IndexObject::parse) reads.
    Object {
        /// What it is; see [`guid`](crate::guid).
        id: Uuid,
        /// Where it starts.
        offset: u64,
        /// The whole object with its identifier and size.
        bytes: Bytes,
    },
    /// An object behind the Data Object that is larger than
    /// [`Limits::index_bytes`](crate::Limits::index_bytes). It has gone by without being kept.
    Skipped {
        /// What it is; see [`guid`](crate::guid).
        id: Uuid,
        /// Where it starts.
        offset: u64,
        /// How many of its bytes went by: all that it declares, or all up to the end of the input.
        len: u64,
    },
    /// A size or a count that a header declares and that is not true.
    Deviation(Deviation),
    /// The input has ended; nothing follows.
    End {
        /// Where `leftover` starts.
        offset: u64,
        /// The beginning of a packet that was cut; empty when the end is clean.
        leftover: Bytes,
    },
}

/// Why bytes could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The header declares another size than it has; these bytes lie between it and the Data
    /// Object.
    Gap,
    /// One packet cannot be read; the error's offset counts from its start. What follows it lies
    /// where it should.
    Packet(Error),
    /// Bytes are missing or too many: packets do not lie where they should, and these bytes lie in
    /// front of the next packet or object that was found.
    Lost,
    /// The Data Object ends inside a packet.
    Partial,
    /// A Header Object in mid-stream cannot be read.
    Header(Error),
    /// Behind the Data Object, but no object.
    Garbage,
    /// The input ends inside an object behind the Data Object.
    Cut,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap => f.write_str("bytes between the header and the Data Object"),
            Self::Packet(error) => write!(f, "a packet that cannot be read: {error}"),
            Self::Lost => f.write_str("bytes where no packet lies"),
            Self::Partial => f.write_str("a part of a packet at the end of the Data Object"),
            Self::Header(error) => write!(f, "a header that cannot be read: {error}"),
            Self::Garbage => f.write_str("bytes behind the Data Object that are no object"),
            Self::Cut => f.write_str("an object that was cut"),
        }
    }
}
