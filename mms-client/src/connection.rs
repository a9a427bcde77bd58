//! The loop between one machine and one socket: the only place that reads and writes the network.
//!
//! ```text
//! socket ─► recv_buffer/received ─► machine ─► poll_output ─► Event    ─► session
//!   ▲                                  ▲                    ├► Transmit ─► socket
//!   └──────── read time-out ◄──────────┴──── deadline ◄─────┴► Wait
//! ```
//!
//! The loop uses the calls of [`Machine`] alone, and one connection.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use mms_proto::mmsp::{Client, ClientConfig};
use mms_proto::{ClientEvent, CloseReason, ConnectionId, Input, Machine, Output, Phase};

use crate::dial::{Cancel, CancelGuard};
use crate::error::Error;

/// The shortest read time-out: zero means "for ever" to the system.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
/// The longest write time-out, which no clock overflows by.
const LONGEST_WRITE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long what has arrived before a failed write is still taken in.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// The longest that dropping a connection may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(200);

/// What is read at most once a deadline has passed: more than a system lets wait in a socket.
const LATE: usize = 16 << 20;

/// A machine and its socket.
#[derive(Debug)]
pub(crate) struct Connection {
    machine: Client,
    socket: TcpStream,
    /// Who is at the other end, for error messages: `host:port`.
    server: String,
    cancel: Cancel,
    _guard: CancelGuard,
    write_timeout: Duration,
    /// A deadline that has passed, and what was read since; [`LATE`] once the socket was found
    /// empty or nearly so.
    overdue: Option<(Instant, usize)>,
    broken: Option<Broken>,
    closed: bool,
}

/// A write has failed: nothing is written any more.
#[derive(Debug)]
struct Broken {
    phase: Phase,
    error: io::Error,
    /// Until when the rest of what the peer said is read.
    until: Instant,
}

impl Connection {
    /// Begins a session over a connection that is open already.
    pub(crate) fn new(
        socket: TcpStream,
        mut config: ClientConfig,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let (host, port) = config.connect_to();
        let server =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let write_timeout = config.session.timeouts.reply.clamp(SHORTEST_WAIT, LONGEST_WRITE);
        let prepare = || -> io::Result<_> {
            let local = socket.local_addr()?;
            socket.set_write_timeout(Some(write_timeout))?;
            Ok((local, cancel.register(&socket)?))
        };
        let (local, guard) = prepare().map_err(|source| Error::Io {
            server: server.clone(),
            phase: Phase::Connecting,
            source,
        })?;
        config.local_address = local;
        Ok(Self {
            machine: Client::new(Instant::now(), config),
            socket,
            server,
            cancel: cancel.clone(),
            _guard: guard,
            write_timeout,
            overdue: None,
            broken: None,
            closed: false,
        })
    }

    /// The next event, waiting for it. After [`ClientEvent::Closed`] every call fails.
    ///
    /// Failures of the session are events; only cancellation and the socket make errors here.
    pub(crate) fn next_event(&mut self) -> Result<ClientEvent, Error> {
        loop {
            // Everything may look different once the socket was shut down under our feet.
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if self.closed {
                return Err(self.closed_error(CloseReason::Local));
            }
            match self.machine.poll_output() {
                Output::Event(event) => {
                    self.closed = matches!(event, ClientEvent::Closed(_));
                    return Ok(event);
                }
                Output::Transmit { data: transmit, .. } => {
                    for part in transmit.parts() {
                        self.write(part);
                    }
                }
                // One connection is all that MS-MMSP over TCP needs, and all that there is.
                Output::Connect { connection } => self.input(Input::TcpFailed { connection }),
                Output::Close { .. } => {
                    let _ = self.socket.shutdown(Shutdown::Write);
                }
                Output::Datagram(_) => {}
                Output::Wait(deadline) => match self.wait(deadline) {
                    Err(_) if self.cancel.is_cancelled() => return Err(Error::Cancelled),
                    done => done?,
                },
            }
        }
    }

    /// The machine, for commands; what they have to send goes out with the next event.
    pub(crate) fn machine(&mut self) -> &mut Client {
        &mut self.machine
    }

    /// The machine, for questions.
    pub(crate) fn peek(&self) -> &Client {
        &self.machine
    }

    /// Who is at the other end, as `host:port`.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What to tell the user when the session closed for this reason and should not have.
    pub(crate) fn closed_error(&mut self, reason: CloseReason) -> Error {
        let server = self.server.clone();
        let CloseReason::Failed(source) = reason else {
            return Error::Closed { server };
        };
        // The machine knows only that nothing came any more; a reset says no more than that.
        let vague = matches!(source, mms_proto::Error::Disconnected { .. });
        match self.broken.take() {
            Some(Broken { phase, error, .. }) if vague && !is_end(&error) => {
                Error::Io { server, phase, source: error }
            }
            _ => Error::Protocol { server, source },
        }
    }

    /// Says goodbye and waits for the server's part in it, as long as the machine does.
    pub(crate) fn close(mut self) -> Result<(), Error> {
        self.machine.close(Instant::now());
        while !self.closed {
            self.next_event()?;
        }
        Ok(())
    }

    /// Waits for input until the deadline and hands it to the machine.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        let phase = self.machine.phase();
        let failed = |server: &str, source| Error::Io { server: server.to_owned(), phase, source };
        let now = Instant::now();
        if self.broken.as_ref().is_some_and(|broken| broken.until <= now) {
            self.input(Input::tcp_closed());
            return Ok(());
        }
        // What was read late, of this deadline and no other.
        let read_late =
            self.overdue.take().filter(|&(at, _)| deadline == Some(at)).map_or(0, |(_, read)| read);
        if read_late >= LATE {
            self.input(Input::Timeout);
            return Ok(());
        }
        let mut wait = deadline.map(|at| at.saturating_duration_since(now).max(SHORTEST_WAIT));
        if self.broken.is_some() {
            wait = Some(SHORTEST_WAIT);
        }
        self.socket.set_read_timeout(wait).map_err(|source| failed(&self.server, source))?;
        let buffer = self.machine.recv_buffer(ConnectionId::MAIN);
        let room = buffer.len();
        if room == 0 {
            let full = io::Error::other("more was received than can be handled");
            return Err(failed(&self.server, full));
        }
        let read = self.socket.read(buffer);
        let now = Instant::now();
        // While the application was busy a deadline may have passed with bytes waiting here that
        // meet it; but neither a byte now and then nor a flood must put it off. So: read until the
        // socket is empty, or for so long that what arrives now was sent too late, then believe it.
        let late = deadline.is_some_and(|at| at <= now);
        match read {
            Ok(0) => self.input(Input::tcp_closed()),
            Ok(count) => {
                let read = read_in_all(read_late, count, room);
                self.overdue = deadline.filter(|_| late).map(|at| (at, read));
                // Fails only after the event that says why.
                let _ = self.machine.received(now, ConnectionId::MAIN, count);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) && self.broken.is_some() => {
                self.input(Input::tcp_closed());
            }
            Err(error) if is_timeout(&error) => self.input(Input::Timeout),
            Err(error) if is_end(&error) => self.input(Input::tcp_closed()),
            Err(error) => return Err(failed(&self.server, error)),
        }
        Ok(())
    }

    fn input(&mut self, input: Input<'_>) {
        // Fails only after the event that says why.
        let _ = self.machine.handle_input(Instant::now(), input);
    }

    /// Writes all of it, or notes why not: the server may have said why before it went away, and
    /// that is still to be read.
    fn write(&mut self, bytes: &[u8]) {
        if self.broken.is_some() || bytes.is_empty() {
            return;
        }
        if let Err(error) = write_all(&mut self.socket, bytes, self.write_timeout) {
            self.broken =
                Some(Broken { phase: self.machine.phase(), error, until: later(LAST_WORDS) });
        }
    }
}

impl Drop for Connection {
    /// Says what can be said without waiting for an answer.
    fn drop(&mut self) {
        if self.closed || self.cancel.is_cancelled() {
            return;
        }
        let _ = self.socket.set_write_timeout(Some(GOODBYE));
        self.write_timeout = GOODBYE;
        let until = later(GOODBYE);
        self.machine.close(Instant::now());
        while Instant::now() < until && self.broken.is_none() {
            match self.machine.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    for part in transmit.parts() {
                        self.write(part);
                    }
                }
                Output::Event(ClientEvent::Closed(_)) | Output::Wait(_) => break,
                Output::Event(_)
                | Output::Connect { .. }
                | Output::Close { .. }
                | Output::Datagram(_) => {}
            }
        }
    }
}

/// What was read since a deadline passed, counting the latest read. One that does not fill its room
/// has found the socket empty: what comes after it was not there in time.
fn read_in_all(before: usize, count: usize, room: usize) -> usize {
    if count < room { LATE } else { before.saturating_add(count) }
}

/// One write for the whole message where the system agrees, and not for ever: a peer that takes a
/// byte now and then gets no more time than one that takes none.
fn write_all(socket: &mut TcpStream, mut bytes: &[u8], timeout: Duration) -> io::Result<()> {
    let until = later(timeout);
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err(not_read()),
            Err(error) => return Err(error),
        }
        if !bytes.is_empty() && Instant::now() >= until {
            return Err(not_read());
        }
    }
    Ok(())
}

fn not_read() -> io::Error {
    io::Error::new(ErrorKind::TimedOut, "the server does not read what it is sent")
}

fn later(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now)
}

/// Which of the two a read time-out gives depends on the system.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The ways in which a connection ends: libmms, MPlayer and their like just close, which often
/// arrives as a reset (T47).
fn is_end(error: &io::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, UnexpectedEof};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | UnexpectedEof
    )
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn a_peer_that_does_not_read_cannot_hang_us() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_peer, _) = listener.accept().unwrap();
        let time = Duration::from_millis(50);
        socket.set_write_timeout(Some(time)).unwrap();
        let before = Instant::now();
        let error = loop {
            if let Err(error) = write_all(&mut socket, &[0; 1 << 20], time) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("does not read"), "{error}");
        assert!(before.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_deadline_is_believed_once_the_socket_is_empty() {
        for count in [1, 999] {
            assert_eq!(read_in_all(0, count, 1000), LATE, "{count}");
        }
        assert_eq!(read_in_all(0, 1000, 1000), 1000);
        assert_eq!(read_in_all(1000, 1000, 1000), 2000);
        assert_eq!(read_in_all(usize::MAX, 1, 1), usize::MAX);
    }

    #[test]
    fn the_ways_in_which_a_connection_ends() {
        for kind in
            [ErrorKind::ConnectionReset, ErrorKind::ConnectionAborted, ErrorKind::BrokenPipe]
        {
            assert!(is_end(&kind.into()), "{kind}");
            assert!(!is_timeout(&kind.into()), "{kind}");
        }
        assert!(!is_end(&ErrorKind::PermissionDenied.into()));
    }
}
