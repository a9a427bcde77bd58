//! A server for files, lists and live streams: one thread for all players.
//!
//! `catalog` knows what a name means, among others the files that [`Library`] finds. [`Title`] reads
//! a file on demand, [`Playlist`] a list of them; [`feed`] brings a live stream, and [`channel`]
//! shares it out. `hub` is the event loop with the `door` at which players are let in; `player` is
//! one connection, whose bytes `writer` gathers; `session` is the machine on it and what it plays;
//! `report` says what became of it.

mod broadcast;
mod catalog;
pub mod channel;
mod client_ids;
mod counters;
mod descriptors;
mod door;
pub mod feed;
mod guesses;
mod hub;
mod library;
mod network;
mod options;
mod padding;
mod player;
mod playlist;
pub mod program;
mod report;
mod seats;
mod session;
mod stopper;
mod title;
mod users;
mod writer;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use mms_proto::AuthScheme;
use mms_proto::StartBurst;
use mms_proto::mmsp::ServerConfig;

pub use counters::Counters;
pub use library::{Library, LibraryError};
pub use options::{
    FAST_START, FIRST_PLAY, Live, Options, Pace, Redirection, STALL, ServerTimeouts, StartError,
};
pub use playlist::{
    EntryError, LeftOut, Listed, Playlist, PlaylistError, PlaylistPlayer, default_streams, listed,
};
pub use stopper::Stopper;
pub use title::{Outgoing, Step, Title, TitleError, Titles};
pub use users::{Users, UsersError};

use broadcast::Broadcast;
use catalog::Catalog;
use client_ids::ClientIds;
use feed::Feed;
use guesses::Guesses;
use hub::Hub;
use report::Report;

/// Play commands of a player in a second: each is a search in a file.
const PLAYS: u32 = 4;
/// Bytes that may wait undecoded: there is room for the longest message anyway.
const BUFFERED: usize = 16 << 10;

/// A server that listens.
#[derive(Debug)]
pub struct Serving {
    hub: Hub,
    catalog: Catalog,
    broadcast: Option<Broadcast>,
    users: Option<Users>,
    options: Options,
    counters: Counters,
}

/// What all players share.
#[derive(Debug)]
struct House {
    catalog: Catalog,
    titles: Titles,
    broadcast: Option<Broadcast>,
    users: Option<Users>,
    options: Options,
    report: Report,
    /// Wrong passwords lately.
    guesses: Guesses,
    counters: Counters,
    client_ids: ClientIds,
}

impl Serving {
    /// Begins to listen, and to bring what is live.
    ///
    /// # Errors
    /// When there is nothing to serve, or nowhere to listen.
    pub fn start(mut options: Options) -> Result<Self, StartError> {
        let users = options.users.as_deref().map(Users::read).transpose()?;
        let catalog = Catalog {
            library: options.root.as_deref().map(library).transpose()?,
            playlist: options.playlist.as_deref().map(playlist).transpose()?,
            channel: options.live.as_ref().map(|live| live.name.clone()),
            redirects: options.redirects.clone(),
        };
        options.notes.extend(catalog.notes());
        let address = options.listen;
        let hub = mio::net::TcpListener::bind(address)
            .and_then(|listener| Hub::new(listener, options.max_players, options.max_per_address))
            .map_err(|source| StartError::Listen { address, source })?;
        let broadcast = match options.live.take() {
            Some(live) => {
                let feed = Feed::start(live.source, hub.waker()).map_err(StartError::Live)?;
                Some(Broadcast::new(feed))
            }
            None => None,
        };
        let counters = Counters::default();
        Ok(Self { hub, catalog, broadcast, users, options, counters })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the operating system does not know.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.hub.address()
    }

    /// One URL for each file, list and live stream.
    ///
    /// # Errors
    /// When the operating system does not know where it listens.
    pub fn urls(&self) -> io::Result<Vec<String>> {
        let mut address = self.address()?;
        if address.ip().is_unspecified() {
            address.set_ip(own_address(address.is_ipv4()));
        }
        let urls = self.catalog.list();
        Ok(urls.iter().map(|path| format!("mms://{address}/{path}")).collect())
    }

    /// What it does, counted while it does it.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters.clone()
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
        let Self { hub, catalog, broadcast, users, options, counters } = self;
        let report = Report::new(options.json_log, report);
        options.notes.iter().for_each(|note| report.trouble(note));
        let titles = Titles::default();
        let guesses = Guesses::default();
        hub.run(&mut House {
            catalog,
            titles,
            broadcast,
            users,
            options,
            report,
            guesses,
            counters,
            client_ids: ClientIds::default(),
        })
    }
}

impl House {
    /// Whether nothing is left to serve, and why if it should not be so.
    fn over(&self) -> Option<Option<String>> {
        let ended = self.broadcast.as_ref().and_then(Broadcast::ended);
        ended.filter(|_| self.catalog.is_only_a_channel()).cloned()
    }

    /// What the machine of a new session is told.
    fn config(&self) -> ServerConfig {
        // The first half has four bits of version, the second two of variant.
        let (one, other) = uuid::Uuid::new_v4().as_u64_pair();
        let mut config = ServerConfig::default()
            .client_id(self.client_ids.next())
            .seed(one.rotate_left(32) ^ other)
            .pace(self.options.pace)
            .timeouts(self.options.timeouts.clone());
        config.authentication = self.users.as_ref().map(|_| AuthScheme::Basic);
        config.close_after_end = Some(self.options.close_after_end);
        config.hold_end = true;
        // Downloaders of 2006 select nothing and expect everything (T22).
        config.select_all_unasked = true;
        config.start_burst = (!self.options.fast_start.is_zero())
            .then_some(StartBurst::new(self.options.fast_start, FAST_START));
        config.max_unanswered_pings = Some(3);
        config.plays_a_second = PLAYS;
        config.limits.buffered = BUFFERED;
        config
    }
}

fn library(root: &Path) -> Result<Library, StartError> {
    let library = Library::open(root)?;
    if let Some(path) = library.only() {
        // A folder may hold a damaged file among others; a file alone had better play.
        let path = path.to_owned();
        Title::open(&path).map_err(|source| StartError::Title { path, source })?;
    }
    Ok(library)
}

/// The address under which others reach this machine: the one that it would send from. Nothing is
/// sent: a UDP socket that is connected has a route and no more.
fn own_address(ipv4: bool) -> IpAddr {
    // Addresses that belong to nobody (RFC 5737, RFC 3849): they take the default route.
    let (any, elsewhere): (SocketAddr, SocketAddr) = if ipv4 {
        ((Ipv4Addr::UNSPECIFIED, 0).into(), ([192, 0, 2, 1], 9).into())
    } else {
        ((Ipv6Addr::UNSPECIFIED, 0).into(), ([0x2001, 0xDB8, 0, 0, 0, 0, 0, 1], 9).into())
    };
    let own = UdpSocket::bind(any)
        .and_then(|socket| socket.connect(elsewhere).and_then(|()| socket.local_addr()));
    match own {
        Ok(own) if !own.ip().is_unspecified() => own.ip(),
        _ if ipv4 => Ipv4Addr::LOCALHOST.into(),
        _ => Ipv6Addr::LOCALHOST.into(),
    }
}

/// A list and its name.
fn playlist(path: &Path) -> Result<(String, Playlist), StartError> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok((name, Playlist::read(path)?))
}
