//! The 28 control messages, MS-MMSP 2.2.4: one file an exchange, request beside answer.
//!
//! A message is decoded alone: [`frame`](super::frame) has found its bytes. What carries no
//! meaning (constants, padding, reserved fields) is skipped when read, because products leave
//! uninitialised memory there, and written as the specification says.

use crate::message_kind::MessageKind;
use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser as _;

use crate::deviation::Deviation;
use crate::error::{DecodeError, Layer, Problem};

use super::frame::message_length;
use super::wire::{self, Wire};

mod close;
mod connect;
mod file_attributes;
mod funnel;
mod keepalive;
mod logging;
mod open_file;
mod play;
mod position;
mod read_block;
mod redirect;
mod security;
mod stream_change;
mod stream_switch;

pub use super::id::MessageId;
pub use crate::client_log::{ClientLog, LogVersion};
pub use close::CloseFile;
pub use connect::{Connect, PacketPair, ReportConnectedEx};
pub use file_attributes::FileAttributes;
pub use funnel::{
    BandwidthTest, ConnectFunnel, Funnel, FunnelInfo, FunnelName, FunnelProtocol,
    ReportConnectedFunnel, ReportDisconnectedFunnel, ReportFunnelInfo,
};
pub use keepalive::{Ping, Pong};
pub use logging::Logging;
pub use open_file::{OpenFile, OpenedFile, ReportOpenFile};
pub use play::{
    ReportEndOfStream, ReportStartStriding, ReportStartedPlaying, StartPlaying, StartStriding,
    StopPlaying,
};
pub(crate) use position::MAX_BYTE_OFFSET;
pub use read_block::{CancelReadBlock, ReadBlock, ReportReadBlock};
pub use redirect::ReportRedirect;
pub use security::{NtlmToken, SecurityChallenge, SecurityResponse, basic_token};
pub(crate) use security::{basic_realm, read_basic_token};
pub use stream_change::ReportStreamChange;
pub(crate) use stream_change::STREAM_CHANGE_INCARNATION;
pub use stream_switch::{ReportStreamSwitch, StreamSwitch};

/// What a message type knows about itself.
trait Body: Sized {
    const ID: MessageId;

    /// Parses what follows the id. `message` is the whole message, for fields that are kept as
    /// slices of it.
    fn parse<'a>(
        body: &'a [u8],
        message: &Bytes,
        deviations: &mut Vec<Deviation>,
    ) -> Wire<'a, Self>;

    /// Writes what follows the id, without padding.
    fn put(&self, out: &mut BytesMut);
}

/// Bytes of `chunkLen` and `MID`.
const PREFIX: usize = 8;

macro_rules! messages {
    ($(#[$doc:meta])* $enum:ident { $($(#[$vdoc:meta])* $name:ident $constant:ident = $id:literal, $spec:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $enum {
            $($(#[$vdoc])* #[doc(alias = $spec)] $name($name),)+
            /// A message that the specification does not have.
            Unknown {
                /// Its id.
                id: MessageId,
                /// What follows the id, padding included.
                body: Bytes,
            },
        }

        impl MessageId {
            $(#[doc = concat!("`", $spec, "`")] pub const $constant: Self = Self($id);)+
        }

        impl $enum {
            /// Every id of this direction, with the name that the specification gives it.
            pub const IDS: &[(MessageId, &str)] = &[$((MessageId($id), $spec)),+];

            /// Decodes one message, `chunkLen` and padding included. What is unusual without harm
            /// goes to `deviations`.
            ///
            /// # Errors
            /// When the prefix is malformed or a field does not parse; the error names it.
            pub fn decode(
                message: &Bytes,
                deviations: &mut Vec<Deviation>,
            ) -> Result<Self, DecodeError> {
                let (id, message) = prefix(message)?;
                let body = message.get(PREFIX..).unwrap_or_default();
                let parsed = match id.0 {
                    $($id => $name::parse(body, &message, deviations).map(|(_, m)| Self::$name(m)),)+
                    _ => return Ok(Self::Unknown { id, body: message.slice_ref(body) }),
                };
                parsed.map_err(|error| match error {
                    nom::Err::Error(fault) | nom::Err::Failure(fault) => {
                        fault.into_decode_error(Layer::Message(MessageKind::Mmsp(id)), message.len())
                    }
                    nom::Err::Incomplete(_) => DecodeError {
                        layer: Layer::Message(MessageKind::Mmsp(id)),
                        offset: u64::from(wire::len32(message.len())),
                        field: "body",
                        problem: Problem::Truncated,
                    },
                })
            }

            /// Appends the message, padded to a multiple of 8 bytes, with the smallest `chunkLen`.
            pub fn encode(&self, out: &mut BytesMut) {
                match self {
                    $(Self::$name(message) => put_message($name::ID, out, |out| message.put(out)),)+
                    Self::Unknown { id, body } => put_message(*id, out, |out| out.put_slice(body)),
                }
            }

            /// The id of this message.
            #[must_use]
            pub fn id(&self) -> MessageId {
                match self {
                    $(Self::$name(_) => $name::ID,)+
                    Self::Unknown { id, .. } => *id,
                }
            }
        }

        $(impl From<$name> for $enum {
            fn from(message: $name) -> Self {
                Self::$name(message)
            }
        })+
    };
}

messages! {
    /// What a client says.
    ClientMessage {
        /// Who it is.
        Connect CONNECT = 0x0003_0001, "LinkViewerToMacConnect";
        /// Asks for a client id and perhaps a bandwidth test.
        FunnelInfo FUNNEL_INFO = 0x0003_0018, "LinkViewerToMacFunnelInfo";
        /// Chooses the transport.
        ConnectFunnel CONNECT_FUNNEL = 0x0003_0002, "LinkViewerToMacConnectFunnel";
        /// Names the file.
        OpenFile OPEN_FILE = 0x0003_0005, "LinkViewerToMacOpenFile";
        /// Credentials.
        SecurityResponse SECURITY_RESPONSE = 0x0003_001A, "LinkViewerToMacSecurityResponse";
        /// Asks for the ASF header.
        ReadBlock READ_BLOCK = 0x0003_0015, "LinkViewerToMacReadBlock";
        /// No longer wants the ASF header.
        CancelReadBlock CANCEL_READ_BLOCK = 0x0003_0025, "LinkViewerToMacCancelReadBlock";
        /// Selects streams.
        StreamSwitch STREAM_SWITCH = 0x0003_0033, "LinkViewerToMacStreamSwitch";
        /// Plays at normal speed.
        StartPlaying START_PLAYING = 0x0003_0007, "LinkViewerToMacStartPlaying";
        /// Plays at another speed.
        StartStriding START_STRIDING = 0x0003_0028, "LinkViewerToMacStartStriding";
        /// Stops.
        StopPlaying STOP_PLAYING = 0x0003_0009, "LinkViewerToMacStopPlaying";
        /// Answers a Ping.
        Pong PONG = 0x0003_001B, "LinkViewerToMacPong";
        /// Reports what was played.
        Logging LOGGING = 0x0003_0032, "LinkViewerToMacLogging";
        /// Ends the session.
        CloseFile CLOSE_FILE = 0x0003_000D, "LinkViewerToMacCloseFile";
    }
}

messages! {
    /// What a server says.
    ServerMessage {
        /// Who it is.
        ReportConnectedEx REPORT_CONNECTED_EX = 0x0004_0001, "LinkMacToViewerReportConnectedEX";
        /// Client id and bandwidth test.
        ReportFunnelInfo REPORT_FUNNEL_INFO = 0x0004_0015, "LinkMacToViewerReportFunnelInfo";
        /// Accepts the transport.
        ReportConnectedFunnel REPORT_CONNECTED_FUNNEL = 0x0004_0002, "LinkMacToViewerReportConnectedFunnel";
        /// Refuses the transport.
        ReportDisconnectedFunnel REPORT_DISCONNECTED_FUNNEL = 0x0004_0003, "LinkMacToViewerReportDisconnectedFunnel";
        /// The file, or why not.
        ReportOpenFile REPORT_OPEN_FILE = 0x0004_0006, "LinkMacToViewerReportOpenFile";
        /// The file is elsewhere.
        ReportRedirect REPORT_REDIRECT = 0x0004_0022, "LinkMacToViewerReportRedirect";
        /// Asks for credentials.
        SecurityChallenge SECURITY_CHALLENGE = 0x0004_001A, "LinkMacToViewerSecurityChallenge";
        /// The ASF header follows.
        ReportReadBlock REPORT_READ_BLOCK = 0x0004_0011, "LinkMacToViewerReportReadBlock";
        /// Streams are selected.
        ReportStreamSwitch REPORT_STREAM_SWITCH = 0x0004_0021, "LinkMacToViewerReportStreamSwitch";
        /// Media at normal speed follows.
        ReportStartedPlaying REPORT_STARTED_PLAYING = 0x0004_0005, "LinkMacToViewerReportStartedPlaying";
        /// Media at another speed follows.
        ReportStartStriding REPORT_START_STRIDING = 0x0004_000A, "LinkMacToViewerReportStartStriding";
        /// Nothing more follows.
        ReportEndOfStream REPORT_END_OF_STREAM = 0x0004_001E, "LinkMacToViewerReportEndOfStream";
        /// The next entry of a playlist.
        ReportStreamChange REPORT_STREAM_CHANGE = 0x0004_0020, "LinkMacToViewerReportStreamChange";
        /// Are you there?
        Ping PING = 0x0004_001B, "LinkMacToViewerPing";
    }
}

impl MessageId {
    /// The name that the specification gives to a known message.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let mut known = ClientMessage::IDS.iter().chain(ServerMessage::IDS);
        known.find(|(id, _)| *id == self).map(|(_, name)| *name)
    }
}

/// Checks `chunkLen` and returns the id with the bytes that the message really has.
fn prefix(message: &Bytes) -> Result<(MessageId, Bytes), DecodeError> {
    let truncated = |field, at: usize| DecodeError {
        layer: Layer::Prefix,
        offset: u64::from(wire::len32(at)),
        field,
        problem: Problem::Truncated,
    };
    let (&chunks, rest) = message.split_first_chunk().ok_or_else(|| truncated("chunkLen", 0))?;
    let (&id, _) = rest.split_first_chunk().ok_or_else(|| truncated("MID", 4))?;
    let message = message.slice(..message_length(chunks, message.len())?);
    Ok((MessageId(u32::from_le_bytes(id)), message))
}

/// Writes length, id, body and padding.
fn put_message(id: MessageId, out: &mut BytesMut, body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32_le(0);
    out.put_u32_le(id.0);
    body(out);
    let length = out.len().saturating_sub(start);
    let padding = length.next_multiple_of(8).saturating_sub(length);
    out.put_bytes(0, padding);
    let chunks = wire::len32(length.div_ceil(8)).to_le_bytes();
    if let Some(field) = out.get_mut(start..).and_then(|message| message.first_chunk_mut()) {
        *field = chunks;
    }
}

/// A duration of so many seconds, if it is one: finite, not negative, not too long.
fn seconds(value: f64) -> Option<std::time::Duration> {
    std::time::Duration::try_from_secs_f64(value).ok()
}

/// Writes a time as seconds. The longest times would round up to 2^64, which [`seconds`] refuses:
/// they become the double below it.
fn put_seconds(out: &mut BytesMut, time: std::time::Duration) {
    out.put_f64_le(time.as_secs_f64().min(18_446_744_073_709_549_568.0));
}

/// Parses `hr` and the `playIncarnation` that follows it in nearly every answer.
fn hr_and_incarnation(body: &[u8]) -> Wire<'_, (crate::hresult::HResult, u32)> {
    let (rest, (hr, incarnation)) =
        (wire::u32_le("hr"), wire::u32_le("playIncarnation")).parse(body)?;
    Ok((rest, (crate::hresult::HResult(hr), incarnation)))
}
