//! What a server is told, and why it may not begin.

pub use mms_proto::ServerTimeouts;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use mms_proto::Pace;

use super::feed::FeedSource;
use super::library::LibraryError;
use super::playlist::PlaylistError;
use super::title::TitleError;
use super::users::UsersError;
use crate::files::shown;

/// A player that takes no byte for this long, although there is something to write, is gone.
pub const STALL: Duration = Duration::from_secs(30);

/// A player that plays nothing for this long after it connected is gone.
pub const FIRST_PLAY: Duration = Duration::from_secs(120);

/// How many times faster than it plays the beginning goes, where that is wanted.
pub const FAST_START: u8 = 4;

/// What a server is told.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    /// A file, or a folder with everything in it: each player begins where it likes.
    pub root: Option<PathBuf>,
    /// A list of files that are played one after the other, for each player from the first one on.
    pub playlist: Option<PathBuf>,
    /// What all players share, and join in the middle.
    pub live: Option<Live>,
    /// Names that are elsewhere.
    pub redirects: Vec<Redirection>,
    /// A file with the names and passwords of those who may play; without one everybody may.
    pub users: Option<PathBuf>,
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How fast to send.
    pub pace: Pace,
    /// So much of a file, at most 60 s, goes at [`FAST_START`] times its speed to players that do
    /// not ask for an accelerated start themselves, with [`Pace::BitRate`].
    pub fast_start: Duration,
    /// Players at a time; more are refused.
    pub max_players: usize,
    /// Players at a time of one IPv4 address, or of one /64 network of IPv6; more are refused. 0 is
    /// any number: behind a proxy all players have its address.
    pub max_per_address: usize,
    /// Close the connection this long after the end of a file if the player stays silent and is
    /// older than version 9: MPlayer waits for it (T45).
    pub close_after_end: Duration,
    /// Close the connection of a player that takes no byte for this long, default [`STALL`].
    pub stall: Duration,
    /// How long to wait for what a player has to say.
    pub timeouts: ServerTimeouts,
    /// Report in JSON, one object a line.
    pub json_log: bool,
    /// Lines to report at the start.
    pub notes: Vec<String>,
}

/// One stream for all players.
#[derive(Debug)]
pub struct Live {
    /// Its name in a URL, not encoded. The bare address plays it as well.
    pub name: String,
    /// Where it comes from.
    pub source: FeedSource,
}

/// A name that is elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirection {
    /// The name that players ask for.
    pub from: String,
    /// The URL that they are sent to.
    pub to: String,
}

/// Why a server could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is no file to serve.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The only file there is cannot be served.
    #[error("cannot serve {path}: {source}; name another file", path = shown(.path))]
    Title {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TitleError,
    },
    /// The list cannot be played.
    #[error(transparent)]
    Playlist(#[from] PlaylistError),
    /// What all players share cannot be begun.
    #[error("cannot play it live: {0}")]
    Live(io::Error),
    /// The names and passwords cannot be read.
    #[error(transparent)]
    Users(#[from] UsersError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Options {
    /// Serves a file or folder on a free loopback port at full speed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: Some(root.into()), ..Self::nothing() }
    }

    /// Plays one stream for all, on a free loopback port.
    #[must_use]
    pub fn live(name: impl Into<String>, source: FeedSource) -> Self {
        Self { live: Some(Live { name: name.into(), source }), ..Self::nothing() }
    }

    /// Serves nothing yet.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            root: None,
            playlist: None,
            live: None,
            redirects: Vec::new(),
            users: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            pace: Pace::Full,
            fast_start: Duration::ZERO,
            max_players: 1000,
            max_per_address: 0,
            close_after_end: Duration::from_secs(5),
            stall: STALL,
            timeouts: ServerTimeouts::default().with_first_play(FIRST_PLAY),
            json_log: false,
            notes: Vec::new(),
        }
    }
}
