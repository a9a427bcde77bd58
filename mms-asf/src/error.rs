//! Errors of reading and writing.

use std::fmt;

use crate::Deviation;

/// Why bytes or media objects were refused. Offsets are in bytes, from the first one handed to the
/// function that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes contradict the format, or end too early.
    #[error("{what} at byte {offset}: expected {expected}")]
    Malformed {
        /// The object, packet or field that could not be read.
        what: &'static str,
        /// Where it lies.
        offset: u64,
        /// What should have been there.
        expected: &'static str,
    },
    /// The bytes are no header of any kind: there are none, or they are text.
    #[error("{0}")]
    NotAsf(NotAsf),
    /// The bytes may be legal, but this crate does not handle them.
    #[error("{what} at byte {offset} is not supported")]
    Unsupported {
        /// The thing that is not handled.
        what: &'static str,
        /// Where it lies.
        offset: u64,
    },
    /// A declared or real size is beyond a limit; nothing of that size was reserved.
    #[error("{what} is {value}, the limit is {limit}")]
    Limit {
        /// The quantity that is too large.
        what: &'static str,
        /// Its value.
        value: u64,
        /// The largest value allowed.
        limit: u64,
    },
    /// The bytes do something that is put up with elsewhere, but not by
    /// [`Header::parse_strict`](crate::Header::parse_strict).
    #[error("against the rules: {0}")]
    Deviates(Deviation),
    /// A media object is for a stream that the header does not declare, or such a stream was asked
    /// for.
    #[error("stream {number} is not declared")]
    NoSuchStream {
        /// The stream number.
        number: u8,
    },
    /// No stream is kept, or none of those that are has a packet.
    #[error("nothing is kept")]
    NothingKept,
    /// A media object comes too late to be sent before it has to be shown.
    #[error(
        "a media object of stream {stream} for {time} ms comes behind one for {latest} ms, \
             which is more than the preroll of {preroll} ms later"
    )]
    TooLate {
        /// The stream number.
        stream: u8,
        /// The media time of the media object, in milliseconds.
        time: u64,
        /// The highest media time before, in milliseconds.
        latest: u64,
        /// The preroll, in milliseconds.
        preroll: u64,
    },
}

/// Bytes that are taken for an ASF file by their name alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotAsf {
    /// There are none.
    Empty,
    /// They are text.
    Text,
}

impl NotAsf {
    /// What a file is that starts with these bytes, if that can be said.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        if start.is_empty() {
            return Some(Self::Empty);
        }
        let whole = match std::str::from_utf8(start) {
            Ok(text) => Some(text),
            // A character that is cut off where the bytes end.
            Err(error) if error.error_len().is_none() => {
                start.get(..error.valid_up_to()).and_then(|start| std::str::from_utf8(start).ok())
            }
            Err(_) => None,
        };
        let prints = |c: char| !c.is_control() || c.is_ascii_whitespace();
        let utf16 = start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]);
        let text = utf16 || whole.is_some_and(|text| !text.is_empty() && text.chars().all(prints));
        text.then_some(Self::Text)
    }
}

impl fmt::Display for NotAsf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty",
            Self::Text => "it is text, not ASF",
        })
    }
}

/// An [`Error`] of the format, or one of the reader or writer underneath.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The bytes of the file were refused.
    #[error(transparent)]
    Format(#[from] Error),
    /// The reader or writer failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// No whole packet follows the header.
    #[error("no whole packet follows the header")]
    NoPackets,
    /// The header is damaged, and a stream that packets belong to is not declared in what is left
    /// of it: without its format nothing plays it.
    #[error(
        "the header is damaged, and stream {stream}, which has packets, is not declared any more"
    )]
    StreamLost {
        /// The stream number.
        stream: u8,
    },
    /// The file has no such packet.
    #[error("there is no packet {number}, the file holds {count}")]
    NoSuchPacket {
        /// The packet asked for, counted from 0.
        number: u64,
        /// How many packets the file holds.
        count: u64,
    },
}
