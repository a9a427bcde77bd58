//! What can go wrong, and what a person may do about it.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use mms_client::{Error, RecordingError, ResumeRefused};
use mms_proto::HResult;

use super::report::clock;
use super::{DemoError, OutputError};

/// Why nothing, or not everything, was recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The stream.
    #[error(transparent)]
    Client(Error),
    /// The stream's ASF header cannot be worked with.
    #[error("{server}: the header of the stream is unusable: {error}")]
    Header {
        /// The server, as `host:port`.
        server: String,
        /// What is wrong with it.
        error: mms_asf::Error,
    },
    /// The file could not be made.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The file cannot be written, read or gone on with.
    #[error("{}", with_file(file, error))]
    File {
        /// The file; "standard output" for that.
        file: String,
        /// What happened to it.
        error: RecordingError,
    },
    /// A stream was asked for that is not there.
    #[error("{server}: there is no stream {asked}, only {}", numbers(available))]
    NoSuchStream {
        /// The server, as `host:port`.
        server: String,
        /// What was asked for.
        asked: u8,
        /// What there is.
        available: Vec<u8>,
    },
    /// A start or an end was asked for in a stream that is live.
    #[error("{server}: the stream is live: it has no beginning to count from")]
    Live {
        /// The server, as `host:port`.
        server: String,
        /// The option that asked for it.
        option: &'static str,
    },
    /// The start that was asked for is not in the content.
    #[error("{server}: the start at {} is beyond the end, the content lasts {}", clock(*start), clock(*duration))]
    BeyondEnd {
        /// The server, as `host:port`.
        server: String,
        /// What was asked for.
        start: Duration,
        /// How long the content lasts.
        duration: Duration,
    },
    /// The server goes on and on with what is recorded already.
    #[error("{server}: {error}")]
    Useless {
        /// The server, as `host:port`.
        server: String,
        /// What it sent.
        error: RecordingError,
    },
    /// The stream ended at once.
    #[error("{server}: the stream ended without a packet")]
    Nothing {
        /// The server, as `host:port`.
        server: String,
    },
    /// Nothing had been recorded yet when it was stopped.
    #[error("stopped before anything was recorded from {url}")]
    Stopped {
        /// The address.
        url: String,
    },
    /// The demonstration did not begin, or found a difference.
    #[error(transparent)]
    Demo(#[from] DemoError),
}

impl Failure {
    /// Names the server or the file, whichever it happened to.
    pub(super) fn of(error: Error, server: &str, file: Option<&PathBuf>) -> Self {
        match (error, file) {
            (Error::Asf(error) | Error::Recording(RecordingError::Asf(error)), _) => {
                Self::Header { server: server.to_owned(), error }
            }
            (Error::Recording(error @ RecordingError::NothingNew { .. }), _) => {
                Self::Useless { server: server.to_owned(), error }
            }
            (Error::Recording(error), Some(file)) => Self::File { file: super::shown(file), error },
            (error, _) => Self::Client(error),
        }
    }

    /// Whether the file is as it was, and nothing was added to it.
    pub(super) fn left_file_alone(&self) -> bool {
        matches!(self, Self::File { error: RecordingError::Resume(_), .. })
    }

    /// Whether trying again may help: then going on with the file does as well.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Client(error) => match error {
                Error::Protocol { source, .. } => !matches!(source, mms_proto::Error::Unauthorized),
                Error::Io { .. }
                | Error::Closed { .. }
                | Error::EndedEarly { .. }
                | Error::Incomplete { .. } => true,
                _ => false,
            },
            Self::File { error: RecordingError::Write(_), .. } | Self::Stopped { .. } => true,
            _ => false,
        }
    }

    /// Whether the server's file may end early each time.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self, Self::Client(Error::Incomplete { .. }))
    }

    /// What a person may do about it. Where nothing is said the error does so itself.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Client(error) => return client_advice(error),
            Self::File { error, .. } => match error {
                RecordingError::Write(error) => match error.kind() {
                    ErrorKind::BrokenPipe => return None,
                    ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space",
                    _ => "choose another place with -o",
                },
                RecordingError::NoChosenStream => "choose with --streams, or leave it out",
                RecordingError::Resume(ResumeRefused::Live) => "record to another file with -o",
                RecordingError::Resume(ResumeRefused::OtherTail) => {
                    "cut it off with repair, or record to another file with -o"
                }
                RecordingError::Resume(_) => {
                    "record to another file with -o, or begin again with --force"
                }
                _ => "choose another file with -o",
            },
            Self::Header { .. } => "the server's file may be damaged: try another",
            Self::Useless { .. } => ASK,
            Self::NoSuchStream { .. } => "choose with --streams, or leave it out",
            Self::Live { option: "--start", .. } => "leave out --start",
            Self::Live { option: "--end", .. } => "leave out --end, or give a --duration",
            Self::Live { .. } => "leave out --start-packet",
            Self::BeyondEnd { .. } => "choose an earlier --start",
            Self::Nothing { .. } => "begin earlier with --start or --start-packet, or try again",
            Self::Output(_) | Self::Stopped { .. } | Self::Demo(_) => return None,
        })
    }
}

pub(super) const AGAIN: &str = "try again";
const LATER: &str = "try again later";
const ASK: &str = "ask whoever runs the server";
const PATH: &str = "check the path in the address";
const LOGIN: &str = "check the name and the password";

fn client_advice(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::ClearText { .. } => "give --user and --password to send it all the same",
        Error::CredentialsNeeded { .. } => "give --user and --password",
        Error::AuthScheme { .. } => "look for an address without a login",
        Error::Io { .. } | Error::Closed { .. } | Error::NoNextEntry { .. } => AGAIN,
        Error::Incomplete { .. } => "its file may be cut: try again later",
        Error::EndedEarly { .. } => LATER,
        Error::PlayRefused { hr, .. } => refused(*hr).unwrap_or("try another --start, or none"),
        Error::SelectionRefused { .. } => "try other --streams, or none",
        Error::Redirect { .. } => ASK,
        Error::Protocol { source, .. } => match source {
            mms_proto::Error::Refused { hr, .. } => refused(*hr).unwrap_or(ASK),
            mms_proto::Error::TimedOut { .. } => "try again, or wait longer with --timeout",
            mms_proto::Error::Disconnected { .. } => AGAIN,
            mms_proto::Error::Unauthorized => LOGIN,
            _ => "check that this is a Microsoft Media Server",
        },
        _ => return None,
    })
}

fn refused(hr: HResult) -> Option<&'static str> {
    Some(match hr {
        HResult::FILE_NOT_FOUND
        | HResult::SYSTEM_FILE_NOT_FOUND
        | HResult::SYSTEM_PATH_NOT_FOUND
        | HResult::INVALID_NAME => PATH,
        HResult::ACCESS_DENIED => LOGIN,
        HResult::NETWORK_BUSY
        | HResult::TOO_MANY_SESSIONS
        | HResult::MAX_CLIENTS
        | HResult::INSUFFICIENT_BANDWIDTH
        | HResult::SHUTDOWN
        | HResult::TIMEOUT => LATER,
        _ => return None,
    })
}

fn with_file(file: &str, error: &RecordingError) -> String {
    match error {
        RecordingError::Write(source) if source.kind() == ErrorKind::BrokenPipe => {
            format!("whoever was reading {file} has stopped")
        }
        RecordingError::Write(source) => format!("cannot write {file}: {source}"),
        RecordingError::Read(source) => format!("cannot read {file}: {source}"),
        RecordingError::Resume(reason) => format!("cannot resume {file}: {reason}"),
        other => format!("{file}: {other}"),
    }
}

/// "1, 2 and 5".
fn numbers(all: &[u8]) -> String {
    let words: Vec<String> = all.iter().map(u8::to_string).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "no stream at all".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_failure_names_what_where_and_what_to_do() {
        let server = || "host:1755".to_owned();
        let full = RecordingError::Write(io::Error::from(ErrorKind::StorageFull));
        let file = PathBuf::from("a.wmv");
        for (failure, line, advice) in [
            (
                Failure::of(Error::Recording(full), "host:1755", Some(&file)),
                "cannot write a.wmv: no storage space",
                Some("free some space"),
            ),
            (
                Failure::NoSuchStream { server: server(), asked: 7, available: vec![1, 2, 5] },
                "host:1755: there is no stream 7, only 1, 2 and 5",
                Some("choose with --streams, or leave it out"),
            ),
            (
                Failure::Client(Error::PlayRefused { server: server(), hr: HResult::MAX_CLIENTS }),
                "host:1755: refused to play: the server has no room for more clients \
                 (NS_E_MAX_CLIENTS, 0xC00D0049)",
                Some(LATER),
            ),
        ] {
            assert_eq!(failure.to_string(), line);
            assert_eq!(failure.advice(), advice);
        }
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(numbers(&[]), "no stream at all");
        assert_eq!(numbers(&[3]), "3");
        assert_eq!(numbers(&[3, 4]), "3 and 4");
    }
}
