//! Rules that peers break without harm: one variant a rule.

use crate::message_kind::MessageKind;
use crate::mmsp::MmspDeviation;

/// A rule that the peer broke, and that was tolerated.
///
/// Fields that the specification calls reserved are no deviations: products leave uninitialised
/// memory there, so nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Deviation {
    /// A message id that the specification does not have. It is handed on unread.
    #[error("unknown message {0:?}")]
    UnknownMessage(MessageKind),
    /// A known message at a moment when it means nothing; it was ignored.
    #[error("{0:?} came at a moment when it means nothing")]
    OutOfPlace(MessageKind),
    /// A message with fewer bytes than its fields need, where the missing ones do no harm.
    #[error("{0:?} is shorter than its fields")]
    ShortMessage(MessageKind),
    /// A field holds a value that the specification forbids; the nearest sensible one was taken.
    #[error("field {field} holds {value:#x}")]
    FieldValue {
        /// The field, by its name in the specification.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// The ASF header is not as long as announced.
    #[error("the ASF header has {received} bytes, {announced} were announced")]
    HeaderSize {
        /// `fileHeaderSize` or `cbHeaderSize`.
        announced: u32,
        /// Bytes that came.
        received: u32,
    },
    /// A Data packet that belongs to nothing that was asked for; it was dropped.
    #[error("a data packet came that nothing asked for")]
    UnexpectedData,
    /// A packet number past the announced number of packets: some servers send what follows the
    /// last packet of the file (T50). It was dropped.
    #[error("packet {location_id} came from a file of {count} packets")]
    PastTheEnd {
        /// Number of the packet.
        location_id: u32,
        /// Announced number of packets.
        count: u64,
    },
    /// A media packet larger than the announced packet size; it was delivered.
    #[error("a packet of {found} bytes came, at most {announced} were announced")]
    PacketAboveAnnouncedSize {
        /// `filePacketSize`.
        announced: u32,
        /// Bytes of the payload.
        found: u32,
    },
    /// Another entry of a playlist was announced, and none came: it was the end.
    #[error("the next entry was announced and did not come")]
    NoNextEntry,
    /// An empty media packet; it was dropped (T38).
    #[error("an empty data packet came")]
    EmptyData,
    /// Credentials that are none of the scheme that was announced or asked for; they were left
    /// out.
    #[error("the credentials in {0:?} cannot be read")]
    UnreadableCredentials(MessageKind),
    /// A rule of the native protocol alone.
    #[error(transparent)]
    Mmsp(#[from] MmspDeviation),
}
