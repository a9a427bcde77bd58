//! A server for a file or a folder: one thread a player.
//!
//! Four rooms: [`Library`] finds files, `title` reads one of them, `driver` moves bytes between a
//! socket and the machine, and this file accepts players and says what became of them.

pub mod channel;
mod clock;
mod driver;
pub mod feed;
mod library;
mod playlist;
mod title;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mms_proto::mmsp::ServerConfig;
pub use mms_proto::mmsp::server::Pace;

pub use library::{Library, LibraryError};
pub use playlist::{Playlist, PlaylistError, PlaylistPlayer, default_streams};
pub use title::{Outgoing, Step, Title, TitleError, Titles};

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
}

impl Options {
    /// Serves `root` on a free loopback port at full speed.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            pace: Pace::Full,
            max_players: 200,
            close_after_end: Duration::from_secs(5),
        }
    }
}

/// A server that listens.
#[derive(Debug)]
pub struct Serving {
    listener: TcpListener,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    library: Library,
    options: Options,
    players: AtomicUsize,
    stopping: AtomicBool,
}

/// Tells a [`Serving`] to stop.
#[derive(Debug, Clone)]
pub struct Stopper {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Stopper {
    /// Makes [`Serving::run`] return. Players that are being served go on until they leave.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for the next player.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
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
        let listener =
            TcpListener::bind(address).map_err(|source| StartError::Listen { address, source })?;
        let shared = Shared {
            library,
            options,
            players: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        };
        Ok(Self { listener, shared: Arc::new(shared) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not know.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
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
        let urls = self.shared.library.list();
        Ok(urls.iter().map(|path| format!("mms://{address}/{path}")).collect())
    }

    /// A handle that stops it.
    ///
    /// # Errors
    /// When the operating system does not know where it listens.
    pub fn stopper(&self) -> io::Result<Stopper> {
        Ok(Stopper { shared: Arc::clone(&self.shared), address: self.address()? })
    }

    /// Serves until it is stopped. `report` is called with one line for each player that leaves.
    ///
    /// # Errors
    /// When no more connections can be accepted.
    pub fn run(&self, report: impl Fn(&str) + Send + Sync + 'static) -> io::Result<()> {
        let report: Arc<dyn Fn(&str) + Send + Sync> = Arc::new(report);
        for connection in self.listener.incoming() {
            if self.shared.stopping.load(Ordering::SeqCst) {
                return Ok(());
            }
            match connection {
                Ok(player) => self.welcome(player, &report),
                // A player that gave up before it was welcomed is no reason to stop; running out
                // of descriptors passes when another one leaves.
                Err(error) => {
                    report(&format!("a connection failed: {error}"));
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        Ok(())
    }

    fn welcome(&self, player: TcpStream, report: &Arc<dyn Fn(&str) + Send + Sync>) {
        let who = player
            .peer_addr()
            .map_or_else(|_| "a player".to_owned(), |address| address.to_string());
        let seat = Seat::take(&self.shared);
        let Some(seat) = seat else {
            report(&format!(
                "{who} turned away: {} players are here already",
                self.shared.options.max_players
            ));
            return;
        };
        let thread_report = Arc::clone(report);
        let name = who.clone();
        let spawned = std::thread::Builder::new().name("player".to_owned()).spawn(move || {
            let line = driver::serve(&player, &seat.shared.library, config(&seat.shared.options));
            thread_report(&format!("{name} {line}"));
        });
        if let Err(error) = spawned {
            report(&format!("{who} turned away: {error}"));
        }
    }
}

/// One player's place; it is free again when the player leaves, however that happens.
struct Seat {
    shared: Arc<Shared>,
}

impl Seat {
    fn take(shared: &Arc<Shared>) -> Option<Self> {
        let seat = Self { shared: Arc::clone(shared) };
        let before = shared.players.fetch_add(1, Ordering::SeqCst);
        (before < shared.options.max_players).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.players.fetch_sub(1, Ordering::SeqCst);
    }
}

fn config(options: &Options) -> ServerConfig {
    let (id, seed) = uuid::Uuid::new_v4().as_u64_pair();
    let [a, b, c, d, ..] = id.to_le_bytes();
    let mut config = ServerConfig::default()
        .client_id(u32::from_le_bytes([a, b, c, d]))
        .seed(seed)
        .pace(options.pace);
    config.close_after_end = Some(options.close_after_end);
    config.max_unanswered_pings = Some(3);
    config
}
