//! The loop between one machine and its sockets: the only place that reads and writes the network.
//!
//! ```text
//! socket ─► recv_buffer/received ─► machine ─► poll_output ─► Event    ─► session
//!   ▲                                  ▲                    ├► Transmit ─► socket
//!   └──────── read time-out ◄──────────┴──── deadline ◄─────┴► Wait
//! ```
//!
//! The loop knows no protocol: its machine is any [`ClientMachine`].

mod late;
mod machine;
mod tcp;

use std::io::{self, ErrorKind, Read as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use mms_proto::{CloseReason, ConnectionId, Input, Output, Phase};

use self::late::LateReads;
pub(crate) use self::machine::ClientMachine;
use self::tcp::{is_end, is_timeout, later, write_all};
use crate::dial::{Cancel, CancelGuard};
use crate::error::Error;

/// The shortest read time-out: zero means no time-out to the system.
const MIN_WAIT: Duration = Duration::from_millis(1);
/// The longest write time-out, which no clock overflows by.
const MAX_WRITE_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);
/// Time in which bytes that arrived before a failed write are still read.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest that dropping a connection may take to tell the server.
const DROP_TIMEOUT: Duration = Duration::from_millis(200);

/// The sockets of a session, for [`Connection::new`].
#[derive(Debug)]
pub(crate) struct Network {
    main: TcpStream,
    local_address: SocketAddr,
    /// The peer, for error messages: `host:port`.
    server: String,
    write_timeout: Duration,
    cancel: Cancel,
    guard: CancelGuard,
}

impl Network {
    /// A main connection that is open already, to `host` and `port`.
    ///
    /// # Errors
    /// When the system refuses a time-out or a duplicate of the socket.
    pub(crate) fn new(
        main: TcpStream,
        (host, port): (&str, u16),
        write_timeout: Duration,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let server =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let write_timeout = write_timeout.clamp(MIN_WAIT, MAX_WRITE_TIMEOUT);
        let prepare = || -> io::Result<_> {
            let local = main.local_addr()?;
            main.set_write_timeout(Some(write_timeout))?;
            Ok((local, cancel.register(&main)?))
        };
        match prepare() {
            Ok((local_address, guard)) => {
                let cancel = cancel.clone();
                Ok(Self { main, local_address, server, write_timeout, cancel, guard })
            }
            Err(source) => Err(Error::Io { server, phase: Phase::Connecting, source }),
        }
    }

    /// This end of the main connection.
    pub(crate) fn local_address(&self) -> SocketAddr {
        self.local_address
    }
}

/// A machine and its sockets.
#[derive(Debug)]
pub(crate) struct Connection<M: ClientMachine> {
    machine: M,
    socket: TcpStream,
    /// The peer, for error messages: `host:port`.
    server: String,
    cancel: Cancel,
    _guard: CancelGuard,
    write_timeout: Duration,
    late: LateReads,
    broken: Option<Broken>,
    closed: bool,
}

/// A write has failed: nothing is written any more.
#[derive(Debug)]
struct Broken {
    phase: Phase,
    error: io::Error,
    /// End of the time in which bytes that have arrived are still read.
    until: Instant,
}

impl<M: ClientMachine> Connection<M> {
    /// Begins a session.
    pub(crate) fn new(machine: M, network: Network) -> Self {
        let Network { main, server, write_timeout, cancel, guard, .. } = network;
        Self {
            machine,
            socket: main,
            server,
            cancel,
            _guard: guard,
            write_timeout,
            late: LateReads::default(),
            broken: None,
            closed: false,
        }
    }

    /// Waits for the next event. After the last one of the session every call fails.
    ///
    /// # Errors
    /// Failures of the session are events; only cancellation and the sockets make errors here.
    pub(crate) fn next_event(&mut self) -> Result<M::Event, Error> {
        loop {
            // A cancelled socket is shut down, which looks like the end of the stream.
            if self.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            if self.closed {
                return Err(self.closed_error(CloseReason::Local));
            }
            match self.machine.poll_output() {
                Output::Event(event) => {
                    self.closed = M::is_last(&event);
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

    /// The machine, for commands; the bytes that they send go out with the next event.
    pub(crate) fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    /// The machine, for questions.
    pub(crate) fn machine(&self) -> &M {
        &self.machine
    }

    /// The peer, as `host:port`.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Error for the user when the session closed for this reason and should not have.
    pub(crate) fn closed_error(&mut self, reason: CloseReason) -> Error {
        let server = self.server.clone();
        let CloseReason::Failed(source) = reason else {
            return Error::Closed { server };
        };
        // The machine knows only that nothing came any more; the failed write knows why.
        let vague = matches!(source, mms_proto::Error::Disconnected { .. });
        match self.broken.take() {
            Some(Broken { phase, error, .. }) if vague && !is_end(&error) => {
                Error::Io { server, phase, source: error }
            }
            _ => Error::Protocol { server, source },
        }
    }

    /// Ends the session and waits for the server's part in it, as long as the machine does.
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
        let read_late = self.late.take(deadline);
        if late::is_enough(read_late) {
            self.input(Input::Timeout);
            return Ok(());
        }
        let mut wait = deadline.map(|at| at.saturating_duration_since(now).max(MIN_WAIT));
        if self.broken.is_some() {
            wait = Some(MIN_WAIT);
        }
        self.socket.set_read_timeout(wait).map_err(|source| failed(&self.server, source))?;
        let buffer = self.machine.recv_buffer(ConnectionId::MAIN);
        let capacity = buffer.len();
        if capacity == 0 {
            let full = io::Error::other("more was received than can be handled");
            return Err(failed(&self.server, full));
        }
        let read = self.socket.read(buffer);
        let now = Instant::now();
        match read {
            Ok(0) => self.input(Input::tcp_closed()),
            Ok(count) => {
                self.late.note(deadline, now, late::add(read_late, count, capacity));
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

    /// Writes all of it, or notes why not: the server may have given its reason before it went
    /// away, and that is still to be read.
    fn write(&mut self, bytes: &[u8]) {
        if self.broken.is_some() || bytes.is_empty() {
            return;
        }
        if let Err(error) = write_all(&mut self.socket, bytes, self.write_timeout) {
            self.broken =
                Some(Broken { phase: self.machine.phase(), error, until: later(DRAIN_TIMEOUT) });
        }
    }
}

impl<M: ClientMachine> Drop for Connection<M> {
    /// Sends what can be sent without waiting for an answer.
    fn drop(&mut self) {
        if self.closed || self.cancel.is_cancelled() {
            return;
        }
        let _ = self.socket.set_write_timeout(Some(DROP_TIMEOUT));
        self.write_timeout = DROP_TIMEOUT;
        let until = later(DROP_TIMEOUT);
        self.machine.close(Instant::now());
        while Instant::now() < until && self.broken.is_none() {
            match self.machine.poll_output() {
                Output::Transmit { data: transmit, .. } => {
                    for part in transmit.parts() {
                        self.write(part);
                    }
                }
                Output::Event(event) if M::is_last(&event) => break,
                Output::Wait(_) => break,
                Output::Event(_)
                | Output::Connect { .. }
                | Output::Close { .. }
                | Output::Datagram(_) => {}
            }
        }
    }
}
