//! Live content, brought by a thread: from a pipe, from files in real time, from another server.
//!
//! A thread does what blocks, and hands over headers and packets through a queue of bounded length.
//! When nobody takes them it waits, and with it whoever writes into the pipe, and the other server.

mod chunks;
mod files;
mod header;
mod outlet;
mod pace;
mod pipe;
mod span;
mod upstream;

use std::fmt;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use mms_asf::Limits;
use mms_proto::MAX_PACKET_SIZE;

pub use self::upstream::UpstreamOptions;

use self::outlet::{Outlet, Shared, Stopped};
use crate::files::open_regular;

/// Bytes of a header that is taken. A live stream has no use for pictures of many megabytes, and
/// every player keeps a header until it is sent.
const HEADER_BYTES: u32 = 4 << 20;

/// What a [`Feed`] brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedItem {
    /// The header of the packets that follow: Header Object and 50 bytes of the Data Object.
    Header(Bytes),
    /// A packet, as long as the packet size of the last header.
    Packet(Bytes),
    /// The content has ended; nothing follows.
    End,
    /// The content cannot go on, and why; nothing follows.
    Failed(String),
    /// One line for a person. What was brought is not affected.
    Note(String),
}

/// Where live content comes from.
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "there is one a feed, and it is moved once")]
pub enum FeedSource {
    /// ASF from standard input, as fast as it comes: who writes it keeps the time.
    StandardInput,
    /// The same from something else.
    Reader(Box<dyn Read + Send>),
    /// Files one after the other, in real time by the send times of their packets.
    Files {
        /// At least one.
        paths: Vec<PathBuf>,
        /// Begin again after the last one, for ever. A single file then goes on without a new
        /// header, its times rising.
        repeat: bool,
    },
    /// A stream of another server.
    Upstream(UpstreamOptions),
}

impl fmt::Debug for FeedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardInput => f.write_str("StandardInput"),
            Self::Reader(_) => f.write_str("Reader"),
            Self::Files { paths, repeat } => {
                f.debug_struct("Files").field("paths", paths).field("repeat", repeat).finish()
            }
            Self::Upstream(options) => f.debug_tuple("Upstream").field(options).finish(),
        }
    }
}

/// A thread that brings live content. Dropping it stops it.
#[derive(Debug)]
pub struct Feed {
    shared: Arc<Shared>,
}

impl Feed {
    /// Starts a thread. It calls `wake` when there is something to take after there was nothing:
    /// whoever is woken calls [`try_next`](Self::try_next) until it is `None`, or comes back for
    /// the rest by itself.
    ///
    /// # Errors
    /// When there is no file or one cannot be opened, and when the system gives no thread.
    pub fn start(source: FeedSource, wake: impl Fn() + Send + 'static) -> io::Result<Self> {
        if let FeedSource::Files { paths, .. } = &source {
            check(paths)?;
        }
        let (outlet, shared) = Outlet::new(wake);
        std::thread::Builder::new().name("feed".to_owned()).spawn(move || {
            // Who has stopped it knows that it has ended.
            let _ = run(source, &outlet).and_then(|last| outlet.send(last));
        })?;
        Ok(Self { shared })
    }

    /// What came next; `None` when there is nothing yet, after the end, and once stopped.
    pub fn try_next(&self) -> Option<FeedItem> {
        self.shared.try_next()
    }

    /// Ends the thread and drops what it has brought. It does not wait: the thread is gone at
    /// once, but for one that reads from a pipe, which is gone with the next byte or the end of
    /// the process.
    pub fn stop(&self) {
        self.shared.stop();
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Brings everything; returns what is to be said last.
fn run(source: FeedSource, outlet: &Outlet) -> Result<FeedItem, Stopped> {
    match source {
        FeedSource::StandardInput => pipe::run(io::stdin(), outlet),
        FeedSource::Reader(input) => pipe::run(input, outlet),
        FeedSource::Files { paths, repeat } => files::run(&paths, repeat, outlet),
        FeedSource::Upstream(options) => upstream::run(options, outlet),
    }
}

/// Finds out early what would go wrong with the first look at a file.
fn check(paths: &[PathBuf]) -> io::Result<()> {
    if paths.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file to play"));
    }
    for path in paths {
        open_regular(path).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })?;
    }
    Ok(())
}

/// What is read of files and pipes: nothing that could not be sent on.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.packet_size = MAX_PACKET_SIZE;
    limits.header_bytes = HEADER_BYTES.into();
    limits
}
