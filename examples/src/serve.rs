//! A server for a file or a folder: one thread for all players.
//!
//! [`Library`] finds files, `title` reads one of them. `hub` is the event loop with the `door` at
//! which players are let in; `player` is one connection, whose bytes `writer` gathers; `session` is
//! the machine on it and what it plays; `report` says what became of it.

pub mod channel;
mod clock;
mod door;
pub mod feed;
mod hub;
mod library;
mod player;
mod playlist;
mod report;
mod session;
mod title;
mod writer;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use mms_proto::mmsp::ServerConfig;
pub use mms_proto::mmsp::server::{Pace, ServerTimeouts};

use hub::Hub;
pub use hub::Stopper;
pub use library::{Library, LibraryError};
pub use playlist::{Playlist, PlaylistError, PlaylistPlayer, default_streams};
use report::Report;
pub use title::{Outgoing, Step, Title, TitleError, Titles};

/// A player that takes no byte for this long, although there is something to write, is gone.
pub const STALL: Duration = Duration::from_secs(30);
/// Bytes that may wait undecoded: there is room for the longest message anyway.
const BUFFERED: usize = 16 << 10;

/// What a server is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// A file, or a folder with everything in it.
    pub root: PathBuf,
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// How fast to send.
    pub pace: Pace,
    /// Players at a time; more are turned away.
    pub max_players: usize,
    /// Close the connection this long after the end of a file if the player stays silent.
    pub close_after_end: Duration,
    /// Close the connection of a player that takes no byte for this long, default [`STALL`].
    pub stall: Duration,
    /// How long to wait for what a player has to say.
    pub timeouts: ServerTimeouts,
    /// Report in JSON, one object a line.
    pub json_log: bool,
}

impl Options {
    /// Serves `root` on a free loopback port at full speed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            pace: Pace::Full,
            max_players: 1000,
            close_after_end: Duration::from_secs(5),
            stall: STALL,
            timeouts: ServerTimeouts::default(),
            json_log: false,
        }
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Serving {
    hub: Hub,
    library: Library,
    options: Options,
}

/// What all players share.
#[derive(Debug)]
struct House {
    library: Library,
    options: Options,
    report: Report,
    stall: Duration,
}

/// Why a server could not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is nothing to serve.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The only file there is cannot be served.
    #[error("cannot serve {path}: {source}; name another file", path = .path.display())]
    Title {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TitleError,
    },
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl Serving {
    /// Begins to listen.
    ///
    /// # Errors
    /// When there is nothing to serve, or nowhere to listen.
    pub fn start(options: Options) -> Result<Self, StartError> {
        let library = Library::open(&options.root)?;
        if let Some(path) = library.only() {
            // A folder may hold a damaged file among others; a file alone had better play.
            let path = path.to_owned();
            Title::open(&path).map_err(|source| StartError::Title { path, source })?;
        }
        let address = options.listen;
        let hub = mio::net::TcpListener::bind(address)
            .and_then(|listener| Hub::new(listener, options.max_players))
            .map_err(|source| StartError::Listen { address, source })?;
        Ok(Self { hub, library, options })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not know.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.hub.address()
    }

    /// One URL for each file.
    ///
    /// # Errors
    /// When the operating system does not know where it listens.
    pub fn urls(&self) -> io::Result<Vec<String>> {
        let mut address = self.address()?;
        if address.ip().is_unspecified() {
            address.set_ip(if address.is_ipv4() {
                std::net::Ipv4Addr::LOCALHOST.into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        let urls = self.library.list();
        Ok(urls.iter().map(|path| format!("mms://{address}/{path}")).collect())
    }

    /// A handle that stops it.
    ///
    /// # Errors
    /// None today.
    pub fn stopper(&self) -> io::Result<Stopper> {
        Ok(self.hub.stopper())
    }

    /// Serves until it is stopped. `report` is called with one line for each session that begins
    /// to play something and one for each that is over; it must not block, for nobody is served
    /// meanwhile.
    ///
    /// # Errors
    /// When the operating system can no longer be asked what happens.
    pub fn run(self, report: impl Fn(&str) + Send + Sync + 'static) -> io::Result<()> {
        let Self { hub, library, options } = self;
        let report = Report::new(options.json_log, report);
        let stall = options.stall;
        hub.run(&House { library, options, report, stall })
    }
}

impl House {
    /// What the machine of a new session is told.
    fn config(&self) -> ServerConfig {
        let (id, seed) = uuid::Uuid::new_v4().as_u64_pair();
        let [a, b, c, d, ..] = id.to_le_bytes();
        let mut config = ServerConfig::default()
            .client_id(u32::from_le_bytes([a, b, c, d]))
            .seed(seed)
            .pace(self.options.pace)
            .timeouts(self.options.timeouts.clone());
        config.close_after_end = Some(self.options.close_after_end);
        config.max_unanswered_pings = Some(3);
        config.limits.buffered = BUFFERED;
        config
    }
}
