//! What machines tell applications. Every transport has the same events.

use bytes::Bytes;

use crate::auth::{Challenge, Credentials};
use crate::client_log::ClientLog;
use crate::content::{AsfPacket, Content};
use crate::deviation::Deviation;
use crate::error::Error;
use crate::hresult::HResult;
use crate::request::{PlayRequest, Rate};
use crate::stream::StreamSelection;
use crate::ticket::Ticket;
use crate::version::PeerVersion;

/// What a client session tells its application.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// The server answered.
    Connected(ServerInfo),
    /// The bandwidth test measured this many bits per second.
    Bandwidth(u64),
    /// The server wants to know who asks. Nothing goes on until the application answers with
    /// `authenticate` or `close`.
    Challenge(Challenge),
    /// The content is elsewhere. The session is over; `redirected` of the protocol's configuration
    /// makes that of the next one.
    Redirected(Redirect),
    /// The file is open and its header is here: time to play.
    Ready(Content),
    /// The header of the playlist's next entry is here: time to play it. Its packets may already
    /// follow; they belong to the new entry.
    ///
    /// It can cross a stop or a seek. Packets come then only once the entry is played, and a seek
    /// that was meant for the entry before is over without [`Started`](Self::Started).
    NextEntry(Content),
    /// The server accepted the play command: packets follow.
    Started,
    /// The server refused the play command; the session goes on.
    PlayRefused(HResult),
    /// A media packet.
    Packet(AsfPacket),
    /// The server answered the stream selection.
    StreamsSelected,
    /// The server refused the stream selection; the session goes on.
    SelectionRefused(HResult),
    /// The server has no more packets of this entry. With `more`, another entry follows; when it
    /// does not come after all, [`Deviation::NoNextEntry`] and this event without `more` say so.
    /// [`Reception`] tells how much came.
    EndOfStream {
        /// True when [`NextEntry`](Self::NextEntry) is to be expected.
        more: bool,
        /// The server's reason: an error code when it ended early.
        hr: HResult,
    },
    /// The server stopped, as asked.
    Stopped,
    /// The peer broke a rule without harm.
    Deviation(Deviation),
    /// A message that the specification does not have, as it came.
    Unknown {
        /// Its id, as the protocol numbers messages.
        id: u32,
        /// What follows the id.
        body: Bytes,
    },
    /// The session is over; the driver closes the connection. Always the last event.
    Closed(CloseReason),
}

/// What a server session tells its application.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerEvent {
    /// A client said who it is.
    Connected(ClientInfo),
    /// A client wants a file, or has responded to a challenge and wants it still. Nothing goes on
    /// until the request is answered.
    Open(OpenRequest),
    /// The client selected streams, before playing or while it plays. It was answered.
    SelectStreams(Vec<StreamSelection>),
    /// The client wants to play; it was answered. Packets are asked for with
    /// [`PacketWanted`](Self::PacketWanted) from now on. While streaming this is a seek.
    Play(PlayRequest),
    /// The client plays on where it is, at this speed and in this direction; it was answered, and
    /// packets are asked for at this speed from now on. What was asked for before is still owed.
    /// After a change of direction the times of packets count anew. Only where positions of play
    /// commands are ignored while streaming; else such a command is a [`Play`](Self::Play).
    Rate(Rate),
    /// Pacing and queue allow more packets: answer with `send_packet` or `end_of_stream`. The
    /// request is void after [`Play`](Self::Play) and [`Stopped`](Self::Stopped).
    ///
    /// Several packets may answer one request, until `room` is used up or one of them waits until it
    /// is due; the next is refused then ([`StateError::NotWanted`](crate::StateError::NotWanted)) and
    /// asked for anew.
    PacketWanted {
        /// Bytes that may be sent before the machine would wait again: the credit of the request. The
        /// last packet may be larger than what is left of it.
        room: usize,
    },
    /// The client stopped: send nothing more.
    Stopped,
    /// What the client reports about what it played.
    Log(Box<ClientLog>),
    /// The peer broke a rule without harm.
    Deviation(Deviation),
    /// A message that the specification does not have, as it came.
    Unknown {
        /// Its id, as the protocol numbers messages.
        id: u32,
        /// What follows the id.
        body: Bytes,
    },
    /// The session is over; the driver closes the connection. Always the last event.
    Closed(CloseReason),
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// This side closed it.
    Local,
    /// The peer closed it at a moment when it may.
    Peer,
    /// The content is elsewhere.
    Redirected,
    /// Nothing happened for the whole idle time.
    Idle,
    /// It failed.
    Failed(Error),
}

impl CloseReason {
    /// The answer to input that comes after the end: the error again, if there was one.
    pub(crate) fn outcome(&self) -> Result<(), Error> {
        match self {
            Self::Failed(error) => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerInfo {
    /// Its version as text, such as `9.01.01.3814`.
    pub version_text: String,
    /// Its version as numbers.
    pub version: PeerVersion,
    /// The authentication scheme it announced; empty for none.
    pub authentication: String,
}

/// What a client says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// Its name as it was sent, such as `NSPlayer/9.0.0.2980; {GUID}; Host: example`. Never
    /// validated.
    pub subscriber: String,
    /// Product and version read from it.
    pub version: PeerVersion,
}

/// Where the content is instead.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirect {
    /// At another URL, of scheme `mms`, `mmst` or `mmsu`.
    Url(String),
    /// Behind this proxy: a URL as above, or `host:port`, which is sent as a URL; 1755 where it
    /// names no port. `None` stops using one.
    Proxy(Option<String>),
}

/// A client's wish to open a file, consumed by exactly one answer.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a client waits for the answer"]
pub struct OpenRequest {
    /// The name as it was sent: a path without leading slash, often followed by `?query`. Some
    /// players percent-encode it, some do not (T31).
    pub path: String,
    /// Who asks, as the client says with the request or in response to a challenge; `None` when
    /// it says nothing, or nothing that can be read. They are not verified: that is the
    /// application's part.
    #[doc(alias = "tokenData")]
    pub credentials: Option<Credentials>,
    /// How many challenges came before it in the session.
    pub round: u32,
    pub(crate) ticket: Ticket,
}

/// What came of an entry since it was last asked for: compare it with what was announced.
///
/// [`ClientEvent::EndOfStream`] says that the server has no more packets, not that all of them
/// were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Reception {
    /// Packets delivered.
    pub packets: u64,
    /// Number of the first of them ([`AsfPacket::location_id`]).
    pub first: Option<u32>,
    /// Number of the latest of them.
    pub last: Option<u32>,
    /// Packets that the application could not use, of those delivered.
    pub rejected: u64,
    /// Packets of the whole file, where the server announced their number: not in live streams,
    /// nor of later entries of a playlist.
    pub announced: Option<u64>,
}

impl Reception {
    /// Packets of the file that follow the latest one; `None` where their number was not
    /// announced.
    ///
    /// After the end of a stream that was played forwards to its end it is zero, unless the
    /// server stopped early or the last packets hold only streams that were not selected: servers
    /// leave those out.
    #[must_use]
    pub fn missing_at_end(&self) -> Option<u64> {
        let next = self.last.map_or(0, |last| u64::from(last).saturating_add(1));
        self.announced.map(|announced| announced.saturating_sub(next))
    }
}

/// Numbers about a session so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Media packets delivered or sent.
    pub packets: u64,
    /// Their bytes, without Data heads.
    pub bytes: u64,
    /// Data packets that were dropped because they belong to nothing that was asked for.
    pub dropped: u64,
    /// Deviations tolerated.
    pub deviations: u64,
}
