//! How decoding, a session and a command can fail.

use std::fmt;

use crate::deviation::Deviation;
use crate::hresult::HResult;
use crate::message_kind::MessageKind;

/// Bytes that do not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{layer} at byte {offset}: {field}: {problem}")]
#[non_exhaustive]
pub struct DecodeError {
    /// Which layer gave up.
    pub layer: Layer,
    /// Where: counted from the beginning of the stream in a session, from the beginning of the
    /// bytes given to a decoder that is used alone.
    pub offset: u64,
    /// The field, by its name in the specification.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

impl DecodeError {
    /// An error of the framing layer.
    pub(crate) fn frame(offset: u64, field: &'static str, problem: Problem) -> Self {
        Self { layer: Layer::Frame, offset, field, problem }
    }

    /// The same error with `base` added to its place.
    pub(crate) fn moved_by(mut self, base: u64) -> Self {
        self.offset = self.offset.saturating_add(base);
        self
    }
}

/// The layer that an error comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layer {
    /// The framing of packets on the connection.
    Frame,
    /// Length and id at the start of a message.
    Prefix,
    /// The fields of one message.
    Message(MessageKind),
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame => f.write_str("frame"),
            Self::Prefix => f.write_str("message prefix"),
            Self::Message(id) => write!(f, "{id:?}"),
        }
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes end inside the field.
    #[error("the bytes end inside it")]
    Truncated,
    /// The value is not one that can be worked with.
    #[error("{found:#x} instead of {expected}")]
    Value {
        /// What stands there.
        found: u64,
        /// What would do.
        expected: &'static str,
    },
    /// The value is above a limit.
    #[error("{found} is above the limit of {limit}")]
    AboveLimit {
        /// What stands there.
        found: u64,
        /// The limit.
        limit: u64,
    },
}

/// Why a session is over. The first error is final: every later input returns it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The peer sent something that does not parse.
    #[error("malformed data from the peer: {0}")]
    Decode(#[from] DecodeError),
    /// A valid message that makes it impossible to go on.
    #[error("{message:?} came while {phase}")]
    Unexpected {
        /// The message.
        message: MessageKind,
        /// What was going on.
        phase: Phase,
    },
    /// Something grew past one of the [`crate::Limits`].
    #[error("{what}: {value} is above the limit of {limit}")]
    Limit {
        /// What grew.
        what: &'static str,
        /// How far.
        value: u64,
        /// The limit.
        limit: u64,
    },
    /// The peer said no.
    #[error("refused while {phase}: {hr}")]
    Refused {
        /// What was asked for.
        phase: Phase,
        /// The peer's reason.
        hr: HResult,
    },
    /// The peer asked for credentials again and again, or the application had none.
    #[error("the server did not accept the credentials")]
    Unauthorized,
    /// The peer was silent, or too slow.
    #[error("no {missing} for {} s while {phase}", .after.as_secs_f32())]
    TimedOut {
        /// What was going on.
        phase: Phase,
        /// What did not come.
        missing: Missing,
        /// How long it was waited for.
        after: std::time::Duration,
    },
    /// The connection ended before the session did.
    #[error("the connection was closed while {phase}{}", if *.mid_frame { ", in the middle of a packet" } else { "" })]
    Disconnected {
        /// What was going on.
        phase: Phase,
        /// True when a packet was cut.
        mid_frame: bool,
    },
    /// A tolerable deviation, in [strict](crate::Strictness::Strict) mode.
    #[error("the peer broke a rule: {0}")]
    Deviation(#[from] Deviation),
}

impl Error {
    /// The result code to answer or to show for this error.
    #[must_use]
    pub fn hresult(&self) -> HResult {
        match self {
            Self::Decode(_) | Self::Deviation(_) | Self::Limit { .. } => HResult::BAD_CONTROL_DATA,
            Self::Unexpected { .. } => HResult::INVALID_REQUEST,
            Self::Refused { hr, .. } => *hr,
            Self::Unauthorized => HResult::ACCESS_DENIED,
            Self::TimedOut { .. } => HResult::TIMEOUT,
            Self::Disconnected { .. } => HResult::CONNECTION_FAILURE,
        }
    }
}

/// What did not come in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Missing {
    /// The answer to a request.
    Reply,
    /// The whole ASF header.
    Header,
    /// The rest of a packet whose first byte had arrived.
    RestOfPacket,
    /// Any media packet or message.
    Media,
    /// Any request.
    Request,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reply => "reply",
            Self::Header => "complete header",
            Self::RestOfPacket => "complete packet",
            Self::Media => "media",
            Self::Request => "request",
        })
    }
}

/// Where a session stands, with the messages of MS-MMSP in it. It reads well after "while".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Connect and its answer.
    Connecting,
    /// `FunnelInfo` and its answers: client id and bandwidth test.
    BandwidthTest,
    /// `ConnectFunnel` and its answer: the transport.
    ChoosingTransport,
    /// `OpenFile` and its answer.
    Opening,
    /// A challenge and its response.
    Authenticating,
    /// `ReadBlock`, its answer and the ASF header.
    ReadingHeader,
    /// The header is there and nothing is played.
    Ready,
    /// A play command and its answers.
    Starting,
    /// Media packets flow.
    Streaming,
    /// A stop command and its answer.
    Stopping,
    /// The end of one playlist entry and the beginning of the next.
    ChangingEntry,
    /// The end of the session.
    Closing,
    /// Over.
    Closed,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::BandwidthTest => "testing the bandwidth",
            Self::ChoosingTransport => "choosing the transport",
            Self::Opening => "opening the file",
            Self::Authenticating => "authenticating",
            Self::ReadingHeader => "reading the header",
            Self::Ready => "ready to play",
            Self::Starting => "starting to play",
            Self::Streaming => "streaming",
            Self::Stopping => "stopping",
            Self::ChangingEntry => "changing to the next entry",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}

/// A command that could not be carried out. Nothing was sent, nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The session is in another phase.
    #[error("cannot {operation} while {phase}")]
    Phase {
        /// What was asked for.
        operation: &'static str,
        /// Where the session stands.
        phase: Phase,
    },
    /// The answer to the last stream selection has not come yet.
    #[error("the server has not answered the last stream selection yet")]
    SelectionPending,
    /// A password would have gone over the wire in clear text and the configuration does not
    /// allow it.
    #[error("the server asks for a password in clear text, which is not allowed")]
    ClearText,
    /// The credentials do not fit what the server asks for.
    #[error("the server asks for another kind of credentials")]
    Scheme,
    /// The challenge was answered already, and the server has sent another one since.
    #[error("the challenge was answered already")]
    OldChallenge,
    /// Too many entries for one message.
    #[error("{0} entries do not fit one message")]
    TooMany(usize),
    /// A start position that the protocol cannot carry.
    #[error("position {0} does not fit the protocol's field")]
    Position(u64),
    /// A packet that was not asked for: pacing or a full queue stands in the way.
    #[error("no packet is wanted now")]
    NotWanted,
    /// Content without a packet size, which the protocol announces.
    #[error("the content has no packet size")]
    NoPacketSize,
    /// A packet that is empty or larger than the content's packet size.
    #[error("a packet of {size} bytes, between 1 and {limit} are possible")]
    PacketSize {
        /// Its size.
        size: usize,
        /// The content's packet size.
        limit: u32,
    },
}
