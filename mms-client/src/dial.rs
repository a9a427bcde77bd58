//! Opening a TCP connection with one time-out for everything and a way to stop it.
//!
//! Nothing here knows about MMS. std can neither interrupt a name lookup nor a connect, so both
//! run on a helper thread; the caller waits on a channel and may leave before the thread is done.
//! The thread then notices that nobody listens, closes what it opened and ends.

mod addresses;
mod cancel;
mod error;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

pub use cancel::{Cancel, CancelGuard};
pub use error::{DialError, DialPhase};

/// The time a default [`Dialer`] gives to one dial: several lost packets, not a dead server.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Longer time-outs are cut to this, so that adding one to a clock reading cannot overflow.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

/// Something that opens TCP connections: a [`Dialer`], a proxy client, or a test.
pub trait Dial: Send + Sync {
    /// Opens a connection to `host` (a name, or an IP address without brackets) and `port`.
    ///
    /// The caller registers the socket with `cancel` itself: one cancelled meanwhile is then
    /// shut down at once.
    ///
    /// # Errors
    ///
    /// A [`DialError`]; in particular [`DialError::Cancelled`] soon after `cancel` is used.
    fn dial(&self, host: &str, port: u16, cancel: &Cancel) -> Result<TcpStream, DialError>;

    /// Opens one more connection of a session whose first one was dialled with the same `host` and
    /// `port`, and leads to `peer`: the server, or a proxy on the way to it.
    ///
    /// Dials `host` again unless it is overridden, as a proxy client has to. A [`Dialer`] connects
    /// to `peer`: the name may have other addresses, of servers that do not know the session.
    ///
    /// # Errors
    ///
    /// As [`dial`](Self::dial).
    fn dial_again(
        &self,
        host: &str,
        port: u16,
        peer: SocketAddr,
        cancel: &Cancel,
    ) -> Result<TcpStream, DialError> {
        let _ = peer;
        self.dial(host, port, cancel)
    }
}

/// Connects directly: resolves the name and tries its addresses in turn, IPv6 and IPv4
/// alternating. The socket has `TCP_NODELAY` set.
#[derive(Debug, Clone)]
pub struct Dialer {
    connect_timeout: Duration,
    network: Arc<dyn Network>,
}

impl Dialer {
    /// A dialer that spends at most `connect_timeout` on one dial, name lookup included. Each
    /// address gets an even share of the time that is left; a day is the most.
    pub fn new(connect_timeout: Duration) -> Self {
        Self { connect_timeout: connect_timeout.min(LONGEST_TIMEOUT), network: Arc::new(System) }
    }

    /// The most time one dial takes.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }
}

impl Default for Dialer {
    fn default() -> Self {
        Self::new(DEFAULT_CONNECT_TIMEOUT)
    }
}

impl Dial for Dialer {
    fn dial(&self, host: &str, port: u16, cancel: &Cancel) -> Result<TcpStream, DialError> {
        self.connect(host, port, None, cancel)
    }

    fn dial_again(
        &self,
        host: &str,
        _port: u16,
        peer: SocketAddr,
        cancel: &Cancel,
    ) -> Result<TcpStream, DialError> {
        self.connect(host, peer.port(), Some(peer), cancel)
    }
}

impl Dialer {
    /// Connects to the `known` address, or to those of `host`.
    fn connect(
        &self,
        host: &str,
        port: u16,
        known: Option<SocketAddr>,
        cancel: &Cancel,
    ) -> Result<TcpStream, DialError> {
        if cancel.is_cancelled() {
            return Err(DialError::Cancelled);
        }
        let start = Instant::now();
        let deadline = start.checked_add(self.connect_timeout).unwrap_or(start);
        let (events, receiver) = mpsc::channel();
        let wake = events.clone();
        let _guard = cancel.on_cancel(move || {
            // Fails only when this call has already returned.
            let _ = wake.send(Event::Cancelled);
        });
        let helper = Helper {
            network: Arc::clone(&self.network),
            host: host.to_owned(),
            port,
            known,
            deadline,
            events,
        };
        thread::Builder::new()
            .name("mms-dial".to_owned())
            .spawn(move || helper.run())
            .map_err(|source| DialError::Thread { source })?;
        let stream = Wait { host, port, start, deadline }.run(&receiver)?;
        if cancel.is_cancelled() { Err(DialError::Cancelled) } else { Ok(stream) }
    }
}

/// The two system calls behind a dial, replaced in tests.
trait Network: fmt::Debug + Send + Sync {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
    fn connect(&self, address: SocketAddr, timeout: Duration) -> io::Result<TcpStream>;
}

#[derive(Debug)]
struct System;

impl Network for System {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.collect())
    }

    fn connect(&self, address: SocketAddr, timeout: Duration) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        // Messages are small and answered one by one: waiting to fill a segment only delays them.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

enum Event {
    ResolveFailed(io::Error),
    /// How many addresses will be tried.
    Resolved(usize),
    Failed(SocketAddr, io::Error),
    Connected(TcpStream),
    /// Every address has failed.
    Exhausted,
    Cancelled,
}

/// The part that blocks in the system, on a thread of its own.
struct Helper {
    network: Arc<dyn Network>,
    host: String,
    port: u16,
    /// The address of `host`, where it needs no lookup.
    known: Option<SocketAddr>,
    deadline: Instant,
    events: Sender<Event>,
}

impl Helper {
    fn run(&self) {
        let resolved = match self.known {
            Some(address) => Ok(vec![address]),
            None => self.network.resolve(&self.host, self.port),
        };
        let addresses = match resolved {
            Ok(addresses) => addresses::interleave(addresses),
            Err(error) => {
                self.tell(Event::ResolveFailed(error));
                return;
            }
        };
        if !self.tell(Event::Resolved(addresses.len())) {
            return;
        }
        let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
        for address in addresses {
            let remaining = self.deadline.saturating_duration_since(Instant::now());
            let share = remaining.checked_div(left).unwrap_or_default();
            if share.is_zero() {
                return; // The caller has seen its deadline pass too.
            }
            left = left.saturating_sub(1);
            let told = match self.network.connect(address, share) {
                Ok(stream) => {
                    self.tell(Event::Connected(stream));
                    return;
                }
                Err(error) => self.tell(Event::Failed(address, error)),
            };
            if !told {
                return;
            }
        }
        self.tell(Event::Exhausted);
    }

    /// False when the caller has left; what could not be sent is dropped, which closes a socket.
    fn tell(&self, event: Event) -> bool {
        self.events.send(event).is_ok()
    }
}

/// The part that waits, on the caller's thread.
struct Wait<'a> {
    host: &'a str,
    port: u16,
    start: Instant,
    deadline: Instant,
}

impl Wait<'_> {
    fn run(&self, events: &Receiver<Event>) -> Result<TcpStream, DialError> {
        let host = || self.host.to_owned();
        let mut phase = DialPhase::Resolve;
        let mut attempts: Vec<(SocketAddr, io::Error)> = Vec::new();
        loop {
            let remaining = self.deadline.saturating_duration_since(Instant::now());
            match events.recv_timeout(remaining) {
                Ok(Event::Connected(stream)) => return Ok(stream),
                Ok(Event::Cancelled) => return Err(DialError::Cancelled),
                Ok(Event::ResolveFailed(source)) => {
                    return Err(DialError::Resolve { host: host(), source });
                }
                Ok(Event::Resolved(0)) => return Err(DialError::NoAddress { host: host() }),
                Ok(Event::Resolved(_)) => phase = DialPhase::Connect,
                Ok(Event::Failed(address, error)) => attempts.push((address, error)),
                // The last address has all the time that was left, so its own time-out and the
                // deadline are the same event, whichever is noticed first.
                Ok(Event::Exhausted) if !ended_by_time(&attempts) => {
                    return Err(DialError::Connect { host: host(), port: self.port, attempts });
                }
                Ok(Event::Exhausted) | Err(_) => {
                    return Err(DialError::TimedOut {
                        phase,
                        host: host(),
                        port: self.port,
                        after: self.start.elapsed(),
                        attempts,
                    });
                }
            }
        }
    }
}

fn ended_by_time(attempts: &[(SocketAddr, io::Error)]) -> bool {
    attempts.last().is_some_and(|(_, error)| error.kind() == io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests;
