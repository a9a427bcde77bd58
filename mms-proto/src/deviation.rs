//! Rules that peers break without harm: one variant a rule.

use crate::mmsp::MessageId;

/// A rule that the peer broke, and that was tolerated.
///
/// Fields that the specification calls reserved are no deviations: products leave uninitialised
/// memory there, so nobody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Deviation {
    /// The version bytes of the packet header are not 1, 0, 0. MS-MMSP 2.2.3.
    #[error("the packet header has version {major}.{minor} instead of 0.0")]
    HeaderVersion {
        /// `version`.
        major: u8,
        /// `versionMinor`.
        minor: u8,
    },
    /// `messageLength` is no multiple of 8, as some old clients send it (T16).
    #[error("messageLength {0} is not a multiple of 8")]
    UnpaddedMessage(u32),
    /// A message id that the specification does not have. It is handed on unread.
    #[error("unknown message {0:?}")]
    UnknownMessage(MessageId),
    /// A known message at a moment when it means nothing; it was ignored.
    #[error("{0:?} came at a moment when it means nothing")]
    OutOfPlace(MessageId),
    /// A message with fewer bytes than its fields need, where the missing ones do no harm.
    #[error("{0:?} is shorter than its fields")]
    ShortMessage(MessageId),
    /// A field holds a value that the specification forbids; the nearest sensible one was taken.
    #[error("field {field} holds {value:#x}")]
    FieldValue {
        /// The field, by its name in the specification.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// More entries are announced than the message holds (MPlayer does it); the rest was ignored.
    #[error("{announced} stream entries announced, {present} present")]
    MissingEntries {
        /// `cStreamEntries`.
        announced: u32,
        /// What there is.
        present: u32,
    },
    /// The ASF header is not as long as announced.
    #[error("the ASF header has {received} bytes, {announced} were announced")]
    HeaderSize {
        /// `fileHeaderSize` or `cbHeaderSize`.
        announced: u32,
        /// Bytes that came.
        received: u32,
    },
    /// A fragment of the ASF header with a number that is not the next one; it was ignored.
    #[error("header fragment {found} came where {expected} was expected")]
    HeaderFragment {
        /// Number of the next fragment.
        expected: u32,
        /// Its number.
        found: u32,
    },
    /// A Data packet that belongs to nothing that was asked for; it was dropped.
    #[error("a data packet came that nothing asked for")]
    UnexpectedData,
    /// A Data packet of an older play command; it was dropped.
    #[error("a data packet of incarnation {found:#04x} came instead of {expected:#04x}")]
    StaleIncarnation {
        /// Incarnation of the current play command, or what the server was seen to use for it.
        expected: u8,
        /// What the packet carries.
        found: u8,
    },
    /// The server labels media packets with a value of its own instead of the one that was asked
    /// for; it was adopted (T51).
    #[error("the server labels media {used:#04x} instead of {asked:#04x}")]
    AdoptedIncarnation {
        /// What the play command asked for.
        asked: u8,
        /// What the server uses.
        used: u8,
    },
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
    /// More Pings than [`crate::Limits::pongs_per_second`]; the rest of the second is ignored.
    #[error("more pings than are answered")]
    PingFlood,
    /// A response to another challenge than the last one; it was ignored.
    #[error("a response came to challenge {found:#x} instead of {expected:#x}")]
    StaleResponse {
        /// Cookie of the challenge that waits for a response.
        expected: u32,
        /// What the response carries.
        found: u32,
    },
    /// Credentials that are none of the scheme that was announced or asked for; they were left
    /// out.
    #[error("the credentials in {0:?} cannot be read")]
    UnreadableCredentials(MessageId),
    /// The answer to a request carries another `playIncarnation` than the request.
    #[error("{message:?} answers incarnation {found:#x}, {expected:#x} was asked")]
    AnswerIncarnation {
        /// The answer.
        message: MessageId,
        /// What the request said.
        expected: u32,
        /// What the answer says.
        found: u32,
    },
}
