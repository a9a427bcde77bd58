//! Who comes in: accepting connections, and what to do when there is no room for more.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};

/// How long to wait when the system has no descriptor, or no memory, for one more connection.
const PAUSE: Duration = Duration::from_millis(100);
/// Connections at a time on which nothing was said. They cost some hundred bytes each.
const SILENT: usize = 16 << 10;
/// Once the system was at its limit, they stay so far below it: files need descriptors as well.
const RESERVE: usize = 16;
/// The newest of them stay in any case, or nobody could come in any more.
const SPARED: usize = 8;
/// How long the limit is remembered.
const MEMORY: Duration = Duration::from_secs(60);

/// The listener.
#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
    /// Somebody may be waiting.
    knock: bool,
    /// The system had no room for one more; try again then.
    pause: Option<Instant>,
    /// How many connections there may be, and until when that is believed.
    limit: Option<(usize, Instant)>,
    silent: Silent,
}

/// What was found at the door.
#[derive(Debug)]
pub(super) enum Found {
    Player(TcpStream, SocketAddr),
    /// One that has gone already.
    Lost,
    Nobody,
    /// The system cannot accept more.
    Full(io::Error),
}

impl Door {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, knock: true, pause: None, limit: None, silent: Silent::default() }
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Somebody has come.
    pub(super) fn knock(&mut self) {
        self.knock = true;
    }

    /// Whether it is worth a look.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.knock && self.pause.is_none_or(|until| until <= now)
    }

    /// When it will be worth a look, if nothing happens before.
    pub(super) fn opens(&self) -> Option<Instant> {
        self.pause.filter(|_| self.knock)
    }

    /// A connection was closed: there is room for another.
    pub(super) fn room(&mut self) {
        self.pause = None;
    }

    /// Lets the next one in.
    pub(super) fn accept(&mut self, now: Instant) -> Found {
        match self.listener.accept() {
            Ok((socket, address)) => Found::Player(socket, address),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => {
                    self.knock = false;
                    Found::Nobody
                }
                ErrorKind::Interrupted
                | ErrorKind::ConnectionAborted
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionRefused
                | ErrorKind::TimedOut => Found::Lost,
                // Out of descriptors or memory. The one that waits is still there, and the
                // listener would be ready for ever: not to be asked in a circle.
                _ => {
                    self.pause = now.checked_add(PAUSE);
                    Found::Full(error)
                }
            },
        }
    }

    /// The system was full with so many connections.
    pub(super) fn full(&mut self, connections: usize, now: Instant) {
        let until = now.checked_add(MEMORY).unwrap_or(now);
        self.limit = Some((connections.saturating_sub(RESERVE), until));
    }

    /// Keys of silent connections that have to go, now that there are so many in all.
    pub(super) fn evict(&mut self, connections: usize, now: Instant) -> Vec<usize> {
        self.limit = self.limit.filter(|&(_, until)| now < until);
        let limit = self.limit.map_or(usize::MAX, |(limit, _)| limit);
        self.silent.evict(connections.saturating_sub(limit))
    }

    /// The connections on which nothing was said.
    pub(super) fn silent(&mut self) -> &mut Silent {
        &mut self.silent
    }
}

/// Connections on which nothing was said yet, in the order in which they came. They make room for
/// others: a player speaks as soon as it is connected.
#[derive(Debug, Default)]
pub(super) struct Silent {
    by_arrival: BTreeMap<u64, usize>,
    count: u64,
}

impl Silent {
    /// Notes a connection by its key; returns its number.
    pub(super) fn add(&mut self, key: usize) -> u64 {
        self.count = self.count.wrapping_add(1);
        self.by_arrival.insert(self.count, key);
        self.count
    }

    /// It has spoken, or is gone.
    pub(super) fn remove(&mut self, number: u64) {
        self.by_arrival.remove(&number);
    }

    /// Takes so many of the oldest away, or more when there are too many.
    fn evict(&mut self, count: usize) -> Vec<usize> {
        let surplus = self.by_arrival.len().saturating_sub(SILENT);
        let most = self.by_arrival.len().saturating_sub(SPARED);
        let count = count.max(surplus).min(most);
        std::iter::from_fn(|| self.by_arrival.pop_first()).take(count).map(|(_, key)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_silent_connections_make_room() {
        let mut silent = Silent::default();
        let numbers: Vec<u64> = (0..100).map(|key| silent.add(key)).collect();
        assert!(silent.evict(0).is_empty());
        // One of the oldest has spoken.
        silent.remove(numbers[3]);
        assert_eq!(silent.evict(5), [0, 1, 2, 4, 5]);
        assert_eq!(silent.evict(1_000).len(), 94 - SPARED);
        assert!(silent.evict(1_000).is_empty());
        for key in 0..SILENT {
            silent.add(key);
        }
        assert_eq!(silent.evict(0).len(), SPARED);
    }

    #[test]
    fn a_limit_that_was_met_is_kept_away_from_for_a_while() {
        let listener = TcpListener::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let mut door = Door::new(listener);
        let now = Instant::now();
        for key in 0..100 {
            door.silent().add(key);
        }
        assert!(door.evict(100, now).is_empty());
        door.full(100, now);
        assert_eq!(door.evict(100, now).len(), RESERVE);
        assert!(door.evict(100 - RESERVE, now).is_empty());
        assert_eq!(door.evict(101 - RESERVE, now).len(), 1);
        assert!(door.evict(1_000, now + MEMORY).is_empty());
    }
}
