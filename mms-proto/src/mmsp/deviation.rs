//! Rules of MS-MMSP alone that peers break without harm.

use super::MessageId;

/// A rule of MS-MMSP that the peer broke, and that was tolerated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum MmspDeviation {
    /// The version bytes of the packet header are not 1, 0, 0. MS-MMSP 2.2.3.
    #[error("the packet header has version {major}.{minor} instead of 0.0")]
    HeaderVersion {
        /// `version`.
        major: u8,
        /// `versionMinor`.
        minor: u8,
    },
    /// `messageLength` is not a multiple of 8, as some old clients send it (T16).
    #[error("messageLength {0} is not a multiple of 8")]
    UnpaddedMessage(u32),
    /// More entries are announced than the message holds (MPlayer does it); the rest was ignored.
    #[error("{announced} stream entries announced, {present} present")]
    MissingEntries {
        /// `cStreamEntries`.
        announced: u32,
        /// Number of entries in the message.
        present: u32,
    },
    /// A fragment of the ASF header with a number that is not the next one; it was ignored.
    #[error("header fragment {found} came where {expected} was expected")]
    HeaderFragment {
        /// Number of the next fragment.
        expected: u32,
        /// Its number.
        found: u32,
    },
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
    /// The answer to a request carries another `playIncarnation` than the request.
    #[error("{message:?} answers incarnation {found:#x}, {expected:#x} was asked")]
    AnswerIncarnation {
        /// The answer.
        message: MessageId,
        /// The value in the request.
        expected: u32,
        /// The value in the answer.
        found: u32,
    },
}
