//! How opening, playing and recording a stream can fail.

mod recording;

use std::io;

use mms_proto::mmsp::client::RedirectError;
use mms_proto::{AuthScheme, HResult, Phase, StateError};

use crate::dial::DialError;
use crate::url::UrlError;

pub use self::recording::{RecordingError, ResumeRefused};

/// Why a stream could not be opened, played or recorded.
///
/// `Display` is one line for a person: what happened, where, and what the other side said. It
/// includes what [`source`](std::error::Error::source) says, so print one or the other.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not one of an MMS stream.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// No connection could be made.
    #[error(transparent)]
    Dial(DialError),
    /// The connection failed in a way that is more than a close or a reset, which are
    /// [`Protocol`](Self::Protocol) errors.
    #[error("{server}: the connection failed while {phase}: {source}")]
    Io {
        /// The server, as `host:port`.
        server: String,
        /// What was going on.
        phase: Phase,
        /// What the system said.
        source: io::Error,
    },
    /// The session failed: the server refused, was silent, closed at the wrong moment, or sent
    /// something that makes no sense. The inner error names the phase and the server's reason.
    #[error("{server}: {source}")]
    Protocol {
        /// The server, as `host:port`.
        server: String,
        /// What went wrong.
        source: mms_proto::Error,
    },
    /// The session ended at a moment when it may, but something was still wanted of it.
    #[error("{server}: the server has ended the session")]
    Closed {
        /// The server, as `host:port`.
        server: String,
    },
    /// The server refused to play.
    #[error("{server}: refused to play: {hr}")]
    PlayRefused {
        /// The server, as `host:port`.
        server: String,
        /// Its reason.
        hr: HResult,
    },
    /// The server refused the selection of streams.
    #[error("{server}: refused the selection of streams: {hr}")]
    SelectionRefused {
        /// The server, as `host:port`.
        server: String,
        /// Its reason.
        hr: HResult,
    },
    /// The server ended the stream before its end, and said why.
    #[error("{server}: ended the stream early: {hr}")]
    EndedEarly {
        /// The server, as `host:port`.
        server: String,
        /// Its reason.
        hr: HResult,
    },
    /// The server ended a file before the number of packets that it had announced, and called it
    /// a success.
    #[error("{server}: ended the stream after {received} of {announced} packets without a reason")]
    Incomplete {
        /// The server, as `host:port`.
        server: String,
        /// One more than the highest packet number that came.
        received: u64,
        /// How many packets the server had announced.
        announced: u64,
    },
    /// The server announced another entry of a playlist, and none came.
    #[error("{server}: announced another entry of the playlist, and none came")]
    NoNextEntry {
        /// The server, as `host:port`.
        server: String,
    },
    /// A command at a moment when it is not possible. Nothing was sent.
    #[error(transparent)]
    State(#[from] StateError),
    /// A redirect leads nowhere, or once too often.
    #[error("{server}: {source}")]
    Redirect {
        /// The server that redirected, as `host:port`.
        server: String,
        /// What is wrong with where it leads.
        source: RedirectError,
    },
    /// The server asks who is there and there are no credentials for it. Credentials are never
    /// handed on to the server that a redirect leads to.
    #[error("{server}: a user name and password are needed{}", Realm(realm.as_deref()))]
    CredentialsNeeded {
        /// The server, as `host:port`.
        server: String,
        /// What they are for, in the server's words.
        realm: Option<String>,
    },
    /// The server wants the password in clear text, and that was not allowed.
    #[error(
        "{server}: the server wants the password in clear text, readable by everybody on the way; \
         it was not sent, as this was not allowed"
    )]
    ClearText {
        /// The server, as `host:port`.
        server: String,
    },
    /// The server wants proof of identity in a way that this crate does not have.
    #[error("{server}: the server asks for {scheme:?} authentication, which is not supported")]
    AuthScheme {
        /// The server, as `host:port`.
        server: String,
        /// What it wants.
        scheme: AuthScheme,
    },
    /// The [`Cancel`](crate::Cancel) handle was used.
    #[error("cancelled")]
    Cancelled,
    /// The stream's ASF header cannot be worked with.
    #[error("the stream's header is unusable: {0}")]
    Asf(#[from] mms_asf::Error),
    /// The recording failed, or could not be resumed.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

impl From<DialError> for Error {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Cancelled => Self::Cancelled,
            other => Self::Dial(other),
        }
    }
}

struct Realm<'a>(Option<&'a str>);

impl std::fmt::Display for Realm<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            // Quoted and escaped: the text is the server's.
            Some(realm) if !realm.is_empty() => write!(f, " for {realm:?}"),
            _ => Ok(()),
        }
    }
}
