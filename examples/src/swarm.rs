//! Hundreds of players at once, from one server: how late are their packets, how much memory does
//! a session take?
//!
//! `clip` makes what is played, `child` is the server as a process of its own, whose
//! memory can be looked at, `player` is one player and `crowd` all of them on one thread, and
//! [`Report`] says what came of it.

mod child;
mod clip;
mod crowd;
mod flood;
mod player;
mod report;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mms_proto::{PlayRequest, StreamNumber};

pub use child::serve;
pub use flood::run as flood;
pub use report::Report;

/// What to measure, and what is wanted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Players at a time, at least 1.
    pub sessions: u32,
    /// How long the file plays, in whole seconds, at least 1.
    pub time: Duration,
    /// Where the server listens; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The latest that a packet may be.
    pub late: Duration,
    /// The most bytes that the server may take for a session.
    pub memory: u64,
    /// Connections that do nothing but play, again and again, while the players play. There is one
    /// file of 160 s and one whose header declares seven more streams, which are empty.
    pub flood: u32,
}

impl Options {
    /// 500 players for a minute, no packet later than 250 ms, 32 KiB a session.
    #[must_use]
    pub fn new() -> Self {
        Self {
            sessions: 500,
            time: Duration::from_secs(60),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            late: Duration::from_millis(250),
            memory: 32 << 10,
            flood: 0,
        }
    }
}

impl Options {
    /// All connections at a time.
    fn players(&self) -> u32 {
        self.sessions.saturating_add(self.flood)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SwarmError {
    /// The file could not be made.
    #[error("cannot make a file to play: {0}")]
    Clip(#[from] mms_asf::FileError),
    /// Something that the operating system was asked for.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server could not begin.
    #[error(transparent)]
    Start(#[from] crate::serve::StartError),
    /// The server ended, or said something that is no address.
    #[error("the server did not begin: it said {0:?}")]
    Child(String),
}

/// Makes a file, starts a server for it, plays it with all players, and says what came of it.
///
/// # Errors
/// When that cannot be begun. Players that fail are counted in the report.
pub fn run(options: &Options) -> Result<Report, SwarmError> {
    let clip = clip::Clip::make(options.time, 0)?;
    let mut server = child::Child::start(clip.path(), options)?;
    let before = server.memory();
    let request = PlayRequest::all(StreamNumber::new(1));
    let played = crowd::play(options, &request, &mut server)?;
    Ok(Report::new(options, clip.packets(), before, played))
}
