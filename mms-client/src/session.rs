//! An open stream: [`Session`] before playing, [`Playback`] while it plays, and back.

mod entry;
mod getters;
mod open;
mod playback;
mod played;

use mms_proto::mmsp::Client;
use mms_proto::{
    ClientEvent, CloseReason, Deviation, HResult, PlayRequest, ServerInfo, StreamSelection,
};

pub use self::entry::Entry;
pub use self::open::{OpenOptions, open};
pub use self::playback::{EndOfStream, Playback};
use crate::connection::Connection;
use crate::error::Error;

/// How many deviations are kept; more are only counted.
const MAX_DEVIATIONS: usize = 64;

/// A stream that is open and not playing. Dropping it closes the connection.
///
/// Nothing runs behind the application's back: between two calls nobody reads, so a server that
/// asks whether the client is still there gets its answer with the next call. Most wait for
/// minutes; do not keep a session for hours.
#[derive(Debug)]
pub struct Session {
    core: Core,
    entry: Entry,
    /// Its packets flow already: it follows another entry.
    flows: bool,
}

/// What outlives one play command: the connection and what was learnt over it.
#[derive(Debug)]
pub(crate) struct Core {
    connection: Connection<Client>,
    server: Option<ServerInfo>,
    bandwidth: Option<u64>,
    deviations: Vec<Deviation>,
}

impl Core {
    fn new(connection: Connection<Client>) -> Self {
        Self { connection, server: None, bandwidth: None, deviations: Vec::new() }
    }

    /// The next event that is more than a remark.
    fn next_event(&mut self) -> Result<ClientEvent, Error> {
        loop {
            match self.connection.next_event()? {
                ClientEvent::Connected(info) => self.server = Some(info),
                ClientEvent::Bandwidth(rate) => self.bandwidth = Some(rate),
                ClientEvent::Deviation(deviation) => {
                    if self.deviations.len() < MAX_DEVIATIONS {
                        self.deviations.push(deviation);
                    }
                }
                ClientEvent::Unknown { .. } | ClientEvent::StreamsSelected => {}
                event => return Ok(event),
            }
        }
    }

    fn closed(&mut self, reason: CloseReason) -> Error {
        self.connection.closed_error(reason)
    }

    fn server_name(&self) -> String {
        self.connection.server().to_owned()
    }

    fn play_refused(&self, hr: HResult) -> Error {
        Error::PlayRefused { server: self.server_name(), hr }
    }

    fn selection_refused(&self, hr: HResult) -> Error {
        Error::SelectionRefused { server: self.server_name(), hr }
    }
}

impl Session {
    /// Every stream of the content, from the beginning to the end.
    ///
    /// # Errors
    /// When the header cannot be read, and as [`play`](Self::play).
    pub fn play_all(self) -> Result<Playback, Error> {
        let request = self.all_streams()?;
        self.play(request)
    }

    /// A request for every stream of the content, from the beginning to the end.
    ///
    /// # Errors
    /// When the header cannot be read.
    pub fn all_streams(&self) -> Result<PlayRequest, Error> {
        Ok(PlayRequest::all(self.entry.streams()?))
    }

    /// Plays. Streams of the content that the request does not name are switched off by name.
    ///
    /// At the [next entry](Playback::next_entry) of a playlist `start` has no effect: the server
    /// has begun already, and what it has sent comes first.
    ///
    /// # Errors
    /// When the server refuses, the connection fails, or more streams are named than there can
    /// be. The session is closed then.
    pub fn play(self, mut request: PlayRequest) -> Result<Playback, Error> {
        self.name_all_streams(&mut request.streams);
        Playback::start(self, request)
    }

    /// Says goodbye, which takes as long as the server needs, within limits. Dropping the session
    /// does the same without waiting.
    ///
    /// # Errors
    /// When the connection fails before that. There is nothing to be done about it.
    pub fn close(self) -> Result<(), Error> {
        self.core.connection.close()
    }

    /// A server sends nothing of a stream that it was told nothing about, but MMSP-C-060 wants
    /// each one named.
    fn name_all_streams(&self, streams: &mut Vec<StreamSelection>) {
        let Ok(declared) = self.entry.streams() else { return };
        for number in declared {
            if !streams.iter().any(|selection| selection.stream == number) {
                streams.push(StreamSelection::off(number));
            }
        }
    }
}
